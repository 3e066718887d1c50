/** What the storage tests share: batches in a line, everything there is as plain maps, and the model it is compared with. */
import { ManualClock } from "../../base/clock.ts";
import { DEFAULT_TENANT, type Tenant } from "../../base/tenant.ts";
import type { Disk } from "../../disk/disk.ts";
import { RowBatch } from "../../ingest/row-batch.ts";
import { defaultStorageOptions, type StorageOptions } from "../options.ts";
import { Storage } from "../storage.ts";

export const DAY: number = 86_400_000;
/** The middle of a day in the middle of a month. */
export const NOW: number = Date.UTC(2026, 5, 15, 12);

export function testOptions(overrides: Partial<StorageOptions> = {}): StorageOptions {
  return {
    ...defaultStorageOptions,
    clock: new ManualClock(NOW),
    retentionMs: 365 * DAY,
    fsync: "always",
    ...overrides,
  };
}

export async function open(disk: Disk, overrides: Partial<StorageOptions> = {}): Promise<Storage> {
  return await Storage.open(disk, testOptions(overrides));
}

export type Row = readonly [name: string, ms: number, value: number];

/** Samples of series `name{job="test"}`. */
export function rows(entries: readonly Row[], tenant: Tenant = DEFAULT_TENANT): RowBatch {
  const batch = new RowBatch();
  batch.reset(tenant);
  for (const [name, ms, value] of entries) addRow(batch, { __name__: name, job: "test" }, ms, value);
  return batch;
}

/** A sample of any series; `job="test"` is what `readAll` looks for. */
export function addRow(batch: RowBatch, labels: Readonly<Record<string, string>>, ms: number, value: number): void {
  batch.beginSeries();
  for (const [name, value] of Object.entries(labels)) batch.addLabel(name, value);
  batch.endLabels();
  batch.addSample(ms, value);
}

/** Series by name (or what `nameOf` says), samples by time, values as bits. */
export type Model = Map<string, Map<number, string>>;

export interface Found {
  readonly model: Model;
  readonly isPartial: boolean;
}

/** Everything a search answers. @throws Error if a series comes twice or its times do not ascend */
export async function readAll(
  storage: Storage,
  minMs = 0,
  maxMs: number = NOW + 10 * DAY,
  tenant: Tenant = DEFAULT_TENANT,
): Promise<Found> {
  const model: Model = new Map();
  const cursor = await storage.search({ tenant, groups: [[{ label: "job", op: "=", value: "test" }]], minMs, maxMs });
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    let at = 0;
    for (let i = 0; i < batch.series.length; i++) {
      const { name } = batch.series[i] as { name: string };
      if (model.has(name)) throw new Error(`${name} came twice`);
      const samples = new Map<number, string>();
      let last = Number.NEGATIVE_INFINITY;
      for (; at < (batch.ends[i] as number); at++) {
        const ms = batch.timestamps[at] as number;
        if (ms <= last) throw new Error(`${name}: ${ms} after ${last}`);
        last = ms;
        samples.set(ms, bitsOf(batch.values, at));
      }
      model.set(name, samples);
    }
  }
  return { model, isPartial: cursor.isPartial };
}

/** Adds a sample; the larger value of one time counts. */
export function put(model: Model, name: string, ms: number, value: number): void {
  let samples = model.get(name);
  if (samples === undefined) {
    samples = new Map();
    model.set(name, samples);
  }
  const known = samples.get(ms);
  if (known === undefined || value > numberOf(known)) samples.set(ms, bitsOf(Float64Array.of(value), 0));
}

/** The model in an order that can be compared. */
export function sorted(model: Model): unknown[] {
  const series = [...model].map(([name, samples]) => [name, [...samples].sort((a, b) => a[0] - b[0])] as const);
  return series.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** A value's 64 bits in hex. */
export function bitsOf(values: Float64Array, i: number): string {
  const view = new DataView(values.buffer, values.byteOffset + 8 * i, 8);
  return view.getBigUint64(0, true).toString(16).padStart(16, "0");
}

function numberOf(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}
