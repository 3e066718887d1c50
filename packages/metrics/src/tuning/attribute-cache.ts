/**
 * Attributes that are dear to make (paths normalized, values folded, tenants looked up) kept by a key, the most recently used ones.
 *
 *     const cache = new AttributeCache({ maxEntries: 500 });
 *     const attributes = cache.get(`${method} ${url}`, () => ({ method, path: paths.fold(normalizeUrl(url)) }));
 *     counter.add(1, attributes);
 *
 * A literal `{ method, route }` costs less than any look-up: there it is not needed. What it gives is frozen, so that all who get it see
 * the same, and an Aggregator finds it by its identity.
 *
 * A Map from key to entry, and the entries in a ring by the time of their last use:
 *
 *     #newest ─older→ … ─older→ oldest ─older→ #newest
 */
import type { Attributes } from "./attributes.ts";
import { detachText } from "./detached-text.ts";

/** How much an {@link AttributeCache} keeps. */
export interface AttributeCacheOptions {
  /** Default: 1000. */
  readonly maxEntries?: number;
}

/** Counts since an {@link AttributeCache} was made; `entries` is the present number. */
export interface AttributeCacheStats {
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  /** Entries that made room for others. Nearly as many as misses: the cache is too small, or the key varies too much. */
  readonly evictions: number;
}

/**
 * Attributes by a key, the `maxEntries` most recently used ones. What it gives is frozen and shared.
 *
 * @example
 * const cache = new AttributeCache({ maxEntries: 500 });
 * counter.add(1, cache.get(`${method} ${url}`, () => ({ method, path: normalizeUrl(url) })));
 */
export class AttributeCache {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, Entry>();
  #newest: Entry | null = null;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  /** @throws RangeError if `maxEntries` is no whole number from 1 */
  constructor(options: AttributeCacheOptions = {}) {
    const { maxEntries = 1000 } = options;
    if (!Number.isSafeInteger(maxEntries) || maxEntries < 1) {
      throw new RangeError(`attribute cache: maxEntries is ${maxEntries}, want a whole number from 1`);
    }
    this.#maxEntries = maxEntries;
  }

  /**
   * The attributes of `key`; if there are none, what `create` returns, copied and frozen. What is no string is no key: nothing is kept.
   * @throws what `create` throws; then nothing is kept
   */
  get(key: string, create: () => Attributes): Readonly<Attributes> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#hits++;
      if (known !== this.#newest) this.#use(known);
      return known.attributes;
    }
    this.#misses++;
    const attributes = Object.freeze({ ...create() });
    if (typeof key !== "string") return attributes;
    // `create` may have asked for the same key.
    const meanwhile = this.#entries.get(key);
    if (meanwhile !== undefined) return meanwhile.attributes;
    if (this.#entries.size >= this.#maxEntries) this.#evictOldest();
    const entry = new Entry(detachText(key), attributes);
    this.#entries.set(entry.key, entry);
    this.#link(entry);
    return attributes;
  }

  /** Forgets all entries. The counts go on. */
  clear(): void {
    this.#entries.clear();
    this.#newest = null;
  }

  stats(): AttributeCacheStats {
    return { entries: this.#entries.size, hits: this.#hits, misses: this.#misses, evictions: this.#evictions };
  }

  #use(entry: Entry): void {
    this.#unlink(entry);
    this.#link(entry);
  }

  #evictOldest(): void {
    const oldest = (this.#newest as Entry).newer;
    this.#unlink(oldest);
    this.#entries.delete(oldest.key);
    this.#evictions++;
  }

  /** Puts `entry`, which is in no ring, where the newest is. */
  #link(entry: Entry): void {
    const newest = this.#newest;
    if (newest !== null) {
      entry.older = newest;
      entry.newer = newest.newer;
      entry.newer.older = entry;
      newest.newer = entry;
    }
    this.#newest = entry;
  }

  /** Takes `entry` out of the ring. */
  #unlink(entry: Entry): void {
    if (this.#newest === entry) this.#newest = entry.older === entry ? null : entry.older;
    entry.newer.older = entry.older;
    entry.older.newer = entry.newer;
    entry.newer = entry;
    entry.older = entry;
  }
}

/** In a ring of its own until linked. The newer neighbour of the newest is the oldest: there the ring closes. */
class Entry {
  readonly key: string;
  readonly attributes: Readonly<Attributes>;
  newer: Entry = this;
  older: Entry = this;

  constructor(key: string, attributes: Readonly<Attributes>) {
    this.key = key;
    this.attributes = attributes;
  }
}
