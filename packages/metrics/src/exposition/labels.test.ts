import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { addMissingLabels, appendLabel, formatLabels } from "./labels.ts";
import { parseText } from "./strict-parser.test.ts";

const labelName = fc.constantFrom("a", "b", "job", "myjob", "__proto__");
const value = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom('x,job="', ',job="y', "\\", '\\"', "\n", "\ud800", ""),
);
const pairs = fc.uniqueArray(fc.tuple(labelName, value), { selector: ([name]) => name });

test("any values come back from the text, sorted by name, empty ones left out", () => {
  fc.assert(
    fc.property(pairs, (all) => {
      const wanted = all
        .filter(([, text]) => text !== "")
        .map(([name, text]) => [name, wellFormed(text)])
        .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
      assert.deepEqual(readLabels(formatLabels(all)), wanted);
    }),
  );
});

test("added labels come in front of those that are there, which win", () => {
  const same = (labels: string, extra: [string, string][], text: string) =>
    assert.equal(addMissingLabels(labels, new Map(extra)), text);
  same("", [["job", "a"]], 'job="a"');
  same(
    'x="1"',
    [
      ["job", "a"],
      ["zone", '"'],
    ],
    'job="a",zone="\\"",x="1"',
  );
  same('job="b"', [["job", "a"]], 'job="b"');
  same('a="1",job="b"', [["job", "a"]], 'a="1",job="b"');
  same('myjob="b"', [["job", "a"]], 'job="a",myjob="b"');
  same('x=",job="', [["job", "a"]], 'job="a",x=",job="');
  same('x="1"', [["job", ""]], 'x="1"');
  same('x="1"', [], 'x="1"');
});

test("added labels never make one twice, whatever the values hold", () => {
  fc.assert(
    fc.property(pairs, pairs, (own, extra) => {
      const wanted = new Map<string, string>(
        [...extra, ...own.filter(([, text]) => text !== "")].filter(([, text]) => text !== ""),
      );
      const read = readLabels(addMissingLabels(formatLabels(own), new Map(extra)));
      assert.equal(read.length, wanted.size);
      for (const [name, text] of read) assert.equal(text, wellFormed(wanted.get(name) ?? ""));
    }),
  );
});

test("appendLabel", () => {
  assert.equal(appendLabel("", 'le="1"'), 'le="1"');
  assert.equal(appendLabel('a="b"', 'le="1"'), 'a="b",le="1"');
});

function readLabels(labels: string): (readonly [string, string])[] {
  const line = labels === "" ? "x 1" : `x{${labels}} 1`;
  return [...(parseText(`# TYPE x gauge\n${line}\n`)[0]?.samples[0]?.labels ?? [])];
}

/** Half of a surrogate pair has no UTF-8. */
function wellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}
