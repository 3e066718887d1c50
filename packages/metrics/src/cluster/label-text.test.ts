import assert from "node:assert/strict";
import { test } from "node:test";
import { isLabelText } from "../exposition/label-text.ts";
import { addWorkerLabel, splitMemberLabel } from "./label-text.ts";

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
  assert.ok(isLabelText(addWorkerLabel('a="b",zone="c"', '1"\n')));
});
