/**
 * One tenant's part of the head's index: label → value → slots. It holds nothing itself: whatever the registry takes in stands in the lists of
 * its label store at once, and this reads them as a search wants them.
 */
import type { LabelStore } from "../kernel/label-store.ts";
import type { ListedIndex } from "./listed-index.ts";
import { NO_POSTINGS, type Postings } from "./postings.ts";

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

  *values(label: string): IterableIterator<string> {
    const number = this.labelNumber(label);
    if (number < 0) return;
    for (let pair = this.store.firstPair(number); pair >= 0; pair = this.store.nextPair(pair)) {
      yield this.store.textOf(pair);
    }
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
