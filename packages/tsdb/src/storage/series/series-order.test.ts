import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { seriesKeyOf } from "../../index/series-key.ts";
import { SeriesTermsReader } from "../../index/series-terms.ts";
import { Pacer } from "../pacer.ts";
import { SeriesRegistry } from "./registry.ts";
import { numberSeries, orderSeries } from "./series-order.ts";

/** What series are compared by: metric name, job, instance, then each label with its value. */
function rank(labels: Labels): string[] {
  const entries = [...labels.entries()].map(([name, value]) => [name === "__name__" ? "" : name, value]);
  entries.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const of = (wanted: string): string => entries.find(([name]) => name === wanted)?.[1] ?? "";
  return [of(""), of("job"), of("instance"), ...entries.flat()];
}

function compareRanks(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return (a[i] as string) < (b[i] as string) ? -1 : 1;
  }
  return a.length - b.length;
}

async function check(series: readonly Labels[]): Promise<void> {
  const registry = new SeriesRegistry(1);
  const slots = new Set(series.map((labels) => registry.slotOf(DEFAULT_TENANT, seriesKeyOf(labels))));
  const ordered = await orderSeries(registry, Uint32Array.from(slots), new Pacer());
  assert.deepEqual(new Set(ordered.slots), slots);
  const all = [...ordered.slots].map((slot) => registry.labelsOf(slot));
  for (let i = 1; i < all.length; i++) {
    const order = compareRanks(rank(all[i - 1] as Labels), rank(all[i] as Labels));
    if (order > 0) assert.fail(`${all[i - 1]} stands before ${all[i]}`);
  }
  // The terms of each series are its labels.
  const numbered = numberSeries({ tenant: DEFAULT_TENANT, registry, firstId: 7, ...ordered });
  const reader = new SeriesTermsReader(numbered.terms);
  let labelTotal = 0;
  for (const [i, labels] of all.entries()) {
    assert.ok(reader.next());
    labelTotal += reader.length;
    const found = [...reader.terms.subarray(0, reader.length)].map((term) => {
      const label = numbered.labels.findLast(({ firstTerm }) => firstTerm < term);
      return [label?.name, Buffer.from(numbered.valueBytes(term)).toString()];
    });
    if (i < 200) assert.deepEqual(found, [...labels.entries()]);
  }
  assert.ok(!reader.next());
  assert.equal(labelTotal, numbered.labelTotal);
}

test("series are ordered by metric name, job, instance and the rest, and so are their terms", async () => {
  const text = fc.constantFrom("a", "ab", "abcdefgh", "abcdefgi", "b", "host-1", "host-10");
  const name = fc.constantFrom("job", "instance", "a", "le", "zone");
  const labels = fc.tuple(fc.option(text), fc.dictionary(name, text, { maxKeys: 4 }));
  await fc.assert(
    fc.asyncProperty(fc.array(labels, { minLength: 1, maxLength: 80 }), async (all) => {
      const series = all.map(([metric, pairs]) => new Labels(metric ?? "m", Object.entries(pairs).sort().flat()));
      await check(series);
    }),
  );
});

test("more ties than are looked at together", async () => {
  const one = (i: number, instance: string): Labels =>
    new Labels("m", ["a", String(i % 97), "b", String((i * 7919) % 20_000), "instance", instance]);
  await check(Array.from({ length: 20_000 }, (_, i) => one(i, i % 10 === 0 ? `i${i % 70}` : "same")));
});
