import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatLabels } from "../exposition/labels.ts";
import { addWorkerLabel, isLabelText, splitMemberLabel } from "./label-text.ts";

test("what formatLabels writes is label text, and cut anywhere it is not", () => {
  const label = fc.tuple(
    fc.stringMatching(/^[a-z_][a-z0-9_]{0,4}$/),
    fc.string({ unit: "binary", minLength: 1, maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.uniqueArray(label, { selector: ([name]) => name, minLength: 1, maxLength: 4 }), (labels) => {
      const text = formatLabels(labels);
      assert.ok(isLabelText(text), text);
      for (let i = 1; i < text.length; i++) {
        const whole = labels.some((_, count) => count > 0 && text[i] === ",");
        if (!whole) assert.ok(!isLabelText(text.slice(0, i)) || text[i] === ",", text.slice(0, i));
      }
      assert.ok(isLabelText(addWorkerLabel(text, '1"\n')), text);
    }),
  );
});

test("what is no label text", () => {
  for (const text of ['a="b",', ',a="b"', 'a="b"c="d"', 'a="\n"', 'a="\\x"', "a=b", 'a-b="c"', 'a="b",a="c"', '="x"']) {
    assert.ok(!isLabelText(text), text);
  }
});

test("the member label comes off, and only as a label of its own", () => {
  assert.deepEqual(splitMemberLabel('a="b",le="0.5"', "le"), { series: 'a="b"', value: "0.5" });
  assert.deepEqual(splitMemberLabel('le="+Inf"', "le"), { series: "", value: "+Inf" });
  assert.equal(splitMemberLabel('scale="1"', "le"), null);
  assert.equal(splitMemberLabel('a="x,le=\\"1\\""', "le"), null);
});

test("the worker's label takes its sorted place and hides no other", () => {
  assert.equal(addWorkerLabel("", "1"), 'worker="1"');
  assert.equal(addWorkerLabel('a="b"', "1"), 'a="b",worker="1"');
  assert.equal(addWorkerLabel('a="b",zone="c"', "1"), 'a="b",worker="1",zone="c"');
  assert.equal(addWorkerLabel('worker="x",zone="c"', "1"), 'exported_worker="x",worker="1",zone="c"');
});
