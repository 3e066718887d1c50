import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdArray, IdBits, IdCollector, NO_MORE } from "./id-list.ts";

const ascending = (ids: readonly number[]): Uint32Array => Uint32Array.from(new Set(ids)).sort();
const sets = fc.array(fc.uniqueArray(fc.nat(3000), { maxLength: 40 }).map(ascending), { maxLength: 12 });

test("a collector gives the union, in order, each id once", () => {
  const check = (lists: readonly Uint32Array[]): void => {
    const collector = new IdCollector();
    for (const ids of lists) collector.add(ids);
    const want = ascending(lists.flatMap((ids) => [...ids]));
    assert.deepEqual(collector.list().read(), want);
    assert.equal(collector.isEmpty, want.length === 0);
  };
  fc.assert(fc.property(sets, check), { numRuns: 200 });
  // Enough of them for the way over bits, and ids at both ends of what there is.
  const many = Array.from({ length: 50 }, (_, i) => ascending(Array.from({ length: 200 }, (_, k) => i + 97 * k)));
  check(many);
  check([...many, Uint32Array.of(0, 0xffff_fffe)]);
  check([Uint32Array.of(0xffff_fffe), Uint32Array.of(0)]);
});

test("bits hold what was put in, and nothing beside it", () => {
  const offsets = fc.uniqueArray(fc.nat(2000), { maxLength: 60 });
  fc.assert(
    fc.property(fc.constantFrom(0, 31, 32, 1_000_003, 2 ** 31 - 40, 2 ** 32 - 2002), offsets, (base, own) => {
      const ids = ascending(own.map((offset) => base + offset));
      const bits = IdBits.of(ids);
      assert.deepEqual(bits.ids(), ids);
      const all = new Set(ids);
      for (let id = base - 40; id < base + 2040; id++) assert.equal(bits.has(id), all.has(id), `${id}`);
      assert.ok(!bits.has(base + 1e7));
    }),
  );
});

test("a list in memory keeps and looks like a set", () => {
  const list = new IdArray(Uint32Array.of(2, 3, 5, 8));
  assert.equal(list.count, 4);
  assert.deepEqual(list.retain(Uint32Array.of(1, 3, 8, 9)), Uint32Array.of(3, 8));
  const asked: number[] = [];
  assert.ok(list.some((id) => (asked.push(id) > 0 && id > 2 ? id : id + 1)));
  assert.deepEqual(asked, [2, 3], "no further than needed");
  assert.ok(!list.some(() => NO_MORE));
});

test("whether one of a list is wanted: what is known not to be is skipped, and answers may come later", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(300)), fc.uniqueArray(fc.nat(300)), async (some, others) => {
      const ids = Uint32Array.from(some.sort((a, b) => a - b));
      const wanted = Uint32Array.from(others.sort((a, b) => a - b));
      const bits = IdBits.of(wanted);
      const least = (id: number): number => wanted.find((one) => one >= id) ?? NO_MORE;
      for (let id = 0; id < 310; id++) assert.equal(bits.next(id), least(id), `${id}`);
      const want = ids.some((id) => bits.has(id));
      let asked = 0;
      const now = (id: number): number => {
        asked++;
        return bits.next(id);
      };
      assert.equal(new IdArray(ids).some(now), want);
      assert.ok(asked <= wanted.length + 1);
      const later = (id: number): number | Promise<number> =>
        id % 3 === 0 ? bits.next(id) : Promise.resolve(bits.next(id));
      assert.equal(await new IdArray(ids).some(later), want);
    }),
  );
});
