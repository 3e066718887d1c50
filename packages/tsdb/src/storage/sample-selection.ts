/** Which samples of a batch are kept: those inside the retention, of series that have a name. */
import type { InvalidLabels } from "../index/series-key.ts";
import type { WriteBatch } from "../ingest/batch.ts";
import { SKIPPED_SLOT } from "../kernel/sample-store.ts";
import type { LoggedSamples } from "./log/wal-record.ts";
import type { OverLimit } from "./series/series-limits.ts";

/** What became of a batch's samples. */
export interface AppendOutcome {
  stored: number;
  /** Older than the retention. */
  tooOld: number;
  /** Further in the future than allowed. */
  tooNew: number;
  /** Samples of series whose labels name no series. */
  invalidLabels: number;
  /** Why the first of those was refused. */
  firstInvalid: InvalidLabels | null;
  /** Its labels as they came, `{a="1",a="2"}`, cut when they are long; "" when none was refused. */
  firstInvalidLabels: string;
  /** Samples of series over a limit, by the limit; null when there are none. */
  overLimit: Map<OverLimit, number> | null;
}

/** Of an outcome without refused labels. */
export const NONE_INVALID: Pick<AppendOutcome, "firstInvalid" | "firstInvalidLabels" | "overLimit"> = {
  firstInvalid: null,
  firstInvalidLabels: "",
  overLimit: null,
};

/** Counts samples over a limit. */
export function addOverLimit(outcome: AppendOutcome, reason: OverLimit, samples: number): void {
  outcome.overLimit ??= new Map();
  outcome.overLimit.set(reason, (outcome.overLimit.get(reason) ?? 0) + samples);
}

/** The batch without what is out of time or names no series; the batch's own columns if that is all of it. */
export function selectSamples(
  batch: WriteBatch,
  slots: Uint32Array,
  oldestMs: number,
  newestMs: number,
  outcome: AppendOutcome,
): LoggedSamples {
  const { seriesCount, sampleCount, sampleEnds, timestamps, values } = batch;
  let isWhole = outcome.invalidLabels === 0 && outcome.overLimit === null;
  for (let i = 0; i < sampleCount && isWhole; i++) {
    const ms = timestamps[i] as number;
    isWhole = ms >= oldestMs && ms <= newestMs && (ms !== 0 || !Object.is(ms, -0));
  }
  if (isWhole) return { seriesCount, sampleCount, slots, ends: sampleEnds, timestamps, values };

  const source = new Uint32Array(values.buffer, values.byteOffset, sampleCount * 2);
  const keptTimes = new Float64Array(sampleCount);
  const keptBits = new Uint32Array(sampleCount * 2);
  const keptSlots = new Uint32Array(seriesCount);
  const keptEnds = new Uint32Array(seriesCount);
  let series = 0;
  let count = 0;
  let i = 0;
  for (let s = 0; s < seriesCount; s++) {
    const end = sampleEnds[s] as number;
    if (slots[s] === SKIPPED_SLOT) {
      i = end;
      continue;
    }
    const before = count;
    for (; i < end; i++) {
      const ms = timestamps[i] as number;
      if (ms < oldestMs) outcome.tooOld++;
      else if (ms > newestMs) outcome.tooNew++;
      else {
        keptTimes[count] = ms + 0; // -0 becomes 0: one time has one form.
        keptBits[2 * count] = source[2 * i] as number;
        keptBits[2 * count + 1] = source[2 * i + 1] as number;
        count++;
      }
    }
    if (count === before) continue;
    keptSlots[series] = slots[s] as number;
    keptEnds[series++] = count;
  }
  return {
    seriesCount: series,
    sampleCount: count,
    slots: keptSlots,
    ends: keptEnds,
    timestamps: keptTimes,
    values: new Float64Array(keptBits.buffer),
  };
}
