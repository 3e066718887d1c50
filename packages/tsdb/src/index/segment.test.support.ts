/** What tests of segments share: series given as label sets, and segments of them on a disk in memory. */
import { encodeLabelText } from "../base/label-bytes.ts";
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { Pace } from "./filter-search.ts";
import { NO_SYMBOL, type NumberedSeries } from "./numbered-series.ts";
import { PageCache } from "./page-cache.ts";
import { buildSegment } from "./segment-build.ts";
import { IndexSegment } from "./segment-reader.ts";

/** Never pauses. */
export const AT_ONCE: Pace = { isDue: false, pause: async () => {} };
export const HASH_KEY: Uint32Array = Uint32Array.of(1, 2, 3, 4);

export interface IndexedSeries {
  /** Ids ascend; they need not follow each other without gaps. */
  readonly id: number;
  readonly labels: Labels;
}

/** Numbers the texts of label sets. */
export function numberTexts(tenant: Tenant, series: readonly IndexedSeries[]): NumberedSeries {
  const seen = new Set<string>();
  for (const { labels } of series) for (const entry of labels.entries()) for (const text of entry) seen.add(text);
  const sorted = [...seen].map((text) => ({ text, bytes: encodeLabelText(text) }));
  sorted.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const numbers = new Map(sorted.map(({ text }, i) => [text, i]));
  return {
    tenant,
    symbolCount: sorted.length,
    symbolBytes: (symbol) => (sorted[symbol] as { bytes: Uint8Array }).bytes,
    seriesCount: series.length,
    idOf: (i) => (series[i] as IndexedSeries).id,
    countLabels: (i) => [...(series[i] as IndexedSeries).labels.entries()].length,
    copyLabels(i, target) {
      let at = 0;
      for (const [name, value] of (series[i] as IndexedSeries).labels.entries()) {
        target[at++] = name === "__name__" ? NO_SYMBOL : (numbers.get(name) as number);
        target[at++] = numbers.get(value) as number;
      }
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
    .map(({ tenant, series }) => numberTexts(tenant, series));
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
