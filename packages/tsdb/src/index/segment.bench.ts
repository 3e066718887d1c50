/**
 * Ten million series in one segment: what it weighs on disk and in memory, how long questions take, what a merge costs.
 *
 *   node packages/tsdb/dist/index/segment.bench.js [--series=10000000] [--cache=67108864]
 *
 * Series are those of a fleet: 1,000 metrics on 10,000 hosts in 20 regions, each with a path that only it has one time in ten. The segment is
 * written through SegmentWriter without ever being in memory.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeLabelText } from "../base/label-bytes.ts";
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import { RealDisk } from "../disk/real-disk.ts";
import { type Pace, searchSeries } from "./filter-search.ts";
import { hashKeys } from "./key-hash.ts";
import { sortByNumber } from "./number-sort.ts";
import { PageCache } from "./page-cache.ts";
import { mergeSegments } from "./segment-merge.ts";
import { IndexSegment, NO_ID, type TenantSegment } from "./segment-reader.ts";
import { EVERYTHING, NO_VALUE, SegmentWriter } from "./segment-writer.ts";

const TENANT: Tenant = { accountId: 0, projectId: 0 };
const HASH_KEY: Uint32Array = Uint32Array.of(1, 2, 3, 4);
const HOSTS = 10_000;
const REGIONS = 20;
const AT_ONCE: Pace = { isDue: false, pause: async () => {} };

function option(name: string, byDefault: number): number {
  const given = process.argv.find((argument) => argument.startsWith(`--${name}=`));
  return given === undefined ? byDefault : Number(given.slice(name.length + 3));
}

const padded = (text: string, number: number, digits: number): Uint8Array =>
  encodeLabelText(`${text}${String(number).padStart(digits, "0")}`);

/** Labels of series `id`, with the metric's name under the empty name: `id` counts hosts within metrics, as flushes give ids. */
function labelsOf(id: number): (readonly [string, Uint8Array])[] {
  const host = id % HOSTS;
  const labels: (readonly [string, Uint8Array])[] = [
    ["", padded("metric_", Math.floor(id / HOSTS), 4)],
    ["instance", padded("host-", host, 5)],
    ["job", encodeLabelText("node")],
  ];
  if (id % 10 === 0) labels.push(["path", padded("/var/lib/volumes/", id / 10, 7)]);
  labels.push(["region", padded("region-", host % REGIONS, 2)]);
  return labels;
}

function keyOf(id: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of labelsOf(id)) {
    const bytes = encodeLabelText(name);
    parts.push(Uint8Array.of(bytes.length), bytes, Uint8Array.of(value.length), value);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Writes series `[lo, hi)`, whole metrics. */
async function writeFleet(disk: RealDisk, path: string, fileNumber: number, lo: number, hi: number): Promise<void> {
  const writer = await SegmentWriter.create(disk, path, fileNumber, HASH_KEY);
  const metrics = (hi - lo) / HOSTS;
  writer.beginTenant(TENANT, hi - lo, hi - 1);
  const term = async (value: Uint8Array, count: number, idOf: (i: number) => number): Promise<void> => {
    writer.beginTerm(value);
    for (let at = 0; at < count; at += 65_536) {
      writer.addIds(Uint32Array.from({ length: Math.min(65_536, count - at) }, (_, i) => idOf(at + i)));
    }
    writer.endTerm();
    if (writer.isFull) await writer.flush();
  };
  const all = (i: number): number => lo + i;
  const paths = (hi - lo) / 10;
  writer.beginLabel(EVERYTHING);
  await term(NO_VALUE, hi - lo, all);
  writer.beginLabel("__name__");
  await term(NO_VALUE, hi - lo, all);
  for (let m = 0; m < metrics; m++) {
    await term(padded("metric_", lo / HOSTS + m, 4), HOSTS, (i) => lo + m * HOSTS + i);
  }
  writer.beginLabel("instance");
  await term(NO_VALUE, hi - lo, all);
  for (let h = 0; h < HOSTS; h++) await term(padded("host-", h, 5), metrics, (i) => lo + i * HOSTS + h);
  writer.beginLabel("job");
  await term(NO_VALUE, hi - lo, all);
  await term(encodeLabelText("node"), hi - lo, all);
  writer.beginLabel("path");
  await term(NO_VALUE, paths, (i) => lo + 10 * i);
  for (let p = 0; p < paths; p++) await term(padded("/var/lib/volumes/", lo / 10 + p, 7), 1, () => lo + 10 * p);
  writer.beginLabel("region");
  await term(NO_VALUE, hi - lo, all);
  const perRegion = (hi - lo) / REGIONS;
  for (let r = 0; r < REGIONS; r++) await term(padded("region-", r, 2), perRegion, (i) => lo + i * REGIONS + r);
  writer.endTerms();

  // Numbers of terms follow from the order above.
  const firstHost = 1 + 1 + metrics + 1;
  const job = firstHost + HOSTS + 1;
  const firstPath = job + 2;
  const firstRegion = firstPath + paths + 1;
  for (let id = lo; id < hi; id++) {
    const host = id % HOSTS;
    const metric = 2 + Math.floor((id - lo) / HOSTS);
    const region = firstRegion + (host % REGIONS);
    const path = firstPath + (id - lo) / 10;
    writer.addSeries(
      id,
      id % 10 === 0
        ? Uint32Array.of(metric, firstHost + host, job, path, region)
        : Uint32Array.of(metric, firstHost + host, job, region),
    );
    if (writer.isFull) await writer.flush();
  }
  writer.endSeries();
  const hashes = new Uint32Array(hi - lo);
  for (let at = lo; at < hi; at += 10_000) {
    const keys = Array.from({ length: 10_000 }, (_, i) => keyOf(at + i));
    let end = 0;
    const ends = Uint32Array.from(keys, (key) => {
      end += key.length;
      return end;
    });
    hashes.set(hashKeys(HASH_KEY, TENANT, Buffer.concat(keys), ends), at - lo);
  }
  const items = Uint32Array.from({ length: hi - lo }, (_, i) => i);
  for (const item of await sortByNumber(items, hashes, 0xffff_ffff, AT_ONCE)) {
    writer.addKey(hashes[item] as number, lo + item);
    if (writer.isFull) await writer.flush();
  }
  writer.endTenant();
  await writer.finish();
}

function memoryMb(): string {
  (globalThis as unknown as { gc?: () => void }).gc?.();
  return `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`;
}

/** Runs it three times: the first is cold. */
async function time(name: string, work: () => Promise<unknown>): Promise<void> {
  const ms: number[] = [];
  let result: unknown;
  for (let run = 0; run < 3; run++) {
    const startMs = performance.now();
    result = await work();
    ms.push(performance.now() - startMs);
  }
  const [cold = 0, ...warm] = ms;
  console.log(
    `${name.padEnd(52)} ${cold.toFixed(2).padStart(9)} ms cold ${Math.min(...warm)
      .toFixed(2)
      .padStart(9)} ms warm   ${result}`,
  );
}

async function count(
  own: TenantSegment,
  filters: readonly (readonly [string, "=" | "!=" | "=~" | "!~", string])[],
): Promise<string> {
  const groups = [filters.map(([label, op, value]) => ({ label, op, value }))];
  return `${(await searchSeries(own, groups, AT_ONCE)).length} series`;
}

async function measure(
  disk: RealDisk,
  path: string,
  fileNumber: number,
  series: number,
  cacheBytes: number,
): Promise<void> {
  const cache = new PageCache(cacheBytes);
  const before = memoryMb();
  const startMs = performance.now();
  const segment = await IndexSegment.open(disk, path, fileNumber, cache);
  console.log(
    `opened in ${(performance.now() - startMs).toFixed(1)} ms: ${(segment.bytes / series).toFixed(2)} bytes a series, ${(segment.residentBytes / series).toFixed(3)} resident; process ${before} → ${memoryMb()}`,
  );
  const own = segment.of(TENANT) as TenantSegment;
  const values = async (label: string, prefix = ""): Promise<string> => {
    let found = 0;
    for await (const batch of own.values(label, prefix))
      for (let i = 0; i < batch.count; i++) found += batch.text(i) === "" ? 0 : 1;
    return `${found} values`;
  };
  const one: [string, "=", string][] = [
    ["__name__", "=", "metric_0007"],
    ["instance", "=", "host-04711"],
  ];
  await time("label names", async () => `${[...own.names()].length} names`);
  await time("values of job", () => values("job"));
  await time("values of region", () => values("region"));
  await time("values of __name__", () => values("__name__"));
  await time("values of instance, 10,000", () => values("instance"));
  await time("values of path that start with …/00012", () => values("path", "/var/lib/volumes/00012"));
  await time("one series", () => count(own, one));
  await time("one metric, 10,000 series", () => count(own, [["__name__", "=", "metric_0007"]]));
  await time("one metric in a region, 500 series", () =>
    count(own, [
      ["__name__", "=", "metric_0007"],
      ["region", "=", "region-03"],
    ]),
  );
  await time("one metric but a region", () =>
    count(own, [
      ["__name__", "=", "metric_0007"],
      ["region", "!=", "region-03"],
    ]),
  );
  await time("one host, all its series", () => count(own, [["instance", "=", "host-04711"]]));
  await time("a metric, hosts by regex", () =>
    count(own, [
      ["__name__", "=", "metric_0007"],
      ["instance", "=~", "host-0471.|host-1.*"],
    ]),
  );
  await time("labels of one metric's 10,000 series", async () => {
    const ids = await searchSeries(own, [[{ label: "__name__", op: "=", value: "metric_0007" }]], AT_ONCE);
    const labels: (Labels | null)[] = [];
    await own.readLabels(ids, labels, AT_ONCE, () => {});
    return `${labels.length} label sets`;
  });
  await time("10,000 keys that are there", async () => await lookUp(own, series, ""));
  await time("10,000 keys that are not", async () => await lookUp(own, series, "x"));
  await time("a region: half a million series", () => count(own, [["region", "=", "region-03"]]));
  await time("all but a region", () =>
    count(own, [
      ["job", "=", "node"],
      ["region", "!=", "region-03"],
    ]),
  );
  await time("paths by a regex without a prefix", () => count(own, [["path", "=~", ".*7777"]]));
  const { requests, misses } = cache.counters;
  console.log(
    `cache ${(cache.bytes / 2 ** 20).toFixed(1)} of ${(cacheBytes / 2 ** 20).toFixed(0)} MB, ${cache.count} pages, ${misses} of ${requests} requests missed; resident ${(segment.residentBytes / series).toFixed(3)} bytes a series; process ${memoryMb()}`,
  );
  segment.retire();
}

async function lookUp(own: TenantSegment, series: number, suffix: string): Promise<string> {
  const ids = Array.from({ length: 10_000 }, (_, i) => Math.floor((i * series) / 10_000));
  const keys = ids.map((id) => (suffix === "" ? keyOf(id) : new Uint8Array(Buffer.concat([keyOf(id), OTHER_LABEL]))));
  let end = 0;
  const ends = Uint32Array.from(keys, (key) => {
    end += key.length;
    return end;
  });
  const found = new Uint32Array(keys.length).fill(NO_ID);
  await own.findKeys(new Uint8Array(Buffer.concat(keys)), ends, found, AT_ONCE, () => {});
  return `${found.filter((id, i) => id === ids[i]).length} found`;
}

const OTHER_LABEL: Uint8Array = Uint8Array.of(1, 122, 1, 122);

const folder = await mkdtemp(join(tmpdir(), "nyanza-index-"));
try {
  const series = option("series", 10_000_000);
  const cacheBytes = option("cache", 64 << 20);
  const disk = new RealDisk(folder);
  let startMs = performance.now();
  await writeFleet(disk, "1.idx", 1, 0, series);
  console.log(
    `wrote ${series} series in ${((performance.now() - startMs) / 1000).toFixed(1)} s; process ${memoryMb()}`,
  );
  await measure(disk, "1.idx", 1, series, cacheBytes);
  if (process.argv.includes("--merge")) {
    const half = Math.floor(series / HOSTS / 2) * HOSTS;
    await writeFleet(disk, "2.idx", 2, 0, half);
    await writeFleet(disk, "3.idx", 3, half, series);
    const cache = new PageCache(cacheBytes);
    const sources = [
      await IndexSegment.open(disk, "2.idx", 2, cache),
      await IndexSegment.open(disk, "3.idx", 3, cache),
    ];
    const before = memoryMb();
    startMs = performance.now();
    await mergeSegments(disk, sources, "4.idx", 4, AT_ONCE);
    console.log(
      `merged two halves in ${((performance.now() - startMs) / 1000).toFixed(1)} s; process ${before} → ${memoryMb()}`,
    );
    for (const source of sources) source.retire();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
