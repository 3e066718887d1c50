import assert from "node:assert/strict";
import { test } from "node:test";
import { ParsedQueries } from "./parsed-queries.ts";

function counting(unitsMax?: number): { queries: ParsedQueries<{ text: string }>; read: string[] } {
  const read: string[] = [];
  const queries = new ParsedQueries((text: string) => {
    read.push(text);
    if (text.startsWith("!")) throw new Error(text);
    return { text };
  }, unitsMax);
  return { queries, read };
}

test("a text is read once", () => {
  const { queries, read } = counting();
  assert.equal(queries.get("a"), queries.get("a"));
  assert.equal(queries.get("__proto__").text, "__proto__");
  assert.deepEqual(read, ["a", "__proto__"]);
});

test("what is no query is read each time", () => {
  const { queries, read } = counting();
  for (let i = 0; i < 2; i++) assert.throws(() => queries.get("!"), /!/);
  assert.deepEqual(read, ["!", "!"]);
});

test("the texts that were not asked for longest are forgotten", () => {
  const { queries, read } = counting(10);
  for (const text of ["aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb"]) queries.get(text);
  assert.deepEqual(read, ["aaaa", "bbbb", "cccc", "bbbb"]);
});

test("long texts are not kept", () => {
  const { queries, read } = counting();
  const long = "x".repeat(5000);
  queries.get(long);
  queries.get(long);
  assert.equal(read.length, 2);
});
