/**
 * What has happened to the past: samples that came late, and whatever else may change an answer over times that were settled. Who keeps answers, on any thread, asks here whether
 * they still hold (docs/decisions/0014-rollup-cache.md).
 *
 *   ───────── settled ─────────┤──── normal samples ────▸ now       the border only grows: it follows the clock, `settleMs` behind
 *        ▲ late: written here
 *
 * A ring in shared memory, written by the thread with the database, and never waited for: who comes too late to read what it wants finds that out, and takes everything for changed.
 *
 *   cells   i32 entries written so far (wraps) · i32 epoch · i32 end of the settled past, seconds · i32 0
 *   entries f64 slot, -1 for any series · f64 registry epoch · f64 first time · f64 last time, ms
 */
import type { LoggedSamples } from "../log/wal-record.ts";

const SEQUENCE = 0;
const EPOCH = 1;
const SETTLED_S = 2;
const HEADER_BYTES = 16;
const NUMBERS = 4;
const ENTRY_BYTES = 8 * NUMBERS;

export const CHANGES_MAX = 8_192;
/** A batch with late samples of more series is one entry: any series. */
const SERIES_MAX = 64;
const ANY_SERIES = -1;

/** A moment: what was read after it holds what had happened before it. */
export interface ChangeMark {
  /** Another one, and nothing that was kept holds. */
  readonly epoch: number;
  readonly sequence: number;
  /** Samples up to this time that come after the mark are told of. Milliseconds. */
  readonly settledMs: number;
}

/** Late samples: of one series, or of any, which `slot` -1 says. */
export interface LateSamples {
  readonly slot: number;
  /** Of the registry that numbers slots. */
  readonly registryEpoch: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** What readers see of a log. */
export class ChangeView {
  protected readonly cells: Int32Array;
  protected readonly entries: Float64Array;
  protected readonly size: number;

  constructor(memory: SharedArrayBuffer) {
    this.size = (memory.byteLength - HEADER_BYTES) / ENTRY_BYTES;
    this.cells = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.entries = new Float64Array(memory, HEADER_BYTES, this.size * NUMBERS);
  }

  /** Take it before what it is to be the mark of is read. */
  mark(): ChangeMark {
    const { cells } = this;
    const settledS = Atomics.load(cells, SETTLED_S);
    const epoch = Atomics.load(cells, EPOCH);
    return { epoch, sequence: Atomics.load(cells, SEQUENCE), settledMs: settledS * 1000 };
  }

  /** What came late between two marks with times in the range; null if that is no longer known, or much else has changed. */
  between(from: ChangeMark, to: ChangeMark, minMs: number, maxMs: number): LateSamples[] | null {
    if (from.epoch !== to.epoch) return null;
    const late: LateSamples[] = [];
    const count = (to.sequence - from.sequence) | 0;
    if (count === 0) return late;
    if (count < 0 || !this.holds(from)) return null;
    const { entries, size } = this;
    for (let i = 1; i <= count; i++) {
      const at = (((from.sequence + i) >>> 0) % size) * NUMBERS;
      const entryMinMs = entries[at + 2] as number;
      const entryMaxMs = entries[at + 3] as number;
      if (entryMinMs > maxMs || entryMaxMs < minMs) continue;
      late.push({
        slot: entries[at] as number,
        registryEpoch: entries[at + 1] as number,
        minMs: entryMinMs,
        maxMs: entryMaxMs,
      });
    }
    // Written over while it was read, perhaps.
    return this.holds(from) ? late : null;
  }

  /** Whether everything after the mark is still there. One entry less than there is room for: it may be being written. */
  private holds({ sequence }: ChangeMark): boolean {
    const count = (Atomics.load(this.cells, SEQUENCE) - sequence) | 0;
    return count >= 0 && count < this.size;
  }
}

/** The log as it is written. */
export class ChangeLog extends ChangeView {
  readonly memory: SharedArrayBuffer;
  /** How far behind the clock the past is settled, milliseconds. */
  readonly settleMs: number;
  /** The same as in the cells, for a quick look. */
  private settledMs = 0;

  /** @param size entries that are remembered, a power of two */
  constructor(settleMs: number, size: number = CHANGES_MAX) {
    const memory = new SharedArrayBuffer(HEADER_BYTES + size * ENTRY_BYTES);
    super(memory);
    this.memory = memory;
    this.settleMs = settleMs;
  }

  /** To be told the time before samples are added, and now and then. */
  advance(nowMs: number): void {
    const settledMs = Math.floor((nowMs - this.settleMs) / 1000) * 1000;
    if (settledMs <= this.settledMs) return;
    this.settledMs = settledMs;
    Atomics.store(this.cells, SETTLED_S, settledMs / 1000);
  }

  /** Samples that are added now, the oldest of them being of `oldestMs`. Before anybody hears that they are in. */
  add(registryEpoch: number, samples: LoggedSamples, oldestMs: number): void {
    if (oldestMs > this.settledMs) return;
    const { sampleCount, seriesCount, slots, ends, timestamps } = samples;
    const { settledMs } = this;
    const found: LateSamples[] = [];
    let i = 0;
    for (let s = 0; s < seriesCount; s++) {
      const end = ends[s] as number;
      let minMs = Number.POSITIVE_INFINITY;
      let maxMs = Number.NEGATIVE_INFINITY;
      for (; i < end; i++) {
        const ms = timestamps[i] as number;
        if (ms > settledMs) continue;
        if (ms < minMs) minMs = ms;
        if (ms > maxMs) maxMs = ms;
      }
      if (minMs > maxMs) continue;
      if (found.length === SERIES_MAX) {
        const newestMs = newestUntil(settledMs, timestamps, sampleCount);
        this.write({ slot: ANY_SERIES, registryEpoch, minMs: oldestMs, maxMs: newestMs });
        return;
      }
      found.push({ slot: slots[s] as number, registryEpoch, minMs, maxMs });
    }
    for (const entry of found) this.write(entry);
  }

  /** Samples have gone, or something else is not what it was. */
  changeEverything(): void {
    Atomics.add(this.cells, EPOCH, 1);
  }

  private write({ slot, registryEpoch, minMs, maxMs }: LateSamples): void {
    const { cells, entries, size } = this;
    const next = (Atomics.load(cells, SEQUENCE) + 1) | 0;
    const at = ((next >>> 0) % size) * NUMBERS;
    entries[at] = slot;
    entries[at + 1] = registryEpoch;
    entries[at + 2] = minMs;
    entries[at + 3] = maxMs;
    Atomics.store(cells, SEQUENCE, next);
  }
}

/** The newest of the first `count` times that is not after `lastMs`. */
function newestUntil(lastMs: number, timestamps: Float64Array, count: number): number {
  let newestMs = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const ms = timestamps[i] as number;
    if (ms > newestMs && ms <= lastMs) newestMs = ms;
  }
  return newestMs;
}
