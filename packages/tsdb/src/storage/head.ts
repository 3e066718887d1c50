/**
 * The head: samples that are in the log and not yet in parts, in generations. One takes new samples; an older one may be on its way into parts and
 * is still read. A generation is dropped whole, and its memory serves the next but one.
 */
import { SampleStore } from "../kernel/sample-store.ts";
import type { LoggedSamples } from "./log/wal-record.ts";
import type { SeriesRegistry } from "./series/registry.ts";
import type { Handover, StoredSamples } from "./series/registry-epoch.ts";

export class Generation {
  /** Counts up from 1 within a process. */
  readonly number: number;
  readonly store: SampleStore;
  /** Whose slots its samples stand under. */
  readonly registry: SeriesRegistry;
  /** When its first sample arrived. */
  startedMs: number;
  /** Samples taken, and the range of their times. */
  rows = 0;
  private minMs = Number.POSITIVE_INFINITY;
  private maxMs = Number.NEGATIVE_INFINITY;
  private readers = 0;
  private onIdle: (() => void) | null = null;

  constructor(number: number, store: SampleStore, registry: SeriesRegistry, startedMs: number) {
    this.number = number;
    this.store = store;
    this.registry = registry;
    this.startedMs = startedMs;
  }

  /** Returns the time of the oldest of the samples. @throws HeadFullError; samples before the one that did not fit are in. */
  append({ sampleCount, seriesCount, slots, ends, timestamps, values }: LoggedSamples): number {
    this.rows += sampleCount;
    let oldestMs = Number.POSITIVE_INFINITY;
    let newestMs = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < sampleCount; i++) {
      const ms = timestamps[i] as number;
      if (ms < oldestMs) oldestMs = ms;
      if (ms > newestMs) newestMs = ms;
    }
    if (oldestMs < this.minMs) this.minMs = oldestMs;
    if (newestMs > this.maxMs) this.maxMs = newestMs;
    this.store.append(slots, ends, seriesCount, timestamps, values);
    return oldestMs;
  }

  /** True if there may be samples in the range. */
  overlaps(minMs: number, maxMs: number): boolean {
    return this.minMs <= maxMs && this.maxMs >= minMs;
  }

  acquire(): void {
    this.readers++;
  }

  release(): void {
    this.readers--;
    if (this.readers === 0) this.onIdle?.();
  }

  /** Calls back once nobody reads this generation any more. */
  whenIdle(callback: () => void): void {
    if (this.readers === 0) callback();
    else this.onIdle = callback;
  }
}

export class Head {
  /** Takes new samples. */
  active: Generation;
  /** On its way into parts; null when there is none. */
  flushing: Generation | null = null;
  /** An emptied store, kept because wasm memory is given back only with its instance. */
  private spare: SampleStore | null = null;

  /** How the flushing generation's slots became those of the registry; null if they are the same. */
  private handover: Handover | null = null;
  /** Generations that ended lately, oldest first. */
  private ended: { readonly number: number; readonly atMs: number }[] = [];

  private readonly spareBytesMax: number;

  /** A store that held more than `spareBytesMax` is not kept when it is empty. */
  constructor(registry: SeriesRegistry, nowMs: number, spareBytesMax: number = Number.POSITIVE_INFINITY) {
    this.spareBytesMax = spareBytesMax;
    this.active = new Generation(1, new SampleStore(), registry, nowMs);
  }

  /** The series of new samples. */
  get registry(): SeriesRegistry {
    return this.active.registry;
  }

  /** The active generation becomes the flushing one, of which there must be none. With `handover`, another registry takes over. */
  rotate(nowMs: number, handover: Handover | null = null): Generation {
    const full = this.active;
    this.flushing = full;
    this.handover = handover;
    const registry = handover?.to ?? full.registry;
    this.active = new Generation(full.number + 1, this.spare ?? new SampleStore(), registry, nowMs);
    this.spare = null;
    this.ended.push({ number: full.number, atMs: nowMs });
    return full;
  }

  /** The first generation that was active within the last `ageMs`; the one before the active one at the latest. */
  firstSince(nowMs: number, ageMs: number): number {
    this.ended = this.ended.filter(({ atMs }) => atMs > nowMs - ageMs);
    return Math.min(this.ended[0]?.number ?? Number.POSITIVE_INFINITY, this.active.number - 1);
  }

  /** How a generation's slots became those of the registry; null if they are the same. */
  handoverOf(generation: Generation): Handover | null {
    return generation === this.flushing ? this.handover : null;
  }

  /** A generation's samples under the slots of the registry. */
  samplesOf(generation: Generation): StoredSamples {
    return this.handoverOf(generation)?.view(generation.store) ?? generation.store;
  }

  /** The flushing generation is in parts. Returns how its slots became those of the registry, null if they are the same. */
  drop(): Handover | null {
    const { flushing: done, handover } = this;
    this.flushing = null;
    this.handover = null;
    done?.whenIdle(() => {
      if (this.spare !== null || done.store.usedBytes > this.spareBytesMax) return;
      done.store.reset();
      this.spare = done.store;
    });
    return handover;
  }

  /** What comes next goes into the store of a generation that is in parts, instead of a store beside it. Nobody reads, and nothing came meanwhile. */
  refill({ store }: Generation): void {
    const { number, registry, startedMs } = this.active;
    if (this.spare === store) this.spare = null;
    store.reset();
    this.active = new Generation(number, store, registry, startedMs);
  }

  /** Stores that are in use or kept for later. */
  stores(): SampleStore[] {
    const stores = this.generations().map(({ store }) => store);
    if (this.spare !== null) stores.push(this.spare);
    return stores;
  }

  /** Generations that hold samples, oldest first. */
  generations(): Generation[] {
    return this.flushing === null ? [this.active] : [this.flushing, this.active];
  }
}
