import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatMetricName, MetricNameError, parseMetricName, refuseLabels } from "./metric-name.ts";

test("names have one canonical spelling", () => {
  const same = (text: string, canonical: string) => assert.equal(parseMetricName(text).text, canonical, text);
  same("up", "up");
  same("up{}", "up");
  same("a:b_c1", "a:b_c1");
  same(`up{job="x"}`, `up{job="x"}`);
  same(`up{ job = "x" , a="y", } `, `up{a="y",job="x"}`);
  same(`up{b="2",a="1"}`, `up{a="1",b="2"}`);
  same(`up{a=""}`, "up");
  same(String.raw`up{a="q\" b\\ n\n"}`, String.raw`up{a="q\" b\\ n\n"}`);
  same(`up{a="größe 🌊"}`, `up{a="größe 🌊"}`);
  same(`up{__proto__="x"}`, `up{__proto__="x"}`);
});

test("a malformed name is refused at its position", () => {
  const fails = (text: string, position: number, message: RegExp) =>
    assert.throws(
      () => parseMetricName(text),
      (error) => {
        assert.ok(error instanceof MetricNameError && error instanceof TypeError);
        assert.equal(error.position, position, text);
        assert.match(error.message, message);
        return true;
      },
      text,
    );
  fails("", 0, /want a metric name.*got the end/);
  fails("1up", 0, /got "1"/);
  fails("a-b", 1, /want "\{" or the end, got "-"/);
  fails("a b", 2, /got "b"/);
  fails("a{", 2, /want a label name or '\}', got the end/);
  fails("a{b}", 3, /want "=", got "\}"/);
  fails("a{b=c}", 4, /want "\\"", got "c"/);
  fails(`a{b="c`, 6, /closing quote/);
  fails(`a{b="c"`, 7, /want ",", got the end/);
  fails(`a{b="c"d="e"}`, 7, /want ",", got "d"/);
  fails(`a{b="\\x"}`, 5, /after the backslash/);
  fails(`a{b="x\ny"}`, 6, /line break/);
  fails(`a{b="1",b="2"}`, 8, /occurs twice/);
  fails(`a{__name__="x"}`, 2, /before the braces/);
  fails(`a{b="\ud800"}`, 6, /surrogate/);
  fails(`a{b="c"} 1`, 9, /got "1"/);
  fails(undefined as unknown as string, 0, /want a string, got undefined/);
});

test("formatMetricName escapes any value so that it reads back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (value) => {
      const text = formatMetricName("m", new Map([["label", value]]));
      assert.equal(parseMetricName(text).text, text);
      assert.ok(!text.includes("\n"));
    }),
  );
  assert.equal(formatMetricName("m", [["a", "\ud800"]]), `m{a="\ufffd"}`);
  assert.equal(formatMetricName("m", []), "m");
  const refuses = (family: string, label: string, value: unknown) =>
    assert.throws(() => formatMetricName(family, [[label, value as string]]), MetricNameError);
  refuses("m", "a b", "c");
  // Not two labels, smuggled in as the name of one.
  refuses("m", 'a="1",b', "c");
  refuses('m{a="1"}', "b", "c");
  assert.throws(() => formatMetricName('m{a="1"}', []), MetricNameError);
  for (const value of [undefined, null, 5, {}, Symbol("s")]) refuses("m", "a", value);
});

test("refuseLabels looks at label names, not into values", () => {
  refuseLabels(parseMetricName(`m{a="x,le=",xle="1"}`), ["le"]);
  assert.throws(() => refuseLabels(parseMetricName(`m{a="b",le="1"}`), ["quantile", "le"]), /position 1: label "le"/);
});
