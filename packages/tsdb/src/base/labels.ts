/**
 * A label set: what names a series for people. Immutable.
 *
 * `__name__` is kept apart because every query treats it apart; the other labels are one flat, sorted
 * array `[name, value, name, value, …]`: no object per label, and no label ever becomes an object key.
 * Empty values equal absent labels and are never stored here.
 *
 * Strings hold the label bytes decoded by `decodeLabelBytes` (base/label-bytes.ts): a byte sequence that is not
 * valid UTF-8 stays distinct from every other.
 */
export class Labels {
  /** Value of `__name__`, "" when there is none. */
  readonly name: string;
  /** `[name, value, …]` sorted by name, without `__name__`, without empty values. */
  readonly pairs: readonly string[];

  static readonly empty: Labels = new Labels("", []);

  /** Takes ownership of `pairs`, which must be sorted by name and free of empty values and repeated names. */
  constructor(name: string, pairs: readonly string[]) {
    this.name = name;
    this.pairs = pairs;
  }

  /** From any iterable of pairs (a Map too), in any order; the last of repeated names wins, empty values drop out. */
  static from(entries: Iterable<readonly [string, string]>): Labels {
    const map = new Map(entries);
    const name = map.get("__name__") ?? "";
    map.delete("__name__");
    const names = [...map.keys()].filter((label) => map.get(label) !== "").sort();
    const pairs: string[] = [];
    for (const label of names) pairs.push(label, map.get(label) as string);
    return new Labels(name, pairs);
  }

  /** Value of a label, `__name__` included; "" when absent. */
  get(label: string): string {
    if (label === "__name__") return this.name;
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) {
      if (pairs[i] === label) return pairs[i + 1] as string;
    }
    return "";
  }

  /** Entries with `__name__` first, then by name. */
  *entries(): IterableIterator<[string, string]> {
    if (this.name !== "") yield ["__name__", this.name];
    for (let i = 0; i < this.pairs.length; i += 2) {
      yield [this.pairs[i] as string, this.pairs[i + 1] as string];
    }
  }

  /** `name{a="b"}` as people write it. For messages and logs. */
  toString(): string {
    const parts: string[] = [];
    for (let i = 0; i < this.pairs.length; i += 2) parts.push(`${this.pairs[i]}=${JSON.stringify(this.pairs[i + 1])}`);
    return parts.length === 0 && this.name !== "" ? this.name : `${this.name}{${parts.join(",")}}`;
  }
}

/** A label as a sender wrote it. The views are valid as long as the bytes they look at. */
export interface RawLabel {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** Order of result series in VictoriaMetrics' answers: by name, then label by label (name, then value), shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  const shared = Math.min(a.pairs.length, b.pairs.length);
  for (let i = 0; i < shared; i++) {
    const x = a.pairs[i] as string;
    const y = b.pairs[i] as string;
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.pairs.length - b.pairs.length;
}
