/**
 * New series on their way to a partition: in which order they get ids, and the numbers of their terms in an index segment.
 *
 * Texts are compared once, label by label: a pair of a label and a value then has the number of its term. To order series is to order numbers from there on.
 */
import { decodeLabelBytes } from "../../base/label-bytes.ts";
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { Tenant } from "../../base/tenant.ts";
import { sortByNumber } from "../../index/number-sort.ts";
import type { NumberedLabel, NumberedSeries } from "../../index/numbered-series.ts";
import { SeriesTerms } from "../../index/series-terms.ts";
import type { LabelStore } from "../../kernel/label-store.ts";
import type { Pacer } from "../pacer.ts";
import { NO_CHUNK, sortByChunks } from "./chunk-sort.ts";
import type { SeriesRegistry } from "./registry.ts";

/** Series of one tenant that got ids `firstId`, `firstId + 1`, … in the order of `slots`. */
export interface NewSeries extends OrderedSeries {
  readonly tenant: Tenant;
  readonly registry: SeriesRegistry;
  readonly firstId: number;
}

/** Slots in the order of ids, and the numbers of their terms. */
export interface OrderedSeries {
  readonly slots: Uint32Array;
  readonly terms: SeriesTerms;
  readonly numbers: TermNumbers;
}

/** Numbers of terms as index/numbered-series.ts has them. */
export interface TermNumbers {
  readonly labels: readonly NumberedLabel[];
  /** The pair of each term that stands for one. */
  readonly pairs: Uint32Array;
  /** Labels of all series together. */
  readonly labelTotal: number;
}

/** Series are ordered by the values of these labels first, then by all labels. `__name__` has no name here. */
const LEADING: readonly string[] = ["", "job", "instance"];
/** Bytes of keys and of pairs read together. */
const PIECE_BYTES: number = 1 << 17;
/** Series whose keys are hashed together. */
const PIECE_SERIES = 2048;
/** Slots so many times as far apart as they could be are gone through in the order they stand in. */
const SPAN_MAX = 4;
/** Groups up to so many are sorted by insertion. */
const INSERTION_MAX = 16;

/** Orders slots of one tenant by metric name, then job, then instance, then the rest: series that are read together stand together. */
export async function orderSeries(registry: SeriesRegistry, slots: Uint32Array, pacer: Pacer): Promise<OrderedSeries> {
  const { store } = registry;
  const found = await findPairs(store, slots, pacer);
  const numbered = await numberTerms(store, found, pacer);
  const { labels, pairs, labelTotal } = numbered;
  const sizes: number[] = [];
  for (const [k, values] of found.leading.entries()) {
    const label = labels.findIndex(({ name }) => name === (LEADING[k] === "" ? "__name__" : LEADING[k]));
    const first = labels[label]?.firstTerm ?? 0;
    for (let i = 0; i < values.length; i++) {
      const pair = (values[i] as number) - 1;
      if (pair >= 0) values[i] = numbered.ofPair.get(pair) - first;
      if (i % 4096 === 0 && pacer.isDue) await pacer.pause();
    }
    sizes.push(label < 0 ? 1 : (labels[label + 1]?.firstTerm ?? pairs.length) - first);
  }
  const { items, groups, spare } = await sortByLeading(found.leading, sizes, pacer);
  const sorted = spare;
  for (let i = 0; i < sorted.length; i++) sorted[i] = slots[items[i] as number] as number;
  const terms = await orderTies(store, sorted, items, groups, numbered, pacer);
  return { slots: sorted, terms, numbers: { labels, pairs, labelTotal } };
}

/** The series as an index segment wants them. */
export function numberSeries({ registry, slots, firstId, tenant, terms, numbers }: NewSeries): NumberedSeries {
  const { store } = registry;
  let arrivals: Arrivals | null = null;
  const own = new Uint32Array(PIECE_SERIES);
  const ownHashes = new Uint32Array(PIECE_SERIES);
  return {
    tenant,
    labels: numbers.labels,
    termCount: numbers.pairs.length,
    valueBytes: (term) => store.valueBytes(numbers.pairs[term] as number),
    seriesCount: slots.length,
    idOf: (i) => firstId + i,
    labelTotal: numbers.labelTotal,
    terms,
    readHashes(hashKey, done, hashes) {
      if (done === 0) arrivals = new Arrivals(slots);
      const { count, places } = (arrivals as Arrivals).next();
      for (let i = 0; i < count; i++) own[i] = slots[places[i] as number] as number;
      store.hashKeys(hashKey, own, count, ownHashes, 0);
      for (let i = 0; i < count; i++) hashes[places[i] as number] = ownHashes[i] as number;
      return count;
    },
  };
}

/**
 * Goes through slots in about the order in which they came, whatever order they stand in: what a store knows of neighbours in time stands together in its
 * memory, and to fetch that from all over it is most of what it costs to read a series.
 */
class Arrivals {
  /** Place + 1 in `slots` of each slot from the lowest on; empty if slots are too far apart for that. */
  private readonly placeOf: Uint32Array;
  private readonly count: number;
  private readonly places: Uint32Array = new Uint32Array(PIECE_SERIES);
  private at = 0;

  constructor(slots: Uint32Array) {
    let lowest = 0xffff_ffff;
    let highest = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (slot < lowest) lowest = slot;
      if (slot > highest) highest = slot;
    }
    const span = highest - lowest + 1;
    this.count = slots.length;
    this.placeOf = new Uint32Array(span <= SPAN_MAX * slots.length ? span : 0);
    if (this.placeOf.length > 0)
      for (let i = 0; i < slots.length; i++) this.placeOf[(slots[i] as number) - lowest] = i + 1;
  }

  /** The next places, at most PIECE_SERIES; the array is the caller's until the next call. */
  next(): { readonly places: Uint32Array; readonly count: number } {
    const { placeOf, places } = this;
    let count = 0;
    if (placeOf.length === 0) {
      while (count < PIECE_SERIES && this.at < this.count) places[count++] = this.at++;
      return { places, count };
    }
    for (; count < PIECE_SERIES && this.at < placeOf.length; this.at++) {
      const place = placeOf[this.at] as number;
      if (place > 0) places[count++] = place - 1;
    }
    return { places, count };
  }
}

/** A number for each series of each leading label: of metric names, jobs and instances. */
type LeadingNumbers = readonly [Uint32Array, Uint32Array, Uint32Array];

/** Pairs of some series. */
interface FoundPairs {
  /** Each once, in any order. */
  readonly pairs: Uint32Array;
  /** Of each label that one of them has, by its number: its place in order of appearance. */
  readonly labels: ReadonlyMap<number, number>;
  /** Place of each pair's label + 1. */
  readonly labelOf: PagedNumbers;
  /** For each series, its pair + 1 of each leading label. */
  readonly leading: LeadingNumbers;
  readonly labelTotal: number;
}

async function findPairs(store: LabelStore, slots: Uint32Array, pacer: Pacer): Promise<FoundPairs> {
  const labelOf = new PagedNumbers();
  const labels = new Map<number, number>();
  const leading: LeadingNumbers = [
    new Uint32Array(slots.length),
    new Uint32Array(slots.length),
    new Uint32Array(slots.length),
  ];
  // Places of the leading labels.
  const places = LEADING.map(() => -1);
  let pairs: Uint32Array = new Uint32Array(1024);
  let count = 0;
  let labelTotal = 0;
  const meet = (pair: number): number => {
    const label = store.labelOf(pair);
    let place = labels.get(label);
    if (place === undefined) {
      place = labels.size;
      labels.set(label, place);
      const rank = LEADING.indexOf(store.nameOf(label));
      if (rank >= 0) places[rank] = place;
    }
    labelOf.set(pair, place + 1);
    if (count === pairs.length) {
      const larger = new Uint32Array(count * 2);
      larger.set(pairs);
      pairs = larger;
    }
    pairs[count++] = pair;
    return place;
  };
  const [names, jobs, instances] = leading;
  for (let from = 0; from < slots.length; ) {
    const piece = store.pairsOf(slots, from, PIECE_BYTES);
    let k = 0;
    for (let i = 0; i < piece.count; i++) {
      for (const end = piece.ends[i] as number; k < end; k++) {
        const pair = piece.pairs[k] as number;
        let place = labelOf.get(pair) - 1;
        if (place < 0) place = meet(pair);
        if (place === places[0]) names[from + i] = pair + 1;
        else if (place === places[1]) jobs[from + i] = pair + 1;
        else if (place === places[2]) instances[from + i] = pair + 1;
      }
    }
    labelTotal += k;
    from += piece.count;
    if (pacer.isDue) await pacer.pause();
  }
  return { pairs: pairs.subarray(0, count), labels, labelOf, leading, labelTotal };
}

/** Numbers of terms, and the way to them. */
interface PairTerms extends TermNumbers {
  /** Number of each pair's term. */
  readonly ofPair: PagedNumbers;
}

/** Numbers terms by label, then value. Takes what it was given apart. */
async function numberTerms(store: LabelStore, found: FoundPairs, pacer: Pacer): Promise<PairTerms> {
  const { pairs: sorted, labelOf } = found;
  // Copies: the bytes are void with the next call.
  const names = [...found.labels].map(([label, place]) => ({ label, place, bytes: store.nameBytes(label).slice() }));
  names.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const ranks = new Uint32Array(names.length);
  for (const [rank, { place }] of names.entries()) ranks[place] = rank;
  const chunkOf = (pair: number, depth: number): number =>
    depth === 0 ? (ranks[labelOf.get(pair) - 1] as number) : store.valueChunk(pair, depth - 1);
  await sortByChunks(sorted, chunkOf, pacer);
  // One more for each label, and the first for all series.
  const pairs = new Uint32Array(1 + names.length + sorted.length);
  const labels: NumberedLabel[] = [];
  let term = 1;
  for (let i = 0; i < sorted.length; i++) {
    const pair = sorted[i] as number;
    const rank = ranks[labelOf.get(pair) - 1] as number;
    if (rank === labels.length) {
      const { bytes } = names[rank] as { readonly bytes: Uint8Array };
      const name = bytes.length === 0 ? "__name__" : decodeLabelBytes(bytes, 0, bytes.length);
      labels.push({ name, firstTerm: term++ });
    }
    pairs[term] = pair;
    labelOf.set(pair, term++);
    if (i % 4096 === 0 && pacer.isDue) await pacer.pause();
  }
  return { labels, ofPair: labelOf, pairs, labelTotal: found.labelTotal };
}

/** Places of series by their leading labels. */
interface LeadingOrder {
  readonly items: Uint32Array;
  /** For each series a number that it shares with those whose leading labels are the same, and with no other. */
  readonly groups: Uint32Array;
  /** As long, and nobody's. */
  readonly spare: Uint32Array;
}

/** Sorts by numbers below `sizes`. Takes the arrays it was given, and no memory beside them if one number has room for all three. */
async function sortByLeading(
  [names, jobs, instances]: LeadingNumbers,
  sizes: readonly number[],
  pacer: Pacer,
): Promise<LeadingOrder> {
  const [nameCount, jobCount, instanceCount] = sizes as unknown as readonly [number, number, number];
  const count = names.length;
  const groupCount = nameCount * jobCount * instanceCount;
  if (groupCount <= 2 ** 32) {
    for (let i = 0; i < count; i++) {
      names[i] = ((names[i] as number) * jobCount + (jobs[i] as number)) * instanceCount + (instances[i] as number);
      jobs[i] = i;
      if (i % 4096 === 0 && pacer.isDue) await pacer.pause();
    }
    const items = await sortByNumber(jobs, names, groupCount - 1, pacer, instances);
    return { items, groups: names, spare: items === jobs ? instances : jobs };
  }
  let items: Uint32Array = names.map((_name, i) => i);
  let spare: Uint32Array = new Uint32Array(count);
  for (const [numbers, size] of [
    [instances, instanceCount],
    [jobs, jobCount],
    [names, nameCount],
  ] as const) {
    const sorted = await sortByNumber(items, numbers, size - 1, pacer, spare);
    if (sorted === spare) [items, spare] = [spare, items];
  }
  const groups = spare;
  let group = 0;
  for (let i = 0; i < count; i++) {
    const a = items[i - 1] as number;
    const b = items[i] as number;
    if (i > 0 && (names[a] !== names[b] || jobs[a] !== jobs[b] || instances[a] !== instances[b])) group++;
    groups[b] = group;
    if (i % 4096 === 0 && pacer.isDue) await pacer.pause();
  }
  return { items, groups, spare: instances };
}

/**
 * Orders slots of the same group by all labels: they stand together already. `items` are the places of their groups. Returns the terms of all, in the order
 * that slots have then.
 */
async function orderTies(
  store: LabelStore,
  slots: Uint32Array,
  items: Uint32Array,
  groups: Uint32Array,
  numbered: PairTerms,
  pacer: Pacer,
): Promise<SeriesTerms> {
  const isTie = (i: number): boolean => groups[items[i - 1] as number] === groups[items[i] as number];
  const terms = new SeriesTerms();
  const tied = new TiedSlots();
  for (let lo = 0; lo < slots.length; ) {
    const { count, pairs, ends } = store.pairsOf(slots, lo, PIECE_BYTES);
    // Groups that end in the piece.
    let end = lo + count;
    if (end < slots.length) while (end > lo && isTie(end)) end--;
    if (end === lo) {
      // One that is longer than a piece.
      for (end = lo + count; end < slots.length && isTie(end); ) end++;
      await sortByTerms(store, slots.subarray(lo, end), numbered, pacer);
      for (let from = lo; from < end; ) {
        const piece = store.pairsOf(slots.subarray(0, end), from, PIECE_BYTES);
        tied.take(slots.subarray(from, from + piece.count), piece.pairs, piece.ends, numbered.ofPair);
        tied.addTerms(terms);
        from += piece.count;
        if (pacer.isDue) await pacer.pause();
      }
    } else {
      tied.take(slots.subarray(lo, end), pairs, ends, numbered.ofPair);
      let from = lo;
      for (let i = lo + 1; i <= end; i++) {
        if (i < end && isTie(i)) continue;
        if (i - from > 1) tied.sort(from - lo, i - lo);
        from = i;
      }
      tied.addTerms(terms);
    }
    lo = end;
    if (pacer.isDue) await pacer.pause();
  }
  return terms;
}

/** Groups of slots in memory, with the terms of each: those of the slot at place `i` are `terms[ends[i-1]..ends[i])`. */
class TiedSlots {
  private terms: Uint32Array = new Uint32Array(1024);
  private ends: Uint32Array = new Uint32Array(0);
  private slots: Uint32Array = new Uint32Array(0);
  private places: Uint32Array = new Uint32Array(1024);
  private readonly sorted: Uint32Array = new Uint32Array(INSERTION_MAX);

  /** Takes slots with their pairs; `pairs` and `ends` are needed until others are taken. */
  take(slots: Uint32Array, pairs: Uint32Array, ends: Uint32Array, ofPair: PagedNumbers): void {
    if (this.terms.length < pairs.length) this.terms = new Uint32Array(pairs.length);
    for (let k = 0; k < pairs.length; k++) this.terms[k] = ofPair.get(pairs[k] as number);
    if (this.places.length < slots.length) this.places = new Uint32Array(2 * slots.length);
    for (let i = 0; i < slots.length; i++) this.places[i] = i;
    this.ends = ends;
    this.slots = slots;
  }

  /** Sorts slots `[lo, hi)` by their terms. Each is sorted once at most. */
  sort(lo: number, hi: number): void {
    const { slots, places } = this;
    const count = hi - lo;
    if (count > INSERTION_MAX) {
      places.subarray(lo, hi).sort((a, b) => this.compare(a, b));
      const sorted = new Uint32Array(count);
      for (let i = 0; i < count; i++) sorted[i] = slots[places[lo + i] as number] as number;
      slots.set(sorted, lo);
      return;
    }
    for (let i = lo + 1; i < hi; i++) {
      let at = i;
      for (; at > lo && this.compare(places[at - 1] as number, i) > 0; at--) places[at] = places[at - 1] as number;
      places[at] = i;
    }
    const { sorted } = this;
    for (let i = 0; i < count; i++) sorted[i] = slots[places[lo + i] as number] as number;
    for (let i = 0; i < count; i++) slots[lo + i] = sorted[i] as number;
  }

  /** Adds the terms of all slots, in the order that they have by now. */
  addTerms(target: SeriesTerms): void {
    const { places, ends, terms } = this;
    for (let i = 0; i < this.slots.length; i++) {
      const place = places[i] as number;
      target.add(terms, place === 0 ? 0 : (ends[place - 1] as number), ends[place] as number);
    }
  }

  private compare(a: number, b: number): number {
    const { terms, ends } = this;
    let i = a === 0 ? 0 : (ends[a - 1] as number);
    let k = b === 0 ? 0 : (ends[b - 1] as number);
    const endA = ends[a] as number;
    const endB = ends[b] as number;
    for (; i < endA && k < endB; i++, k++) {
      const difference = (terms[i] as number) - (terms[k] as number);
      if (difference !== 0) return difference;
    }
    return endA - i - (endB - k);
  }
}

/** Sorts any number of slots by their terms. */
async function sortByTerms(
  store: LabelStore,
  slots: Uint32Array,
  { pairs: termPairs, ofPair }: PairTerms,
  pacer: Pacer,
): Promise<void> {
  let pairs = new Uint32Array(64);
  const base = termPairs.length;
  // Two terms a chunk: a store has no room for so many that they would not fit.
  const chunkOf = (slot: number, depth: number): number => {
    const count = store.countPairs(slot);
    if (2 * depth >= count) return NO_CHUNK;
    if (count > pairs.length) pairs = new Uint32Array(2 * count);
    store.copyPairs(slot, pairs);
    const second = 2 * depth + 1;
    return ofPair.get(pairs[2 * depth] as number) * base + (second < count ? ofPair.get(pairs[second] as number) : 0);
  };
  await sortByChunks(slots, chunkOf, pacer);
}
