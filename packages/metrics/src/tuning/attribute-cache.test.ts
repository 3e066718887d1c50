import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AttributeCache } from "./attribute-cache.ts";

test("made once, frozen, and the caller's own is left alone", () => {
  const cache = new AttributeCache();
  const mine = { method: "GET", tags: ["a"] };
  const attributes = cache.get("api-get", () => mine);
  assert.deepEqual(attributes, mine);
  assert.ok(Object.isFrozen(attributes));
  assert.ok(!Object.isFrozen(mine));
  assert.equal(
    cache.get("api-get", () => assert.fail("made twice")),
    attributes,
  );
  assert.deepEqual(cache.stats(), { entries: 1, hits: 1, misses: 1, evictions: 0 });
});

test("the least recently used one goes", () => {
  const cache = new AttributeCache({ maxEntries: 2 });
  const get = (key: string) => cache.get(key, () => ({ key }));
  for (const key of ["a", "b", "a", "c", "a", "b"]) get(key);
  assert.deepEqual(cache.stats(), { entries: 2, hits: 2, misses: 4, evictions: 2 });
  cache.clear();
  get("a");
  assert.deepEqual(cache.stats(), { entries: 1, hits: 2, misses: 5, evictions: 2 });
});

test("what create throws is the caller's, and nothing is kept", () => {
  const cache = new AttributeCache({ maxEntries: 1 });
  cache.get("kept", () => ({}));
  const fails = () =>
    cache.get("a", () => {
      throw new Error("no database");
    });
  assert.throws(fails, /no database/);
  assert.throws(fails, /no database/);
  assert.equal(cache.stats().entries, 1);
  cache.get("kept", () => assert.fail("was evicted"));
});

test("what is no string is no key", () => {
  const cache = new AttributeCache();
  for (const key of [undefined, null, 5, 5n, Symbol("s"), {}, Object.create(null)] as string[]) {
    assert.deepEqual(
      cache.get(key, () => ({ a: 1 })),
      { a: 1 },
    );
  }
  assert.equal(cache.stats().entries, 0);
});

test("create may use the cache itself", () => {
  const cache = new AttributeCache({ maxEntries: 2 });
  const inner = () => cache.get("a", () => ({ from: "inner" }));
  assert.deepEqual(
    cache.get("a", () => ({ ...inner(), from: "outer" })),
    { from: "inner" },
  );
  assert.equal(cache.stats().entries, 1);
});

test("any sequence of keys: as a list that moves what is used to its front", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 7 }).map(String)), fc.integer({ min: 1, max: 6 }), (keys, size) => {
      const cache = new AttributeCache({ maxEntries: size });
      let model: string[] = [];
      for (const key of keys) {
        let isMade = false;
        const attributes = cache.get(key, () => {
          isMade = true;
          return { key };
        });
        assert.equal(attributes.key, key);
        assert.equal(isMade, !model.includes(key));
        model = [key, ...model.filter((other) => other !== key)].slice(0, size);
        assert.equal(cache.stats().entries, model.length);
      }
    }),
  );
});

test("a size that makes no sense is named", () => {
  for (const maxEntries of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => new AttributeCache({ maxEntries }), /attribute cache: maxEntries is/);
  }
});
