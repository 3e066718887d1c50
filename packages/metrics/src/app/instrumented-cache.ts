/**
 * A cache that counts its hits and misses, made from any object with `get` and `set`: a Map, an LRU, a redis client.
 *
 * It is a Proxy: type, properties, iteration and `instanceof` stay those of the cache. The cache's methods run on the cache itself, so
 * private fields work and what one method of the cache calls on another is not counted twice.
 */
import { types } from "node:util";
import { CacheMetrics, type CacheMetricsOptions } from "./cache-metrics.ts";

/** Which methods of a cache are looked at, and how. */
export interface InstrumentCacheOptions extends CacheMetricsOptions {
  /** Methods that look a key up, so that their answer is a hit or a miss; `["get"]` if left out. */
  readonly reads?: readonly string[];
  /** Other methods that are timed; `["set", "has", "delete", "del", "clear"]` if left out. */
  readonly others?: readonly string[];
  /**
   * Which operations are timed. A time through the SDK costs about a microsecond, fifty times what a `Map.get` takes: for a hot cache in memory say
   * `"async"`, only operations that answer with a promise. `"all"` if left out.
   */
  readonly durations?: "all" | "async" | "none";
  /** Whether an answer is a hit. If left out: anything but `undefined`, and from a promise anything but `undefined` and `null` (redis). */
  readonly isHit?: (value: unknown) => boolean;
}

/** Anything with a `get` and a `set`. */
export interface CacheLike {
  get(key: never): unknown;
  set(key: never, value: never): unknown;
}

const DEFAULT_READS: readonly string[] = ["get"];
const DEFAULT_OTHERS: readonly string[] = ["set", "has", "delete", "del", "clear"];

/**
 * `cache` with its operations counted and timed under `name` (or on a CacheMetrics that is there already). What it throws or rejects
 * with passes through, counted in `cache_errors_total`. A promise in the answer is followed by one of the same kind, a tick
 * later; a thenable that is no promise is handed on untouched, neither hit nor miss: asking it might start it.
 * Evictions are not seen from outside: call `recordEviction`, or give lru-cache {@link CacheMetrics.onDispose}.
 *
 * Use the answer in the place of the cache: what is called on `cache` itself is not seen.
 *
 * @throws TypeError if `cache` has no `get`, or one that is frozen and cannot be stood in for.
 * @example
 * const users = instrumentCache(new Map<string, User>(), "users");
 * users.get("alice"); // cache_misses_total{cache="users"} 1
 */
export function instrumentCache<T extends CacheLike>(
  cache: T,
  name: string | CacheMetrics,
  options: InstrumentCacheOptions = {},
): T {
  const metrics = name instanceof CacheMetrics ? name : new CacheMetrics(name, options);
  if (typeof cache !== "object" || cache === null || typeof cache.get !== "function") {
    throw new TypeError(`instrumentCache(${metrics.cacheName}): want an object with a get method`);
  }
  if (isFixed(cache, "get")) throw new TypeError(`instrumentCache(${metrics.cacheName}): its get is frozen`);
  return new CacheInstrumentation(cache, metrics, options).proxy;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** A method of the cache and what stands in for it, made when it is first asked for. */
interface StandIn {
  readonly original: AnyFunction;
  readonly replacement: AnyFunction;
}

class CacheInstrumentation<T extends CacheLike> implements ProxyHandler<T> {
  readonly proxy: T;
  readonly #target: T;
  readonly #metrics: CacheMetrics;
  readonly #standIns = new Map<PropertyKey, StandIn>();
  readonly #reads: ReadonlySet<PropertyKey>;
  readonly #others: ReadonlySet<PropertyKey>;
  readonly #durations: "all" | "async" | "none";
  readonly #isHit: ((value: unknown) => boolean) | undefined;

  constructor(target: T, metrics: CacheMetrics, options: InstrumentCacheOptions) {
    this.#target = target;
    this.#metrics = metrics;
    this.#reads = new Set(options.reads ?? DEFAULT_READS);
    this.#others = new Set(options.others ?? DEFAULT_OTHERS);
    this.#durations = options.durations ?? "all";
    this.#isHit = options.isHit;
    this.proxy = new Proxy(target, this);
  }

  get(target: T, property: PropertyKey): unknown {
    // On the target, not the proxy: `size` of a Map is a getter that wants the Map.
    const value: unknown = Reflect.get(target, property, target);
    if (typeof value !== "function" || property === "constructor") return value;
    const known = this.#standIns.get(property);
    if (known !== undefined && known.original === value) return known.replacement;
    if (isFixed(target, property)) return value;
    const original = value as AnyFunction;
    const replacement = this.#replace(property, original);
    this.#standIns.set(property, { original, replacement });
    return replacement;
  }

  set(target: T, property: PropertyKey, value: unknown): boolean {
    return Reflect.set(target, property, value, target);
  }

  #replace(property: PropertyKey, original: AnyFunction): AnyFunction {
    const isRead = this.#reads.has(property);
    if (isRead || this.#others.has(property)) {
      const operation = String(property);
      return (...args) => this.#run(operation, original, args, isRead);
    }
    return new Proxy(original, {
      apply: (method, self, args) => this.#own(Reflect.apply(method, self === this.proxy ? this.#target : self, args)),
    });
  }

  #run(operation: string, original: AnyFunction, args: unknown[], isRead: boolean): unknown {
    const startMs = this.#durations === "none" ? 0 : performance.now();
    let answer: unknown;
    try {
      answer = Reflect.apply(original, this.#target, args);
    } catch (error) {
      this.#metrics.recordError();
      if (this.#durations === "all") this.#time(operation, startMs);
      throw error;
    }
    if (typeof answer === "object" && answer !== null) {
      if (types.isPromise(answer)) return this.#follow(operation, answer, startMs, isRead);
      if (isThenable(answer)) return answer;
    }
    if (this.#durations === "all") this.#time(operation, startMs);
    if (isRead) this.#judge(answer, answer !== undefined);
    return this.#own(answer);
  }

  /** One promise after the cache's, so that a rejection nobody handles is still one that nobody handled. */
  #follow(operation: string, promise: Promise<unknown>, startMs: number, isRead: boolean): Promise<unknown> {
    return promise.then(
      (value) => {
        if (this.#durations !== "none") this.#time(operation, startMs);
        if (isRead) this.#judge(value, value !== undefined && value !== null);
        return this.#own(value);
      },
      (error: unknown) => {
        this.#metrics.recordError();
        if (this.#durations !== "none") this.#time(operation, startMs);
        throw error;
      },
    );
  }

  #time(operation: string, startMs: number): void {
    this.#metrics.recordLatency(operation, performance.now() - startMs);
  }

  #judge(value: unknown, isHitByDefault: boolean): void {
    let isHit = isHitByDefault;
    if (this.#isHit !== undefined) {
      try {
        isHit = this.#isHit(value);
      } catch {
        this.#metrics.recordError();
      }
    }
    if (isHit) this.#metrics.recordHit();
    else this.#metrics.recordMiss();
  }

  /** `map.set(…)` answers the map, to be chained: then it is this one. */
  #own(answer: unknown): unknown {
    return answer === this.#target ? this.proxy : answer;
  }
}

/** A property whose value a Proxy may not change. */
function isFixed(target: object, property: PropertyKey): boolean {
  const descriptor = Reflect.getOwnPropertyDescriptor(target, property);
  return descriptor !== undefined && descriptor.configurable === false && descriptor.writable === false;
}

function isThenable(value: object): boolean {
  try {
    return typeof (value as { then?: unknown }).then === "function";
  } catch {
    return false;
  }
}
