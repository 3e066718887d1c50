import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLabelText, parseLabels } from "./label-text.ts";
import { formatLabel, formatLabels } from "./labels.ts";

test("what formatLabels writes reads back, and cut anywhere but after a label it is no label text", () => {
  const label = fc.tuple(
    fc.stringMatching(/^[a-z_][a-z0-9_]{0,4}$/),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(label, { selector: ([name]) => name, minLength: 1, maxLength: 4 }), (labels) => {
      const sorted = labels.toSorted(([a], [b]) => (a < b ? -1 : 1));
      const text = formatLabels(labels);
      assert.deepEqual(parseLabels(text), sorted);
      const whole = sorted.map((_, i) => formatLabels(sorted.slice(0, i)).length);
      for (let i = 1; i < text.length; i++) {
        if (isLabelText(text.slice(0, i)) !== whole.includes(i)) assert.fail(text.slice(0, i));
      }
    }),
  );
  assert.deepEqual(parseLabels(""), []);
  assert.deepEqual(parseLabels(formatLabel("__proto__", "\ud800")), [["__proto__", "\ufffd"]]);
});

test("what is no label text", () => {
  for (const text of ['a="b",', ',a="b"', 'a="b"c="d"', 'a="\n"', 'a="\\x"', "a=b", 'a-b="c"', 'a="b",a="c"', '="x"']) {
    assert.ok(!isLabelText(text), text);
  }
  assert.equal(parseLabels('a="b",c'), null);
});
