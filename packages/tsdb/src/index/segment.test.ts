/** One set of filters, four answers that must agree: a segment on disk, the index in memory, and a look at every label set. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CorruptionError } from "../base/errors.ts";
import { decodeLabelBytes } from "../base/label-bytes.ts";
import type { FilterOp, LabelFilter } from "../base/label-filter.ts";
import { Labels } from "../base/labels.ts";
import { compileRegex } from "../base/regex.ts";
import type { Tenant } from "../base/tenant.ts";
import { NewerFormatError } from "../codec/pages.ts";
import { LABELS_AS_KEY, LabelStore } from "../kernel/label-store.ts";
import { type Pace, searchSeries } from "./filter-search.ts";
import { asSeriesIndex } from "./listed-index.ts";
import { MemoryIndex } from "./memory-index.ts";
import { IndexSegment, type TenantSegment } from "./segment-reader.ts";
import { encodeIndexSegment, type IndexedSeries, SERIES_PER_PAGE, SYMBOLS_PER_PAGE } from "./segment-writer.ts";
import { seriesKeyOf } from "./series-key.ts";

const NAMES = ["__name__", "a", "job", "é", decodeLabelBytes(Uint8Array.of(0xff), 0, 1), "__proto__"];
const VALUES = [
  "x",
  "xy",
  "y",
  "10",
  "",
  "é",
  "日",
  "a\0b",
  decodeLabelBytes(Uint8Array.of(0xe9), 0, 1),
  "constructor",
];
const PATTERNS = ["x", "x|y", ".*", ".+", "", "x.*", ".*y", "[0-9]+", "x|", "(x)?y?", "é|日", "(?i)X", "nothing"];
const TENANTS: readonly Tenant[] = [
  { accountId: 0, projectId: 0 },
  { accountId: 0, projectId: 1 },
  { accountId: 2 ** 32 - 1, projectId: 2 ** 32 - 1 },
];

/** Never pauses. */
const AT_ONCE: Pace = { isDue: false, pause: async () => {} };

const labelSet = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)), { maxLength: 5 })
  .map((entries) => Labels.from(entries));
const filter = fc
  .tuple(fc.constantFrom(...NAMES, "absent"), fc.constantFrom<FilterOp>("=", "!=", "=~", "!~"), fc.nat())
  .map(([label, op, pick]): LabelFilter => {
    const values = op === "=" || op === "!=" ? VALUES : PATTERNS;
    return { label, op, value: values[pick % values.length] as string };
  });
const groups = fc.array(fc.array(filter, { minLength: 1, maxLength: 4 }), { maxLength: 3 });

function fulfils(labels: Labels, { label, op, value }: LabelFilter): boolean {
  const own = labels.get(label);
  if (op === "=") return own === value;
  if (op === "!=") return own !== value;
  return compileRegex(value).matches(own) === (op === "=~");
}

function seriesOf(sets: readonly Labels[], gaps: number): IndexedSeries[] {
  return sets.map((labels, i) => ({ id: i * gaps + (i % 3 === 2 ? 1 : 0), labels }));
}

function register(store: LabelStore, tenant: Tenant, labels: Labels): number {
  const key = seriesKeyOf(labels);
  return key.length === 0 ? -1 : store.register(store.tenantNumber(tenant), key, 0, key.length, LABELS_AS_KEY);
}

test("any filters on any label sets: segment, memory and a look at each agree", () => {
  return fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(labelSet, { maxLength: 12 }), { minLength: 3, maxLength: 3 }),
      fc.array(groups, { minLength: 5, maxLength: 5 }),
      fc.integer({ min: 2, max: 1000 }),
      async (sets, searches, gaps) => {
        const tenants = sets.map((own, i) => ({ tenant: TENANTS[i] as Tenant, series: seriesOf(own, gaps) }));
        const segment = new IndexSegment(encodeIndexSegment(9, tenants), 9, "9.idx");
        const store = new LabelStore();
        for (const { tenant, series } of tenants) {
          const own = segment.of(tenant) as TenantSegment;
          const memory = new MemoryIndex(store, store.tenantNumber(tenant));
          // The head knows neither series without labels nor two with the same: numbers there are of the first of their kind.
          const slots = series.map(({ labels }) => register(store, tenant, labels));
          for (const search of searches) {
            const want = series.filter(({ labels }) =>
              search.some((group) => group.every((one) => fulfils(labels, one))),
            );
            const wantIds = want.map(({ id }) => id);
            assert.deepEqual([...(await searchSeries(own.index, search, AT_ONCE))], wantIds);
            const wantSlots = new Set(
              slots.filter((slot, i) => slot >= 0 && want.includes(series[i] as IndexedSeries)),
            );
            assert.deepEqual([...(await searchSeries(asSeriesIndex(memory), search, AT_ONCE))], [...wantSlots]);
          }
          assert.deepEqual(
            [...own.all()],
            series.map(({ id }) => id),
          );
          assert.deepEqual(
            [...own.series()],
            series.map(({ id, labels }) => ({ id, labels })),
          );
          for (const { id, labels } of series) assert.deepEqual(own.labels(id), labels);
          assert.deepEqual([...own.names()].sort(), [...memory.names()].sort());
          for (const name of NAMES) assert.deepEqual([...own.values(name)].sort(), [...memory.values(name)].sort());
        }
        assert.equal(segment.of({ accountId: 5, projectId: 5 }), null);
      },
    ),
    { numRuns: 50 },
  );
});

test("pages of symbols and series meet without a gap", () => {
  for (const count of [SERIES_PER_PAGE - 1, SERIES_PER_PAGE, SERIES_PER_PAGE + 1, 3 * SYMBOLS_PER_PAGE]) {
    const series: IndexedSeries[] = [];
    for (let i = 0; i < count; i++) {
      series.push({ id: 5 * i + 3, labels: new Labels(`metric_${i % 7}`, ["instance", `host-${i}`, "job", "node"]) });
    }
    const segment = new IndexSegment(encodeIndexSegment(1, [{ tenant: TENANTS[0] as Tenant, series }]), 1, "1.idx");
    const own = segment.of(TENANTS[0] as Tenant) as TenantSegment;
    for (const { id, labels } of series) {
      assert.deepEqual(own.labels(id), labels);
      assert.deepEqual([...own.postings("instance", labels.get("instance"))], [id]);
    }
    assert.equal(own.postings("job", "node").length, count);
    for (const absent of ["", "a", "host-", "host-0a", "zzz", "node"])
      assert.equal(own.postings("instance", absent).length, 0);
    assert.throws(() => own.labels(4));
    assert.throws(() => own.labels(0));
    assert.throws(() => own.labels(5 * count + 3));
  }
});

test("cut anywhere, flipped anywhere: told, or a newer format refused by name", () => {
  const series = seriesOf(
    [
      Labels.from([
        ["__name__", "m"],
        ["a", "b"],
      ]),
      Labels.from([["__name__", "n"]]),
    ],
    2,
  );
  const good = encodeIndexSegment(9, [{ tenant: TENANTS[1] as Tenant, series }]).slice();
  const openWith = (bytes: Uint8Array): IndexSegment => new IndexSegment(bytes, 9, "9.idx");
  for (let cut = 0; cut < good.length; cut++)
    assert.throws(() => openWith(good.subarray(0, cut)), CorruptionError, `cut at ${cut}`);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bytes = good.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    const isVersion = bit >> 5 === 2;
    assert.throws(
      () => openWith(bytes),
      (error: Error) =>
        (error instanceof CorruptionError || (isVersion && error instanceof NewerFormatError)) &&
        error.message.includes("9.idx"),
      `bit ${bit}`,
    );
  }
  assert.throws(() => new IndexSegment(good, 8, "8.idx"), CorruptionError);
});
