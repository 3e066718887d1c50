/** Label sets of results: what operations drop, how Prometheus orders them, and what happens when two become equal. */
import { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import type { QueryRun } from "../context.ts";
import { labelsKey } from "../label-edit.ts";
import type { PromSeries } from "./value.ts";

/** They describe the samples' metric, and what was computed from it is another one. */
export const METADATA_LABELS: readonly string[] = ["__name__", "__type__", "__unit__"];

/** Without METADATA_LABELS. */
export function dropMetadata(labels: Labels): Labels {
  const { pairs } = labels;
  let described = false;
  for (let i = 0; i < pairs.length; i += 2) {
    if (isMetadata(pairs[i] as string)) described = true;
  }
  if (!described) return labels.name === "" ? labels : pairs.length === 0 ? Labels.empty : new Labels("", pairs);
  const kept: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (!isMetadata(pairs[i] as string)) kept.push(pairs[i] as string, pairs[i + 1] as string);
  }
  return kept.length === 0 ? Labels.empty : new Labels("", kept);
}

function isMetadata(label: string): boolean {
  return label === "__type__" || label === "__unit__";
}

/** Prometheus' order: label by label (name, then value), `__name__` at its place among the other names; shorter first. */
export function compareLabelSets(a: Labels, b: Labels): number {
  const x = new PairReader(a);
  const y = new PairReader(b);
  for (;;) {
    const hasX = x.next();
    const hasY = y.next();
    if (!hasX || !hasY) return Number(hasX) - Number(hasY);
    if (x.label !== y.label) return x.label < y.label ? -1 : 1;
    if (x.value !== y.value) return x.value < y.value ? -1 : 1;
  }
}

class PairReader {
  label = "";
  value = "";
  readonly #labels: Labels;
  #at = 0;
  #nameIsDue: boolean;

  constructor(labels: Labels) {
    this.#labels = labels;
    this.#nameIsDue = labels.name !== "";
  }

  next(): boolean {
    const { pairs, name } = this.#labels;
    const isDone = this.#at >= pairs.length;
    if (this.#nameIsDue && (isDone || (pairs[this.#at] as string) > "__name__")) {
      this.#nameIsDue = false;
      this.label = "__name__";
      this.value = name;
      return true;
    }
    if (isDone) return false;
    this.label = pairs[this.#at] as string;
    this.value = pairs[this.#at + 1] as string;
    this.#at += 2;
    return true;
  }
}

/** Drops what `dropMetadata` drops from each series, and merges those that became equal. Before, no two were equal. */
export async function dropMetadataOfAll(run: QueryRun, list: PromSeries[]): Promise<PromSeries[]> {
  const name = list[0]?.labels.name;
  let mayBeEqual = false;
  for (const series of list) {
    const labels = dropMetadata(series.labels);
    // Series of one metric that lose no more than its name differ in what is left.
    if (series.labels.name !== name || series.labels.pairs.length !== labels.pairs.length) mayBeEqual = true;
    series.labels = labels;
    if (run.isDue()) await run.breathe();
  }
  return mayBeEqual ? await mergeSameLabels(run, list) : list;
}

/**
 * Series with equal labels become one if at no point more than one of them has a value. Keeps the order of first appearance.
 * @throws InputError 422 when two have a value at the same point.
 */
export async function mergeSameLabels(run: QueryRun, list: PromSeries[]): Promise<PromSeries[]> {
  if (list.length < 2) return list;
  const firsts = new Map<string, PromSeries>();
  const merged: PromSeries[] = [];
  for (const series of list) {
    const key = labelsKey(series.labels);
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, series);
      merged.push(series);
    } else {
      addPoints(first, series);
    }
    if (run.isDue()) await run.breathe();
  }
  return merged;
}

function addPoints(target: PromSeries, source: PromSeries): void {
  const points = target.values.length;
  const present = target.present;
  for (let k = 0; k < points; k++) {
    if (source.present !== null && source.present[k] === 0) continue;
    if (present === null || present[k] === 1) throw sameLabels();
    present[k] = 1;
    target.values[k] = source.values[k] as number;
  }
}

/**
 * The same of series that come one after the other and lose metadata on their way. While all come from one metric and lose no more than
 * its name they cannot become equal, and nothing is compared.
 */
export class DistinctLabels {
  #name: string | null = null;
  /** Of the series so far as they came, while they differ for sure: the source has them anyway. */
  #waiting: Labels[] = [];
  #seen: SeenLabels | null;
  readonly #hashes: number[] | null;

  /**
   * @param mayStartEqual series may have been equal before they lost anything
   * @param hashes gets one of what each label set has become, to be compared with those of other shares
   */
  constructor(mayStartEqual: boolean, hashes: number[] | null = null) {
    this.#seen = mayStartEqual ? new SeenLabels() : null;
    this.#hashes = hashes;
  }

  /** True while all are from one metric and have lost no more than its name. */
  get areOfOneMetric(): boolean {
    return this.#seen === null;
  }

  /** `after` is what `before` is reduced to: by dropMetadata, or not at all. @throws InputError 422 if it was there already */
  add(before: Labels, after: Labels): void {
    this.#name ??= before.name;
    this.#hashes?.push(longHash(after));
    if (this.#seen === null) {
      if (before.name === this.#name && before.pairs.length === after.pairs.length) {
        this.#waiting.push(before);
        return;
      }
      this.#seen = new SeenLabels();
      for (const labels of this.#waiting) this.#seen.add(dropMetadata(labels));
      this.#waiting = [];
    }
    if (!this.#seen.add(after)) throw sameLabels();
  }
}

/**
 * A set of label sets. A text that identifies each (`labelsKey`) would be made, and kept, for every series of a query; a hash is a number, and of
 * those that share one only the first is compared itself, the others by their texts: whatever labels senders choose, none costs more than that.
 */
class SeenLabels {
  readonly #firsts: Map<number, Labels> = new Map();
  readonly #others: Set<string> = new Set();

  /** False if they were there. */
  add(labels: Labels): boolean {
    const hash = hashLabels(labels);
    const first = this.#firsts.get(hash);
    if (first === undefined) {
      this.#firsts.set(hash, labels);
      return true;
    }
    if (areEqual(first, labels)) return false;
    const { size } = this.#others;
    return this.#others.add(labelsKey(labels)).size > size;
  }
}

/** FNV-1a of the values. Names are left out: they are mostly the same. */
function hashLabels({ name, pairs }: Labels): number {
  let hash = hashText(0x811c9dc5, name);
  for (let i = 1; i < pairs.length; i += 2) hash = hashText(hash, pairs[i] as string);
  return hash;
}

/** 53 bits of the values, by two such hashes: of a million label sets hardly two have the same. */
function longHash({ name, pairs }: Labels): number {
  let hash = hashText(0x811c9dc5, name);
  let other = hashText(0x2f0b4c47, name);
  for (let i = 1; i < pairs.length; i += 2) {
    const text = pairs[i] as string;
    hash = hashText(hash, text);
    other = hashText(other, text);
  }
  return (hash >>> 0) * 2 ** 21 + (other >>> 11);
}

function hashText(seed: number, text: string): number {
  let hash = Math.imul(seed ^ text.length, 0x01000193);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

function areEqual(a: Labels, b: Labels): boolean {
  if (a.name !== b.name || a.pairs.length !== b.pairs.length) return false;
  for (let i = 0; i < a.pairs.length; i++) if (a.pairs[i] !== b.pairs[i]) return false;
  return true;
}

/** What the functions of windows want: no equal labels at all, even at different points. @throws InputError 422 */
export async function refuseSameLabels(run: QueryRun, list: readonly { readonly labels: Labels }[]): Promise<void> {
  if (list.length < 2) return;
  const seen = new SeenLabels();
  for (const { labels } of list) {
    if (!seen.add(labels)) throw sameLabels();
    if (run.isDue()) await run.breathe();
  }
}

function sameLabels(): InputError {
  return new InputError("vector cannot contain metrics with the same labelset", 422);
}
