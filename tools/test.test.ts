import assert from "node:assert/strict";
import { test } from "node:test";
import { dealOut, readSummary } from "./test.ts";

test("test: every file is dealt to one process", () => {
  const files = ["a", "b", "c", "d", "e"];
  assert.deepEqual(dealOut(files, 2), [
    ["a", "c", "e"],
    ["b", "d"],
  ]);
  assert.deepEqual(dealOut(files, 9).flat().sort(), files);
  assert.deepEqual(dealOut(["a"], 4), [["a"]]);
});

test("test: node:test's summary is read, with colours too, and a crash has none", () => {
  assert.deepEqual(
    [...(readSummary("✔ ℹ pass 7 is a name\nℹ tests 3\nℹ pass 2\nℹ fail 1\nℹ duration_ms 5") ?? [])],
    [
      ["tests", 3],
      ["pass", 2],
      ["fail", 1],
    ],
  );
  assert.equal(readSummary("\u001b[34mℹ pass 2\u001b[39m\n")?.get("pass"), 2);
  assert.equal(readSummary("Segmentation fault"), null);
});
