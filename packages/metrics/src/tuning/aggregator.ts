/**
 * Collects increments and hands them to a counter once in a while: ten thousand requests become one `counter.add` for each set of
 * attributes. For counters whose `add` is dear, as OpenTelemetry's is with attributes.
 *
 *     await using logins = new Aggregator(meter.createCounter("logins_total"), { intervalMs: 1000 });
 *     logins.increment({ method: "password", result: "ok" });
 *
 * A bound counter of the native client costs less than this: there it is not needed.
 *
 * Attributes are found in a tree of their names and values, in the order in which the caller writes them: no text is built for a key,
 * and sorting happens only when an order is seen for the first time.
 *
 *     root ─ method ─┬ "password" ─ result ─ "ok" ── Total
 *                    └ "token"    ─ result ─┬ "ok" ── Total
 *                                           └ "refused" …
 */
import type { AddingCounter, Attributes, AttributeValue } from "./attributes.ts";

/** When an {@link Aggregator} flushes, and how much it holds. */
export interface AggregatorOptions {
  /** Milliseconds between flushes. Default: 1000. The timer does not keep the process alive. */
  readonly intervalMs?: number;
  /** Sets of attributes held at a time; one more flushes first. Default: 1000. */
  readonly maxKeys?: number;
  /** What `counter.add` threw. Called once for each set of attributes that was lost. */
  readonly onError?: (error: unknown) => void;
}

/** Counts since the aggregator was made. */
export interface AggregatorStats {
  /** Sets of attributes waiting for the next flush. */
  readonly pending: number;
  /** Flushes that had something to hand on. */
  readonly flushes: number;
  /** Flushes before their time, because of `maxKeys`. Many of them mean that too much varies. */
  readonly earlyFlushes: number;
  /** Increments that were no non-negative finite number, or whose attributes are none or cannot be read. */
  readonly ignored: number;
  /** Calls of `counter.add` that threw: what they carried is lost. */
  readonly failed: number;
}

/** setInterval's longest; it takes more for 1. */
const intervalMsMax = 2 ** 31 - 1;

/**
 * Adds increments up by their attributes and hands the totals to `counter` at an interval: one look-up in the SDK instead of thousands.
 * `counter` is anything with `add(value, attributes)`, such as a counter of OpenTelemetry. At most `maxKeys` sets of attributes wait.
 *
 * @example
 * const requests = new Aggregator(meter.createCounter("http_requests_total"), { intervalMs: 1000 });
 * requests.increment({ method: "GET", route: "/users/:id" });
 * requests.close(); // flushes
 */
export class Aggregator<A extends object = Attributes> {
  readonly #counter: AddingCounter<A>;
  readonly #maxKeys: number;
  readonly #onError: ((error: unknown) => void) | null;
  readonly #timer: ReturnType<typeof setInterval>;
  #pending = new PendingTotals();
  #isClosed = false;
  #flushes = 0;
  #earlyFlushes = 0;
  #ignored = 0;
  #failed = 0;

  /** @throws RangeError if an option makes no sense */
  constructor(counter: AddingCounter<A>, options: AggregatorOptions = {}) {
    const { intervalMs = 1000, maxKeys = 1000, onError = null } = options;
    if (!(intervalMs >= 1 && intervalMs <= intervalMsMax)) {
      throw new RangeError(`aggregator: intervalMs is ${intervalMs}, want 1 to ${intervalMsMax}`);
    }
    if (!Number.isInteger(maxKeys) || maxKeys < 1) {
      throw new RangeError(`aggregator: maxKeys is ${maxKeys}, want a whole number from 1`);
    }
    this.#counter = counter;
    this.#maxKeys = maxKeys;
    this.#onError = onError;
    this.#timer = setInterval(() => this.flush(), intervalMs);
    this.#timer.unref();
  }

  /**
   * Adds `value` to what waits for `attributes`, whose order does not matter. Never throws. `attributes` may be changed
   * afterwards; frozen ones (an {@link AttributeCache}'s) are found fastest, by their identity.
   *
   * A value that is NaN, negative or infinite is ignored and counted. After `close` the increment goes to the counter at once: what is counted
   * while a process ends is not lost.
   */
  increment(attributes?: A, value = 1): void {
    // The type is asked for because JavaScript compares "5" and 5n with numbers, but does not add them.
    if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) || !isObject(attributes)) {
      this.#ignored++;
      return;
    }
    let total: Total;
    try {
      total = this.#pending.find((attributes ?? NO_ATTRIBUTES) as Attributes);
    } catch {
      // A getter that throws, a list that contains itself.
      this.#ignored++;
      this.#pending.spoiled++;
      this.#makeRoom();
      return;
    }
    total.value += value;
    if (this.#isClosed) this.flush();
    else this.#makeRoom();
  }

  /** Hands on what waits. A counter that throws for one set of attributes does not keep the others from theirs. Never throws. */
  flush(): void {
    const pending = this.#pending;
    if (pending.size === 0) return;
    this.#pending = new PendingTotals();
    if (pending.totals.length > 0) this.#flushes++;
    for (const { attributes, value } of pending.totals) {
      try {
        this.#counter.add(value, attributes as A);
      } catch (error) {
        this.#failed++;
        this.#report(error);
      }
    }
  }

  /** Stops the timer and flushes. Calling it again does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.flush();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  stats(): AggregatorStats {
    return {
      pending: this.#pending.totals.length,
      flushes: this.#flushes,
      earlyFlushes: this.#earlyFlushes,
      ignored: this.#ignored,
      failed: this.#failed,
    };
  }

  #makeRoom(): void {
    if (this.#pending.size <= this.#maxKeys) return;
    this.#earlyFlushes++;
    this.flush();
  }

  #report(error: unknown): void {
    try {
      this.#onError?.(error);
    } catch {
      // The caller's own; the other totals must still get to the counter.
    }
  }
}

/** A text is none: each of its characters would be taken for an attribute. */
function isObject(attributes: object | null | undefined): boolean {
  return typeof attributes === "object" || attributes === undefined;
}

const NO_ATTRIBUTES: Attributes = Object.freeze({});

/** What waits for one set of attributes. */
interface Total {
  readonly attributes: Attributes;
  value: number;
}

/** The totals between two flushes. */
class PendingTotals {
  readonly totals: Total[] = [];
  readonly #root = new TreeNode();
  readonly #byIdentity = new Map<Attributes, Total>();
  /** Leaves that lead to totals in another order of the names. */
  #aliases = 0;
  /** Attributes that could be read only in part. */
  spoiled = 0;

  /** How much memory is held, in sets of attributes. */
  get size(): number {
    return this.totals.length + this.#aliases + this.spoiled;
  }

  /** The total of `attributes`, made if there is none. */
  find(attributes: Attributes): Total {
    const known = this.#byIdentity.get(attributes);
    if (known !== undefined) return known;
    let node = this.#root;
    let canChange = false;
    for (const name in attributes) {
      const value = attributes[name];
      if (value === undefined || value === null || !Object.hasOwn(attributes, name)) continue;
      if (typeof value === "object") canChange = true;
      node = node.next(name, value);
    }
    const total = node.total ?? this.#addAt(node, attributes);
    if (!canChange && this.#byIdentity.size < IDENTITIES_MAX && Object.isFrozen(attributes)) {
      this.#byIdentity.set(attributes, total);
    }
    return total;
  }

  #addAt(leaf: TreeNode, attributes: Attributes): Total {
    const names = Object.keys(attributes)
      .filter((name) => attributes[name] !== undefined && attributes[name] !== null)
      .sort();
    let node = this.#root;
    for (const name of names) node = node.next(name, attributes[name] as AttributeValue);
    if (node.total === null) {
      // A copy: the caller may change its own, and the counter sees it later.
      node.total = { attributes: copyAttributes(attributes), value: 0 };
      this.totals.push(node.total);
    }
    if (leaf !== node) {
      leaf.total = node.total;
      this.#aliases++;
    }
    return node.total;
  }
}

/** Frozen attributes that are found by identity, between two flushes. */
const IDENTITIES_MAX = 4096;

/** Names and values of one more attribute lead to one more node. 1, "1" and true are different values. */
class TreeNode {
  total: Total | null = null;
  /** The name first seen here, and where its values lead: nearly always the only one. */
  #name = "";
  #values: Map<AttributeValue, TreeNode> | null = null;
  #otherNames: Map<string, Map<AttributeValue, TreeNode>> | null = null;

  next(name: string, value: AttributeValue): TreeNode {
    const key = keyOf(value);
    let values = this.#values;
    if (values === null) {
      values = new Map();
      this.#name = name;
      this.#values = values;
    } else if (this.#name !== name) values = this.#valuesOf(name);
    let node = values.get(key);
    if (node === undefined) {
      node = new TreeNode();
      values.set(key, node);
    }
    return node;
  }

  #valuesOf(name: string): Map<AttributeValue, TreeNode> {
    this.#otherNames ??= new Map();
    let values = this.#otherNames.get(name);
    if (values === undefined) {
      values = new Map();
      this.#otherNames.set(name, values);
    }
    return values;
  }
}

/** What a value is found by. A list is what it contains; its key begins so that no text's can. */
function keyOf(value: AttributeValue): AttributeValue {
  if (typeof value === "object") return `\0list${JSON.stringify(value)}`;
  return typeof value === "string" && value.charCodeAt(0) === 0 ? `\0text${value}` : value;
}

function copyAttributes(attributes: Attributes): Attributes {
  const copy: Attributes = { ...attributes };
  for (const name of Object.keys(copy)) {
    const value = copy[name];
    if (Array.isArray(value)) copy[name] = value.slice() as AttributeValue;
  }
  return Object.freeze(copy);
}
