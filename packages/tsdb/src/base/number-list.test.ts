import assert from "node:assert/strict";
import { test } from "node:test";
import { NumberList } from "./number-list.ts";

test("what is pushed is there, in order", () => {
  const list = new NumberList();
  assert.deepEqual([...list.all()], []);
  for (let i = 0; i < 1000; i++) list.push(i * 4_000_037);
  assert.equal(list.length, 1000);
  assert.deepEqual(
    [...list.all()],
    Array.from({ length: 1000 }, (_, i) => i * 4_000_037),
  );
  list.clear();
  assert.deepEqual([...list.all()], []);
  list.push(5);
  assert.deepEqual([...list.all()], [5]);
});
