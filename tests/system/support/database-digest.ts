/** Two databases compared bit by bit, without holding either of them in memory. */
import { createHash } from "node:crypto";
import { openDatabase } from "@nyanza/tsdb";

export interface DatabaseDigest {
  readonly series: number;
  readonly samples: number;
  /** SHA-256 over labels, times and bits of values of every series; the same for the same data, however they lie in files. */
  readonly sha256: string;
}

/** No series has this label. */
const EVERY_SERIES = { label: "__no_such_label__", op: "=", value: "" } as const;

/**
 * Exports everything in a database that nobody has open. `isMeant` chooses series by metric name; of a metric in `samplesMax` the first so many samples of
 * each series count, and a series with none of them does not. @throws Error if an answer is partial
 */
export async function digestDatabase(
  folder: string,
  isMeant: (name: string) => boolean = () => true,
  samplesMax: Readonly<Record<string, number>> = {},
): Promise<DatabaseDigest> {
  const database = await openDatabase(folder);
  try {
    const cursor = await database.export({ groups: [[EVERY_SERIES]], minMs: 0, maxMs: Number.MAX_SAFE_INTEGER });
    const digests: string[] = [];
    let samples = 0;
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      const { series, ends, timestamps, values } = batch;
      for (const [i, labels] of series.entries()) {
        const name = labels.get("__name__") ?? "";
        if (!isMeant(name)) continue;
        const lo = i === 0 ? 0 : (ends[i - 1] as number);
        const hi = Math.min(ends[i] as number, lo + (samplesMax[name] ?? Number.POSITIVE_INFINITY));
        if (hi === lo) continue;
        const hash = createHash("sha256").update(JSON.stringify([...labels.entries()]));
        // Samples are hashed as they lie in memory: every bit of every value counts.
        for (const column of [timestamps, values]) {
          hash.update(new Uint8Array(column.buffer, column.byteOffset + lo * 8, (hi - lo) * 8));
        }
        digests.push(hash.digest("hex"));
        samples += hi - lo;
      }
    }
    if (cursor.isPartial) throw new Error(`${folder}: the export is partial`);
    const whole = createHash("sha256").update(digests.sort().join());
    return { series: digests.length, samples, sha256: whole.digest("hex") };
  } finally {
    await database.close();
  }
}
