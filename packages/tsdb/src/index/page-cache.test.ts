import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { type CachedPage, type CacheRow, PageCache } from "./page-cache.ts";

interface TestPage extends CachedPage {
  readonly name: string;
}

test("bytes stay within bounds whatever comes, grows and goes, and what is kept is what was put in", () => {
  const random = new Random(5);
  const cache = new PageCache(10_000);
  const rows: CacheRow<TestPage>[] = [[], [], []];
  for (let step = 0; step < 20_000; step++) {
    const owner = random.below(3);
    const row = rows[owner] as CacheRow<TestPage>;
    const number = random.below(200);
    const page = cache.get(row, number);
    if (page === undefined) cache.put(row, number, { name: `${owner}/${number}`, bytes: random.below(900) });
    else {
      assert.equal(page.name, `${owner}/${number}`);
      if (random.chance(0.2)) cache.grow(row, number, page, random.below(500));
    }
    if (random.chance(0.001)) {
      cache.drop(row);
      assert.ok(row.every((slot) => slot === undefined));
    }
    assert.ok(cache.bytes <= cache.bytesMax);
    const slots = rows.flatMap((own) => own.filter((slot) => slot !== undefined));
    assert.equal(cache.count, slots.length);
    assert.equal(
      cache.bytes,
      slots.reduce((bytes, slot) => bytes + slot.bytes, 0),
    );
  }
  assert.equal(cache.counters.requests, 20_000);
  assert.ok(cache.counters.misses > 5000 && cache.counters.misses < 20_000);
  for (const row of rows) cache.drop(row);
  assert.deepEqual([cache.bytes, cache.count], [0, 0]);
});

test("what is used stays while others come and go", () => {
  const cache = new PageCache(100);
  const row: CacheRow<TestPage> = [];
  cache.put(row, 0, { name: "hot", bytes: 10 });
  for (let i = 1; i < 1000; i++) {
    assert.equal(cache.get(row, 0)?.name, "hot");
    cache.put(row, i, { name: "cold", bytes: 10 });
  }
});

test("of two who read a page at once the first is believed; a page larger than all room is not kept", () => {
  const cache = new PageCache(100);
  const row: CacheRow<TestPage> = [];
  const first = cache.put(row, 0, { name: "first", bytes: 10 });
  assert.equal(cache.put(row, 0, { name: "second", bytes: 10 }), first);
  cache.grow(row, 0, { name: "third", bytes: 10 }, 50);
  assert.equal(cache.bytes, 10);
  assert.equal(cache.put(row, 1, { name: "huge", bytes: 1000 }).name, "huge");
  assert.ok(cache.bytes <= 100);
});
