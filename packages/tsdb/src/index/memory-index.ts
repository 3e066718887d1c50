/**
 * One tenant's part of the head's index: label → value → slots. It holds nothing itself: whatever the registry takes in stands in the lists of
 * its label store at once, and this reads them as a search wants them.
 */
import { encodeLabelText } from "../base/label-bytes.ts";
import type { LabelStore } from "../kernel/label-store.ts";
import type { ValueBatch } from "./filter-search.ts";
import { IdCollector, type IdList, isSomeWanted, type NextWanted, NO_IDS } from "./id-list.ts";
import type { ListedIndex } from "./listed-index.ts";
import { intersect, NO_POSTINGS, type Postings } from "./postings.ts";

/** Looking into one series' record costs as much as copying so many slots out of a list. */
const RECORD_COST = 8;
/** Values handed out together. */
const BATCH_VALUES = 256;

export class MemoryIndex implements ListedIndex {
  private readonly store: LabelStore;
  private readonly tenant: number;

  constructor(store: LabelStore, tenant: number) {
    this.store = store;
    this.tenant = tenant;
  }

  all(): Postings {
    return this.store.slotsOfTenant(this.tenant);
  }

  postings(label: string, value: string): Postings {
    const number = this.labelNumber(label);
    const pair = number < 0 ? -1 : this.store.findPair(number, value);
    return pair < 0 ? NO_POSTINGS : this.store.slotsOf(pair);
  }

  idsOf(label: string, value: string): IdList {
    const number = this.labelNumber(label);
    const pair = number < 0 ? -1 : this.store.findPair(number, value);
    return pair < 0 ? NO_IDS : new PairSlots(this.store, pair);
  }

  idsWith(label: string): IdList {
    const number = this.labelNumber(label);
    return number < 0 ? NO_IDS : new LabelSlots(this.store, number);
  }

  countValues(label: string): number {
    const number = this.labelNumber(label);
    return number < 0 ? 0 : this.store.countPairsOf(number);
  }

  addValuesOf(slots: Postings, label: string, target: string[]): void {
    const number = this.labelNumber(label);
    for (let i = 0; i < slots.length; i++) {
      target.push(number < 0 ? "" : this.store.valueOf(slots[i] as number, number));
    }
  }

  *values(label: string, needle = ""): IterableIterator<ValueBatch> {
    const number = this.labelNumber(label);
    if (number < 0) return;
    const sought = encodeLabelText(needle);
    let pairs: number[] = [];
    for (let pair = this.store.firstPair(number); pair >= 0; pair = this.store.nextPair(pair)) {
      if (!this.store.containsBytes(pair, sought)) continue;
      if (pairs.push(pair) < BATCH_VALUES) continue;
      yield this.batch(pairs);
      pairs = [];
    }
    if (pairs.length > 0) yield this.batch(pairs);
  }

  private batch(pairs: readonly number[]): ValueBatch {
    const { store } = this;
    return {
      count: pairs.length,
      text: (position) => store.textOf(pairs[position] as number),
      ids: (position) => new PairSlots(store, pairs[position] as number),
      addTo: (target, position) => target.add(store.valueBytes(pairs[position] as number)),
    };
  }

  *names(): IterableIterator<string> {
    for (let label = this.store.firstLabel(this.tenant); label >= 0; label = this.store.nextLabel(label)) {
      yield this.store.nameOf(label) || "__name__";
    }
  }

  private labelNumber(label: string): number {
    // Nothing else has an empty name: labels without one are refused.
    return label === "" ? -1 : this.store.findLabel(this.tenant, label === "__name__" ? "" : label);
  }
}

/** Slots of the series with a pair, in the list of the label store. */
class PairSlots implements IdList {
  readonly count: number;
  private readonly store: LabelStore;
  private readonly pair: number;

  constructor(store: LabelStore, pair: number) {
    this.store = store;
    this.pair = pair;
    this.count = store.countSlots(pair);
  }

  read(): Postings {
    return this.store.slotsOf(this.pair);
  }

  /** Of few series their own records are asked, not the list. */
  retain(slots: Postings): Postings {
    if (slots.length * RECORD_COST >= this.count) return intersect(slots, this.read());
    const { store, pair } = this;
    return slots.filter((slot) => store.hasPair(slot, pair));
  }

  /** Whoever asks wants the same at any time, so the newest series goes first: it is the likeliest. */
  some(nextWanted: NextWanted): boolean | Promise<boolean> {
    const last = this.store.lastSlot(this.pair);
    return nextWanted(last) === last || (this.count > 1 && isSomeWanted(this.read(), 0, nextWanted));
  }
}

/** Slots of the series with a label, whatever its value. */
class LabelSlots implements IdList {
  private readonly store: LabelStore;
  private readonly label: number;

  constructor(store: LabelStore, label: number) {
    this.store = store;
    this.label = label;
  }

  get count(): number {
    let count = 0;
    for (const pair of this.pairs()) count += this.store.countSlots(pair);
    return count;
  }

  read(): Postings {
    const collector = new IdCollector();
    for (const pair of this.pairs()) collector.add(this.store.slotsOf(pair));
    return collector.list().read() as Postings;
  }

  retain(slots: Postings): Postings {
    return slots.filter((slot) => this.store.valueOf(slot, this.label) !== "");
  }

  /** The newest series of each value go first: lists are read only where none of those is wanted. */
  some(nextWanted: NextWanted): boolean | Promise<boolean> {
    const { store } = this;
    for (let pair = store.firstPair(this.label); pair >= 0; pair = store.nextPair(pair)) {
      const last = store.lastSlot(pair);
      if (nextWanted(last) === last) return true;
    }
    return this.isOlderWanted(store.firstPair(this.label), nextWanted);
  }

  /** Waits only where an answer makes it wait. */
  private isOlderWanted(firstPair: number, nextWanted: NextWanted): boolean | Promise<boolean> {
    const { store } = this;
    for (let pair = firstPair; pair >= 0; pair = store.nextPair(pair)) {
      if (store.countSlots(pair) < 2) continue;
      const isWanted = isSomeWanted(store.slotsOf(pair), 0, nextWanted);
      if (isWanted === true) return true;
      if (isWanted !== false) {
        return isWanted.then((isFound) => isFound || this.isOlderWanted(store.nextPair(pair), nextWanted));
      }
    }
    return false;
  }

  private *pairs(): IterableIterator<number> {
    const { store, label } = this;
    for (let pair = store.firstPair(label); pair >= 0; pair = store.nextPair(pair)) yield pair;
  }
}
