/**
 * The head's index: label → value → ids, in memory, growing by one series at a time. Ids must be added in ascending order,
 * so every list is sorted as it grows.
 */
import type { Labels } from "../base/labels.ts";
import type { ListedIndex } from "./listed-index.ts";
import { NO_POSTINGS, type Postings } from "./postings.ts";

/** A growing list; most values have one series, and a bare number costs no object. */
type IdList = number | GrowingIds;

interface GrowingIds {
  ids: Uint32Array;
  count: number;
}

export class MemoryIndex implements ListedIndex {
  private readonly labels: Map<string, Map<string, IdList>> = new Map();
  private everything: IdList | null = null;

  /** Adds a series; `id` must be larger than all before. */
  add(id: number, labels: Labels): void {
    this.everything = this.everything === null ? id : appendId(this.everything, id);
    if (labels.name !== "") this.addLabel(id, "__name__", labels.name);
    for (let i = 0; i < labels.pairs.length; i += 2) {
      this.addLabel(id, labels.pairs[i] as string, labels.pairs[i + 1] as string);
    }
  }

  all(): Postings {
    return this.everything === null ? NO_POSTINGS : asPostings(this.everything);
  }

  postings(label: string, value: string): Postings {
    const list = this.labels.get(label)?.get(value);
    return list === undefined ? NO_POSTINGS : asPostings(list);
  }

  values(label: string): Iterable<string> {
    return this.labels.get(label)?.keys() ?? [];
  }

  names(): Iterable<string> {
    return this.labels.keys();
  }

  private addLabel(id: number, label: string, value: string): void {
    let values = this.labels.get(label);
    if (values === undefined) {
      values = new Map();
      this.labels.set(label, values);
    }
    const list = values.get(value);
    if (list === undefined) values.set(value, id);
    else if (typeof list === "number") values.set(value, appendId(list, id));
    else appendId(list, id);
  }
}

function appendId(list: IdList, id: number): GrowingIds {
  if (typeof list === "number") {
    const ids = new Uint32Array(4);
    ids[0] = list;
    ids[1] = id;
    return { ids, count: 2 };
  }
  if (list.count === list.ids.length) {
    const larger = new Uint32Array(list.count * 2);
    larger.set(list.ids);
    list.ids = larger;
  }
  list.ids[list.count++] = id;
  return list;
}

function asPostings(list: IdList): Postings {
  return typeof list === "number" ? Uint32Array.of(list) : list.ids.subarray(0, list.count);
}
