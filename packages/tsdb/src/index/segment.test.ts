/** One set of filters, four answers that must agree: a segment on disk, the index in memory, and a look at every label set. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CorruptionError } from "../base/errors.ts";
import { decodeLabelBytes } from "../base/label-bytes.ts";
import type { FilterOp, LabelFilter } from "../base/label-filter.ts";
import { Labels } from "../base/labels.ts";
import { Random } from "../base/random.ts";
import { compileRegex } from "../base/regex.ts";
import type { Tenant } from "../base/tenant.ts";
import { NewerFormatError } from "../codec/pages.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { LABELS_AS_KEY, LabelStore } from "../kernel/label-store.ts";
import { type SeriesIndex, searchSeries } from "./filter-search.ts";
import { NO_MORE } from "./id-list.ts";
import { asSeriesIndex } from "./listed-index.ts";
import { MemoryIndex } from "./memory-index.ts";
import { intersect } from "./postings.ts";
import {
  AT_ONCE,
  HASH_KEY,
  type IndexedSeries,
  makeTestSegment,
  openTestSegment,
  writeTestSegment,
} from "./segment.test.support.ts";
import { mergeSegments } from "./segment-merge.ts";
import { type IndexSegment, NO_ID, type TenantSegment } from "./segment-reader.ts";
import { EVERYTHING, NO_VALUE, SegmentWriter } from "./segment-writer.ts";
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

async function valuesOf(index: SeriesIndex, label: string, prefix = "", needle = ""): Promise<string[]> {
  const values: string[] = [];
  for await (const batch of index.values(label, prefix, needle)) {
    for (let i = 0; i < batch.count; i++) values.push(batch.text(i));
  }
  return values;
}

async function labelsOf(own: TenantSegment, ids: readonly number[]): Promise<(Labels | null)[]> {
  const labels: (Labels | null)[] = [];
  await own.readLabels(Uint32Array.from(ids), labels, AT_ONCE, () => {});
  return labels;
}

/** Ids of keys given as labels, NO_ID where there is none. */
async function findAll(
  own: TenantSegment,
  sets: readonly Labels[],
  onDamage: (error: CorruptionError) => void = () => {},
): Promise<number[]> {
  const keys = sets.map((labels) => seriesKeyOf(labels));
  let end = 0;
  const ends = Uint32Array.from(keys, (key) => (end += key.length));
  const ids = new Uint32Array(keys.length).fill(NO_ID);
  await own.findKeys(new Uint8Array(Buffer.concat(keys)), ends, ids, AT_ONCE, onDamage);
  return [...ids];
}

test("any filters on any label sets: segment, memory and a look at each agree", () => {
  return fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(labelSet, { maxLength: 12 }), { minLength: 3, maxLength: 3 }),
      fc.array(groups, { minLength: 5, maxLength: 5 }),
      fc.integer({ min: 2, max: 1000 }),
      // Pages come and go, or all stay.
      fc.constantFrom(0, 3000, 1 << 20),
      async (sets, searches, gaps, cacheBytes) => {
        const tenants = sets.map((own, i) => ({ tenant: TENANTS[i] as Tenant, series: seriesOf(own, gaps) }));
        const segment = await makeTestSegment(9, tenants, cacheBytes);
        const store = new LabelStore();
        for (const { tenant, series } of tenants) {
          const own = segment.of(tenant);
          assert.equal(own === null, series.length === 0);
          if (own === null) continue;
          const memory = new MemoryIndex(store, store.tenantNumber(tenant));
          // The head knows neither series without labels nor two with the same: numbers there are of the first of their kind.
          const slots = series.map(({ labels }) => register(store, tenant, labels));
          for (const search of searches) {
            const want = series.filter(({ labels }) =>
              search.some((group) => group.every((one) => fulfils(labels, one))),
            );
            const wantIds = want.map(({ id }) => id);
            assert.deepEqual([...(await searchSeries(own, search, AT_ONCE))], wantIds);
            const wantSlots = new Set(
              slots.filter((slot, i) => slot >= 0 && want.includes(series[i] as IndexedSeries)),
            );
            assert.deepEqual([...(await searchSeries(asSeriesIndex(memory), search, AT_ONCE))], [...wantSlots]);
          }
          const ids = series.map(({ id }) => id);
          assert.deepEqual([...(await (await own.all()).read())], ids);
          assert.deepEqual(
            await labelsOf(own, ids),
            series.map(({ labels }) => labels),
          );
          const listed: IndexedSeries[] = [];
          for await (const one of own.series()) listed.push(one);
          assert.deepEqual(listed, series);
          assert.deepEqual([...own.names()].sort(), [...memory.names()].sort());
          for (const name of NAMES) {
            const values = await valuesOf(own, name);
            assert.deepEqual([...values].sort(), [...(await valuesOf(asSeriesIndex(memory), name))].sort());
            for (const prefix of ["x", "a", "é", "zz"]) {
              const wanted = values.filter((value) => value.startsWith(prefix));
              assert.deepEqual(await valuesOf(own, name, prefix), wanted);
            }
            for (const needle of ["x", "a", "é", "zz", "ab"]) {
              const wanted = values.filter((value) => value.includes(needle));
              assert.deepEqual(await valuesOf(own, name, "", needle), wanted);
              assert.deepEqual((await valuesOf(asSeriesIndex(memory), name, "", needle)).sort(), [...wanted].sort());
            }
          }
          const found = await findAll(own, [...series.map(({ labels }) => labels), Labels.from([["a", "nobody"]])]);
          assert.equal(found.pop(), NO_ID);
          for (const [i, id] of found.entries()) {
            // Of several with one label set any will do: a database has no such.
            const twin = series.find((other) => other.id === id);
            assert.deepEqual(twin?.labels, (series[i] as IndexedSeries).labels);
          }
        }
        assert.equal(segment.of({ accountId: 5, projectId: 5 }), null);
        assert.ok(segment.file.cache.bytes <= cacheBytes);
      },
    ),
    { numRuns: 60 },
  );
});

const TENANT: Tenant = TENANTS[0] as Tenant;

/** Series with a label of many values, some long, and labels of few. */
function manySeries(count: number, firstId = 3): IndexedSeries[] {
  return Array.from({ length: count }, (_, i) => {
    const text = i % 50 === 0 ? `host-${i}${"/long".repeat(1000)}` : `host-${i}`;
    const pairs = ["instance", text, "job", i % 3 === 0 ? "node" : "api"];
    return {
      id: firstId + 5 * i,
      labels: new Labels(`metric_${i % 7}`, i % 11 === 0 ? [...pairs.slice(2), "zone", `${i}`] : pairs),
    };
  });
}

test("pages of all kinds meet without a gap", async () => {
  for (const count of [1, 255, 256, 257, 5000]) {
    const series = manySeries(count);
    const own = (await makeTestSegment(1, [{ tenant: TENANT, series }])).of(TENANT) as TenantSegment;
    const ids = series.map(({ id }) => id);
    const sets = series.map(({ labels }) => labels);
    assert.deepEqual(await labelsOf(own, ids), sets);
    assert.deepEqual(await findAll(own, sets), ids);
    assert.deepEqual(
      (
        await findAll(
          own,
          sets.map(({ name, pairs }) => new Labels(`${name}x`, pairs)),
        )
      ).filter((id) => id !== NO_ID),
      [],
    );
    for (let i = 0; i < count; i += 7) {
      const { id, labels } = series[i] as IndexedSeries;
      const host = labels.get("instance");
      if (host === "") continue;
      assert.deepEqual([...(await (await own.withValue("instance", host)).read())], [id]);
      assert.deepEqual(await valuesOf(own, "instance", host).then((found) => found.includes(host)), true);
    }
    const nodes = series.filter(({ labels }) => labels.get("job") === "node").map(({ id }) => id);
    const list = await own.withValue("job", "node");
    assert.equal(list.count, nodes.length);
    assert.deepEqual([...(await list.read())], nodes);
    const withHost = series.filter(({ labels }) => labels.get("instance") !== "").map(({ id }) => id);
    assert.deepEqual([...(await (await own.withLabel("instance")).read())], withHost);
    for (const absent of ["", "a", "host-", "host-0a", "zzz", "node"])
      assert.equal((await own.withValue("instance", absent)).count, 0);
    assert.equal((await own.withValue("", "")).count, 0);
    await assert.rejects(labelsOf(own, [0]));
    await assert.rejects(labelsOf(own, [4]));
  }
});

test("long lists, dense and sparse and ragged, are read, leapt through and looked into", async () => {
  const random = new Random(7);
  const count = 400_000;
  const sets: Uint32Array[] = [
    Uint32Array.from({ length: count }, (_, i) => i), // runs
    Uint32Array.from({ length: count / 2 }, (_, i) => 2 * i), // bitmaps
    Uint32Array.from({ length: count / 40 }, (_, i) => 40 * i + (i % 3)), // steps
    Uint32Array.from({ length: count }, (_, i) => i).filter((i) => (i >> 16) % 2 === 0 && random.chance(0.3)),
    Uint32Array.from([...Array.from({ length: 300 }, (_, i) => 3 * i), 250_000, count - 1]),
    Uint32Array.of(count - 1),
  ];
  const disk = new MemoryDisk();
  const writer = await SegmentWriter.create(disk, "1.idx", 1, HASH_KEY);
  writer.beginTenant(TENANT, count, count - 1);
  writer.beginLabel(EVERYTHING);
  writer.beginTerm(NO_VALUE);
  writer.addIds(sets[0] as Uint32Array);
  writer.endTerm();
  writer.beginLabel("set");
  for (const [i, ids] of sets.entries()) {
    writer.beginTerm(Buffer.from(`${i}`));
    // In pieces, as a merge brings them.
    for (let at = 0; at < ids.length; at += 50_001) writer.addIds(ids.subarray(at, at + 50_001));
    writer.endTerm();
  }
  writer.endTerms();
  for (let id = 0; id < count; id++) writer.addSeries(id, Uint32Array.of(1));
  writer.endSeries();
  for (let id = 0; id < count; id++) writer.addKey(id * 9000, id);
  writer.endTenant();
  await writer.finish();
  const own = (await openTestSegment(disk, 1, 40_000)).of(TENANT) as TenantSegment;
  for (const [i, ids] of sets.entries()) {
    const list = await own.withValue("set", `${i}`);
    assert.equal(list.count, ids.length);
    assert.deepEqual(await list.read(), ids);
    for (const asked of [...sets, Uint32Array.of(65_535, 65_536, 131_071, 399_999, 2 ** 32 - 2), new Uint32Array(0)]) {
      assert.deepEqual(await list.retain(asked), intersect(asked, ids));
    }
    const last = ids[ids.length - 1] as number;
    assert.ok(await list.some((id) => (id === last ? id : id + 1)));
    let asked = 0;
    assert.ok(await list.some((id) => (asked++ === 0 ? Promise.resolve(last) : id)), "skips to what may be");
    assert.ok(asked <= 3);
    assert.ok(!(await list.some(() => NO_MORE)));
  }
});

test("merging segments gives, byte by byte, what building one of all their series gives", async () => {
  const series = manySeries(3000);
  const others = manySeries(700, 4);
  const tenants = (lo: number, hi: number) => [
    { tenant: TENANTS[1] as Tenant, series: series.slice(lo, hi) },
    { tenant: TENANTS[2] as Tenant, series: others.slice(lo, hi) },
  ];
  const disk = new MemoryDisk();
  const cuts = [0, 1, 600, 1200, 2900, 3000];
  const sources: IndexSegment[] = [];
  for (let i = 1; i < cuts.length; i++) {
    await writeTestSegment(disk, i, tenants(cuts[i - 1] as number, cuts[i] as number));
    sources.push(await openTestSegment(disk, i));
  }
  await mergeSegments(disk, sources, "9.idx", 9, AT_ONCE);
  const whole = new MemoryDisk();
  await writeTestSegment(whole, 9, tenants(0, 3000));
  assert.deepEqual(disk.bytesOf("9.idx"), whole.bytesOf("9.idx"));
});

test("a file that was cut is told", async () => {
  const disk = new MemoryDisk();
  await writeTestSegment(disk, 9, [{ tenant: TENANT, series: manySeries(40) }]);
  const { length } = disk.bytesOf("9.idx");
  for (let cut = 0; cut < length; cut += cut < 100 || cut > length - 1000 ? 1 : 97) {
    const shorter = disk.kill();
    await shorter.truncate("9.idx", cut);
    await assert.rejects(openTestSegment(shorter, 9), CorruptionError, `cut at ${cut}`);
  }
  await assert.rejects(IndexSegmentOfAnotherNumber(disk), CorruptionError);
});

async function IndexSegmentOfAnotherNumber(disk: MemoryDisk): Promise<IndexSegment> {
  const copy = disk.kill();
  await copy.rename("9.idx", "8.idx");
  return await openTestSegment(copy, 8);
}

test("a flipped bit in a page of any kind is told by who needs the page, and costs nothing else", async () => {
  const series = [...manySeries(30), ...seriesOf([Labels.from([["a", "b"]])], 1).map((one) => ({ ...one, id: 500 }))];
  const ids = series.map(({ id }) => id);
  const sets = series.map(({ labels }) => labels);
  const disk = new MemoryDisk();
  await writeTestSegment(disk, 9, [{ tenant: TENANT, series }]);
  const good = disk.bytesOf("9.idx").slice();
  const verdicts = new Map<string, number>();
  const random = new Random(3);
  for (let at = 0; at < good.length; at++) {
    const bit = random.below(8);
    const damaged = disk.kill();
    damaged.bytesOf("9.idx")[at] = (good[at] as number) ^ (1 << bit);
    const told: string[] = [];
    const tell = (what: string) => (error: Error) => {
      assert.ok(error instanceof CorruptionError, error.stack);
      assert.match(error.message, /9\.idx/);
      told.push(what);
      return null;
    };
    let segment: IndexSegment;
    try {
      segment = await openTestSegment(damaged, 9);
    } catch (error) {
      const isVersion = at >= 8 && at < 12;
      assert.ok(error instanceof CorruptionError || (isVersion && error instanceof NewerFormatError), `byte ${at}`);
      verdicts.set("open", (verdicts.get("open") ?? 0) + 1);
      continue;
    }
    const own = segment.of(TENANT) as TenantSegment;
    const labels: (Labels | null)[] = [];
    await own.readLabels(Uint32Array.from(ids), labels, AT_ONCE, tell("labels"));
    for (const [i, one] of labels.entries()) if (one !== null) assert.deepEqual(one, sets[i]);
    const jobs = await searchSeries(own, [[{ label: "job", op: "=", value: "node" }]], AT_ONCE).catch(tell("search"));
    if (jobs !== null) assert.deepEqual(await jobs.length, 10);
    const found = await findAll(own, sets, tell("keys"));
    // A series is found, or its labels are not read either.
    for (const [i, id] of found.entries()) assert.ok(id === ids[i] || (id === NO_ID && labels[i] === null));
    const key = told.join();
    verdicts.set(key, (verdicts.get(key) ?? 0) + 1);
  }
  // Terms are needed by all; series by labels and, to be sure, by keys; a page of hashes only by keys, and that of the filter is done without.
  const kinds = [...verdicts.keys()].map((key) => [...new Set(key.split(","))].join()).sort();
  assert.deepEqual([...new Set(kinds)].sort(), ["", "keys", "labels,keys", "labels,search,keys", "open"].sort());
});
