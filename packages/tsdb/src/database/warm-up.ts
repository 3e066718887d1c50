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
import { encodeSnappy } from "../ingest/snappy-encoder.ts";
import { defaultStorageOptions } from "../storage/options.ts";
import { NO_SERIES_LIMITS, type SeriesLimitOptions } from "../storage/series/series-limits.ts";
import { Storage } from "../storage/storage.ts";

/** Enough for V8 to take up the kernels' functions and most of what is called once a series. */
const BODIES = 8;
const SERIES_OF_BODY = 1_000;

/** None is met, but whether one is has to be looked at, as in any server. */
const USUAL_LIMITS: SeriesLimitOptions = {
  ...NO_SERIES_LIMITS,
  maxLabels: 40,
  maxLabelNameBytes: 256,
  maxLabelValueBytes: 4096,
};

/** Resolves when the way in is warm: after some 80 ms, during which other work gets its turn every ten. */
export async function warmUpWrites(): Promise<void> {
  const nowMs = Date.UTC(2026, 0, 15);
  const storage = await Storage.open(new MemoryDisk(), {
    ...defaultStorageOptions,
    clock: new ManualClock(nowMs),
    seriesLimits: USUAL_LIMITS,
  });
  const parser = new RemoteWriteParser();
  const body = makeBody(nowMs);
  for (let i = 0; i < BODIES; i++) {
    // The same labels of another tenant are new series.
    const tenant: Tenant = { accountId: i, projectId: 0 };
    await storage.append(parser.parse(body, { tenant, compression: "snappy", maxBytes: 1 << 20 }));
    await new Promise((resume) => setImmediate(resume));
  }
  // Not closed: that would write parts. Its clock stands still, so nothing of it ever runs again.
}

function makeBody(nowMs: number): Uint8Array {
  const series: SeriesToWrite[] = [];
  for (let i = 0; i < SERIES_OF_BODY; i++) {
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
  return encodeSnappy(encodeWriteRequest(series));
}
