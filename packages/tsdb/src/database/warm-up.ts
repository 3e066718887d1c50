/**
 * Runs the way in, from a packed body to the log, on made-up series before a server is ready: kernels are compiled well and V8 has seen what functions work
 * on, when the first request comes. All of it goes through a storage in memory that nobody else sees and that is dropped.
 *
 * For processes that serve; a program with the database in it decides by itself what its start may cost.
 */
import { ManualClock } from "../base/clock.ts";
import type { Tenant } from "../base/tenant.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { RemoteWriteParser } from "../ingest/remote-write.ts";
import { encodeWriteRequest, type SeriesToWrite } from "../ingest/remote-write-encoder.ts";
import { RowBatch } from "../ingest/row-batch.ts";
import { encodeSnappy } from "../ingest/snappy-encoder.ts";
import { defaultStorageOptions } from "../storage/options.ts";
import { NO_SERIES_LIMITS, type SeriesLimitOptions } from "../storage/series/series-limits.ts";
import { Storage } from "../storage/storage.ts";

/** Enough for V8 to take up the kernels' functions and most of what is called once a series. */
const BODIES = 32;
const SERIES_OF_BODY = 1_000;
/** As many as a server has of its own, which it puts down with rows before the first request comes. */
const SERIES_OF_ROWS = 250;
/** More than the columns of a batch begin with: V8 makes its code for fields that never change until one does. */
const SERIES_OF_FIRST_ROWS = 1_100;

/** None is met, but whether one is has to be looked at, as in any server. */
const USUAL_LIMITS: SeriesLimitOptions = {
  ...NO_SERIES_LIMITS,
  maxLabels: 40,
  maxLabelNameBytes: 256,
  maxLabelValueBytes: 4096,
};

/**
 * Resolves when the way in is warm: after some 150 ms, during which other work gets its turn every ten. V8 throws away code that it made for one storage,
 * one kernel and one kind of batch as soon as another comes along, and takes up to 100,000 calls to make it anew: so there are two of each.
 */
export async function warmUpWrites(): Promise<void> {
  const nowMs = Date.UTC(2026, 0, 15);
  const storages = await Promise.all([openInMemory(nowMs), openInMemory(nowMs)]);
  const parser = new RemoteWriteParser();
  const body = encodeSnappy(encodeWriteRequest(makeSeries(nowMs, SERIES_OF_BODY)));
  const firstRows = makeSeries(nowMs, SERIES_OF_FIRST_ROWS);
  const rows = firstRows.slice(0, SERIES_OF_ROWS);
  for (let i = 0; i < BODIES; i++) {
    // The same labels of another tenant are new series.
    const tenant: Tenant = { accountId: i, projectId: 0 };
    const storage = storages[i % storages.length] as Storage;
    await storage.append(batchOfRows(i === 0 ? firstRows : rows, { accountId: i, projectId: 1 }));
    await storage.append(parser.parse(body, { tenant, compression: "snappy", maxBytes: 1 << 20 }));
    await new Promise((resume) => setImmediate(resume));
  }
  // Not closed: that would write parts. Their clocks stand still, so nothing of them ever runs again.
}

async function openInMemory(nowMs: number): Promise<Storage> {
  return await Storage.open(new MemoryDisk(), {
    ...defaultStorageOptions,
    clock: new ManualClock(nowMs),
    seriesLimits: USUAL_LIMITS,
  });
}

function batchOfRows(series: readonly SeriesToWrite[], tenant: Tenant): RowBatch {
  const batch = new RowBatch();
  batch.reset(tenant);
  for (const { labels, timestamps, values } of series) {
    batch.beginSeries();
    for (const [name, value] of labels) batch.addLabel(name, value);
    batch.endLabels();
    batch.addSample(timestamps[0] as number, values[0] as number);
  }
  return batch;
}

function makeSeries(nowMs: number, count: number): SeriesToWrite[] {
  const series: SeriesToWrite[] = [];
  for (let i = 0; i < count; i++) {
    const labels: [string, string][] = [
      ["__name__", `warm_up_${i % 25}_total`],
      ["device", `device-${i % 8}`],
      ["idx", String(i % 100)],
      ["instance", `host-${Math.floor(i / 100)}.example.com:9100`],
      ["job", "warm-up"],
      ["mode", i % 2 === 0 ? "in" : "out"],
    ];
    series.push({ labels, timestamps: [nowMs], values: new Float64Array([i * 1.5]) });
  }
  return series;
}
