import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { JsonWalk, JsonWalkError } from "./json-walk.ts";

/** Rebuilds a value by walking it, every container opened. */
function rebuild(walk: JsonWalk, like: unknown): unknown {
  if (Array.isArray(like)) {
    const items: unknown[] = [];
    walk.elements(() => items.push(rebuild(walk, like[items.length])));
    return items;
  }
  if (typeof like === "object" && like !== null) {
    const members = new Map<string, unknown>();
    const wanted = new Map(Object.entries(like));
    walk.members((key) => members.set(key, rebuild(walk, wanted.get(key))));
    return Object.fromEntries(members);
  }
  return walk.value();
}

test("any JSON is read as JSON.parse reads it, whatever is opened and whatever is skipped", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const parsed: unknown = JSON.parse(text);
      const walks = [(walk: JsonWalk) => rebuild(walk, parsed), (walk: JsonWalk) => walk.value()];
      for (const read of walks) {
        const walk = new JsonWalk(Buffer.from(text));
        assert.deepEqual(read(walk), parsed);
        walk.end();
      }
      const walk = new JsonWalk(Buffer.from(text));
      walk.skip();
      walk.end();
    }),
  );
});

test("runs hand over all elements, some at a time", () => {
  const numbers = Array.from({ length: 50_000 }, (_, i) => [i, `"],[${i}\\`]);
  const found: unknown[] = [];
  let runs = 0;
  new JsonWalk(Buffer.from(JSON.stringify(numbers))).runs((elements) => {
    runs++;
    found.push(...elements);
  });
  assert.deepEqual(found, numbers);
  assert.ok(runs > 5, `${runs} runs`);
  for (const empty of ["[]", " [ ] ", "null"]) {
    new JsonWalk(Buffer.from(empty)).runs(() => assert.fail(empty));
  }
});

test("every truncation and every broken byte between pieces is told", () => {
  const text = `{"a":[1,{"b":"c\\"]"}],"d":[[1,"2"],[3,"4"]]}`;
  const read = (bytes: Buffer): void => {
    const walk = new JsonWalk(bytes);
    walk.members((key) => (key === "d" ? walk.runs(() => {}) : walk.elements(() => walk.value())));
    walk.end();
  };
  read(Buffer.from(text));
  for (let length = 0; length < text.length; length++) {
    assert.throws(() => read(Buffer.from(text.slice(0, length))), JsonWalkError, `cut after ${length}`);
  }
  for (const bad of [
    '{"a":[1,]}',
    '{"a":[1 2]}',
    "{a:[1]}",
    '{"a" [1]}',
    '{"a":[1]} x',
    '{"a":[1]},',
    '{"d":[[1,"2"},3]]}',
  ]) {
    assert.throws(() => read(Buffer.from(bad)), JsonWalkError, bad);
  }
});
