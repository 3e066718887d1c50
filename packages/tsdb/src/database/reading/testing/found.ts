/** What a cursor answers, as plain data that can be compared and sent: by the series' text, times and the values' bits. */
import type { SampleCursor } from "../../../query/source.ts";

export interface Found {
  readonly series: Record<string, { readonly times: number[]; readonly bits: string }>;
  readonly isPartial: boolean;
}

export async function readCursor(cursor: SampleCursor): Promise<Found> {
  const series: Record<string, { times: number[]; bits: string }> = {};
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    let at = 0;
    for (const [i, labels] of batch.series.entries()) {
      const end = batch.ends[i] as number;
      const { buffer, byteOffset } = batch.values;
      const bits = Buffer.from(buffer, byteOffset + 8 * at, 8 * (end - at)).toString("hex");
      const key = labels.toString();
      if (series[key] !== undefined) throw new Error(`${key} comes twice`);
      series[key] = { times: [...batch.timestamps.subarray(at, end)], bits };
      at = end;
    }
  }
  const sorted = Object.fromEntries(Object.entries(series).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { series: sorted, isPartial: cursor.isPartial };
}
