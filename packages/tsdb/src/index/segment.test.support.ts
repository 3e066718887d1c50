/** What tests of segments share: series given as label sets, and segments of them on a disk in memory. */
import { encodeLabelText } from "../base/label-bytes.ts";
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { Pace } from "./filter-search.ts";
import { hashKeys } from "./key-hash.ts";
import type { NumberedLabel, NumberedSeries } from "./numbered-series.ts";
import { PageCache } from "./page-cache.ts";
import { buildSegment } from "./segment-build.ts";
import { IndexSegment } from "./segment-reader.ts";
import { NO_VALUE } from "./segment-writer.ts";
import { seriesKeyOf } from "./series-key.ts";
import { SeriesTerms } from "./series-terms.ts";

/** Never pauses. */
export const AT_ONCE: Pace = { isDue: false, pause: async () => {} };
export const HASH_KEY: Uint32Array = Uint32Array.of(1, 2, 3, 4);

export interface IndexedSeries {
  /** Ids ascend; they need not follow each other without gaps. */
  readonly id: number;
  readonly labels: Labels;
}

/** Numbers the terms of label sets. */
export function numberTerms(tenant: Tenant, series: readonly IndexedSeries[]): NumberedSeries {
  const valuesOf = new Map<string, Map<string, Uint8Array>>();
  let labelTotal = 0;
  for (const { labels } of series) {
    for (const [name, value] of labels.entries()) {
      const values = valuesOf.get(name) ?? new Map<string, Uint8Array>();
      valuesOf.set(name, values.set(value, encodeLabelText(value)));
      labelTotal++;
    }
  }
  // `__name__` is no text here, as in keys.
  const place = (name: string): Uint8Array => encodeLabelText(name === "__name__" ? "" : name);
  const labels: NumberedLabel[] = [];
  const values: Uint8Array[] = [NO_VALUE];
  const numbers = new Map<string, number>();
  for (const name of [...valuesOf.keys()].sort((a, b) => Buffer.compare(place(a), place(b)))) {
    labels.push({ name, firstTerm: values.push(NO_VALUE) - 1 });
    const own = [...(valuesOf.get(name) as Map<string, Uint8Array>)].sort((a, b) => Buffer.compare(a[1], b[1]));
    for (const [value, bytes] of own) numbers.set(`${name}\0${value}`, values.push(bytes) - 1);
  }
  const terms = new SeriesTerms();
  for (const one of series) {
    const own = [...one.labels.entries()].map(([name, value]) => numbers.get(`${name}\0${value}`) as number);
    terms.add(Uint32Array.from(own), 0, own.length);
  }
  return {
    tenant,
    labels,
    termCount: values.length,
    valueBytes: (term) => values[term] as Uint8Array,
    seriesCount: series.length,
    idOf: (i) => (series[i] as IndexedSeries).id,
    labelTotal,
    terms,
    readHashes(hashKey, done, hashes) {
      const bytes = seriesKeyOf((series[done] as IndexedSeries).labels);
      hashes.set(hashKeys(hashKey, tenant, bytes, Uint32Array.of(bytes.length)), done);
      return 1;
    },
  };
}

/** A disk with a segment `<number>.idx`. Tenants without series stay out. */
export async function writeTestSegment(
  disk: MemoryDisk,
  fileNumber: number,
  tenants: readonly { readonly tenant: Tenant; readonly series: readonly IndexedSeries[] }[],
): Promise<void> {
  const numbered = tenants
    .filter(({ series }) => series.length > 0)
    .map(({ tenant, series }) => numberTerms(tenant, series));
  await buildSegment(disk, `${fileNumber}.idx`, fileNumber, HASH_KEY, numbered, AT_ONCE);
}

export async function openTestSegment(
  disk: MemoryDisk,
  fileNumber: number,
  cacheBytes: number = 1 << 20,
): Promise<IndexSegment> {
  return await IndexSegment.open(disk, `${fileNumber}.idx`, fileNumber, new PageCache(cacheBytes));
}

export async function makeTestSegment(
  fileNumber: number,
  tenants: readonly { readonly tenant: Tenant; readonly series: readonly IndexedSeries[] }[],
  cacheBytes: number = 1 << 20,
): Promise<IndexSegment> {
  const disk = new MemoryDisk();
  await writeTestSegment(disk, fileNumber, tenants);
  return await openTestSegment(disk, fileNumber, cacheBytes);
}
