/**
 * Keeps one label from having more values than a database can bear: each value is a series, and a series costs memory
 * there long after the last request that brought it.
 *
 *     const paths = new CardinalityLimiter({ maxValues: 200, overflow: "other" });
 *     paths.fold("/api/users/:id");     // "/api/users/:id"
 *     paths.fold("/wp-login.php?x=9");  // "other", when 200 came before it
 *     paths.stats().overflowed;         // how often that happened
 *
 *     set.counter("http_requests_total", { labelNames: ["path"], shape: { path: paths.fold } });
 *
 * What does not fit is folded, never dropped: sums over the label stay right. All of it is bounded: the values that are kept, the
 * values they are folded into, and the limiter's own memory, whatever is put in.
 */
import { detachText } from "./detached-text.ts";
import { hashText } from "./text-hash.ts";
import { TopValues } from "./top-values.ts";

/** What is written for a value that has no place. A function may group (`(path) => path.startsWith("/api/") ? "other_api" : "other"`). */
export type Overflow = "other" | "hash" | ((value: string) => string);

/** What a {@link CardinalityLimiter} keeps, and what becomes of the rest. */
export interface CardinalityLimiterOptions {
  /** Values that are kept as they are, `allow` apart. Default: 100; 0 if there is `allow`: then it is a closed list. */
  readonly maxValues?: number;
  /** Code points of a value; a longer one is cut, before all else. Default: 128. */
  readonly maxLength?: number;
  /** These are always kept, uncut, and do not count towards `maxValues`. */
  readonly allow?: Iterable<string>;
  /**
   * What becomes of a value that does not fit.
   * - `"other"` (default): it becomes `other`.
   * - `"hash"`: one of `overflowBuckets` values, `hash_00` …, always the same one for the same value. A spike then shows in one of
   *   64 lines and not in the one line of all the rest. The Go guide wrote a hash of its own for each value, which bounds nothing.
   * - a function: what it returns. After `overflowBuckets` different results, or if it throws or returns no string: `other`.
   */
  readonly overflow?: Overflow;
  /** Different values that `overflow` may write, `other` apart. Default: 64. */
  readonly overflowBuckets?: number;
  /**
   * Which values are kept.
   * - `"first"` (default): the first that come, for ever. A hash table's look-up; nothing ever changes.
   * - `"top"`: the most frequent. Starts as "first"; a value that comes late goes to the overflow until it has been seen clearly more than
   *   twice as often as the rarest of those kept, over a whole window and the fading memory of those before. From its next occurrence
   *   on it has its place; the rarest one loses its own, and goes to the overflow from then on. Counts do not move: what the late value
   *   added before stays in the overflow's series, and the replaced value's series stays at its last count.
   */
  readonly policy?: "first" | "top";
  /** Policy "top": calls of `fold` after which the ranking is looked at. Default: 10,000, or 20 for each of `maxValues` if that is more. */
  readonly windowSize?: number;
  /**
   * Policy "top": how many values may be replaced in the limiter's life, for a replaced value's series lives on in the registry. So
   * `maxValues + maxReplacements` bounds the series ever made. Default: `maxValues`; without limit if there is `onReplaced`.
   */
  readonly maxReplacements?: number;
  /**
   * Policy "top": a value has lost its place; its series can be removed: `family.remove({ path: value })`. While this runs `fold` returns that
   * value as it is, so that a family that has `fold` for its shape finds the series.
   */
  readonly onReplaced?: (value: string) => void;
}

/** Counts since the limiter was made. */
export interface CardinalityStats {
  /** Values that have a place now, `allow` apart. */
  readonly values: number;
  /** Values returned as they came, or only cut. */
  readonly kept: number;
  /** Values that were too long. They are counted again in `kept`, `overflowed` or `refused`. */
  readonly cut: number;
  /** Values folded because all places were taken. */
  readonly overflowed: number;
  /** Values folded because they are not on the closed list `allow`. */
  readonly refused: number;
  /** Values that lost their place to a more frequent one. */
  readonly replaced: number;
  /** Calls of `overflow` or `onReplaced` that threw or returned no string, and values that are no text. */
  readonly failed: number;
  /** Texts and counters held in memory: what the limiter's size is proportional to. Bounded by the options. */
  readonly entries: number;
}

export const OVERFLOW_VALUE = "other";

/**
 * Bounds the values of one label: what does not fit is folded into `other`, one of a few hashes or what a function says, and counted.
 * Memory is bounded by the options, whatever is put in.
 *
 * @example
 * const paths = new CardinalityLimiter({ maxValues: 200 });
 * paths.fold("/api/users/:id"); // itself, or "other" when 200 came before it
 * paths.stats().overflowed;
 */
export class CardinalityLimiter {
  readonly #allow: ReadonlySet<string> | null;
  readonly #isClosedList: boolean;
  readonly #values: FirstValues | TopValues;
  readonly #maxLength: number;
  readonly #overflow: Overflow;
  readonly #overflowBuckets: number;
  /** Policy "hash": by bucket. */
  readonly #bucketNames: readonly string[];
  /** Results of an overflow function, so that there are not too many. */
  readonly #results = new FirstValues(0);
  /** What `onReplaced` is being told. */
  #leaving: string | null = null;
  #kept = 0;
  #cut = 0;
  #overflowed = 0;
  #refused = 0;
  #failed = 0;

  /** @throws RangeError or TypeError if an option makes no sense */
  constructor(options: CardinalityLimiterOptions = {}) {
    const { policy = "first", overflow = "other", onReplaced = null } = options;
    const maxValues = wholeNumber("maxValues", options.maxValues ?? (options.allow === undefined ? 100 : 0), 0);
    this.#maxLength = wholeNumber("maxLength", options.maxLength ?? 128, 1);
    this.#overflowBuckets = wholeNumber("overflowBuckets", options.overflowBuckets ?? 64, 1);
    const windowSize = wholeNumber("windowSize", options.windowSize ?? Math.max(10_000, 20 * maxValues), 1);
    const maxReplacements = options.maxReplacements ?? (onReplaced === null ? maxValues : Number.POSITIVE_INFINITY);
    if (maxReplacements !== Number.POSITIVE_INFINITY) wholeNumber("maxReplacements", maxReplacements, 0);
    if (policy !== "first" && policy !== "top") {
      throw new TypeError(`cardinality limiter: policy is ${String(policy)}, want "first" or "top"`);
    }
    if (overflow !== "other" && overflow !== "hash" && typeof overflow !== "function") {
      throw new TypeError(`cardinality limiter: overflow is ${String(overflow)}, want "other", "hash" or a function`);
    }
    this.#allow = options.allow === undefined ? null : new Set(options.allow);
    this.#isClosedList = this.#allow !== null && maxValues === 0;
    this.#overflow = overflow;
    this.#bucketNames = overflow === "hash" ? nameBuckets(this.#overflowBuckets) : [];
    if (typeof overflow === "function") this.#results = new FirstValues(this.#overflowBuckets);
    const lost = (value: string): void => {
      this.#leaving = value;
      try {
        onReplaced?.(value);
      } catch {
        this.#failed++;
      }
      this.#leaving = null;
    };
    this.#values =
      policy === "top" && maxValues > 0
        ? new TopValues(maxValues, windowSize, maxReplacements, lost)
        : new FirstValues(maxValues);
  }

  /**
   * The value to write for `value`: itself, or what it is folded into. A bound function: it can be handed on as it is.
   * Numbers and booleans are folded as their text. "" is no value at all and stays. Never throws.
   */
  readonly fold: (value: string | number | boolean) => string = (value) => {
    let text = typeof value === "string" ? value : this.#toText(value);
    if (this.#allow?.has(text) || text === "") {
      this.#kept++;
      return text;
    }
    if (text.length > this.#maxLength) text = this.#shorten(text);
    const own = this.#values.admit(text);
    if (own !== undefined || text === this.#leaving) {
      this.#kept++;
      return own ?? text;
    }
    if (this.#isClosedList) this.#refused++;
    else this.#overflowed++;
    return this.#fold(text);
  };

  stats(): CardinalityStats {
    return {
      values: this.#values.size,
      kept: this.#kept,
      cut: this.#cut,
      overflowed: this.#overflowed,
      refused: this.#refused,
      replaced: this.#values.replaced,
      failed: this.#failed,
      entries: this.#values.entries + this.#results.entries + this.#bucketNames.length + (this.#allow?.size ?? 0),
    };
  }

  #fold(text: string): string {
    if (this.#overflow === "other") return OVERFLOW_VALUE;
    if (this.#overflow === "hash") {
      return this.#bucketNames[(hashText(text) >>> 0) % this.#bucketNames.length] as string;
    }
    try {
      const result: unknown = this.#overflow(text);
      if (typeof result === "string") {
        const whole = result.length > this.#maxLength ? cutText(result, this.#maxLength) : result;
        return this.#results.admit(whole) ?? OVERFLOW_VALUE;
      }
    } catch {
      // The caller's function; what counts must not fail for it.
    }
    this.#failed++;
    return OVERFLOW_VALUE;
  }

  #shorten(text: string): string {
    const cut = cutText(text, this.#maxLength);
    if (cut !== text) this.#cut++;
    return cut;
  }

  /** For those who do not compile with types. */
  #toText(value: unknown): string {
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    if (value !== undefined && value !== null) this.#failed++;
    return "";
  }
}

/** The first values that come, each with its own copy of the text. */
class FirstValues {
  readonly replaced = 0;
  readonly #maxValues: number;
  readonly #values = new Map<string, string>();

  constructor(maxValues: number) {
    this.#maxValues = maxValues;
  }

  get size(): number {
    return this.#values.size;
  }

  get entries(): number {
    return this.#values.size;
  }

  /** The value if it has a place or gets one. */
  admit(value: string): string | undefined {
    const own = this.#values.get(value);
    if (own !== undefined || this.#values.size >= this.#maxValues) return own;
    const copy = detachText(value);
    this.#values.set(copy, copy);
    return copy;
  }
}

/** The first `maxLength` code points of `text`, which may be shorter. Half of a surrogate pair counts as one. */
function cutText(text: string, maxLength: number): string {
  let at = 0;
  for (let count = 0; count < maxLength && at < text.length; count++) {
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  }
  return at >= text.length ? text : text.slice(0, at);
}

function nameBuckets(count: number): string[] {
  const digits = (count - 1).toString(16).length;
  return Array.from({ length: count }, (_, bucket) => `hash_${bucket.toString(16).padStart(Math.max(2, digits), "0")}`);
}

function wholeNumber(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new RangeError(`cardinality limiter: ${name} is ${String(value)}, want a whole number from ${min}`);
}
