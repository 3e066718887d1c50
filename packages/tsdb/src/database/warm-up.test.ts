import assert from "node:assert/strict";
import { test } from "node:test";
import { warmUpWrites } from "./warm-up.ts";

test("warming up goes through, and others get their turns meanwhile", async () => {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await warmUpWrites();
  clearImmediate(next);
  assert.ok(turns > 4);
});
