import { type Attributes, type Histogram, type Meter, type ObservableCounter, ValueType } from "@opentelemetry/api";
import { BoundedTable } from "./bounded-table.ts";
import { DroppedValues, isQuantity, pickMeter } from "./dropped-values.ts";

/** Of {@link CacheMetrics}. */
export interface CacheMetricsOptions {
  /** Where the instruments are made; the global meter provider's `@nyanza/metrics` if left out. */
  readonly meter?: Meter;
}

/** A cache in memory answers in a microsecond, one behind the network in milliseconds. */
const SECONDS_BOUNDS: readonly number[] = [
  0.000001, 0.000005, 0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1,
];

/** Operations beyond the first so many share a series. */
const OPERATIONS_MAX = 30;
/** Caches beyond the first so many share their series. */
const CACHES_MAX = 300;

/**
 * Hits, misses and evictions of one cache, whose name is bound once:
 *
 * | instrument | kind | labels |
 * |---|---|---|
 * | `cache_hits_total`, `cache_misses_total`, `cache_evictions_total` | counter | `cache` |
 * | `cache_errors_total`: operations that threw | counter | `cache` |
 * | `cache_operation_duration_seconds` | histogram, 1 µs … 1 s | `cache`, `operation` |
 *
 * Counting costs about a nanosecond: the counts are read when somebody collects, not pushed through the SDK at each hit. Two objects for
 * the same name on the same meter count together. Make it after `startMetrics()`. No method throws.
 *
 * @example
 * const metrics = new CacheMetrics("sessions");
 * if (found) metrics.recordHit(); else metrics.recordMiss();
 * metrics.recordLatency("get", 0.8);
 */
export class CacheMetrics {
  readonly cacheName: string;
  readonly #counts: CacheCounts;
  readonly #durations: Histogram;
  readonly #operations: BoundedTable<Attributes>;
  readonly #dropped: DroppedValues;

  constructor(cacheName: string, options: CacheMetricsOptions = {}) {
    const instruments = instrumentsOf(pickMeter(options.meter, "CacheMetrics"));
    this.#counts = instruments.caches.get(cacheName);
    this.cacheName = this.#counts.cacheName;
    this.#durations = instruments.durations;
    this.#operations = this.#counts.operations;
    this.#dropped = instruments.dropped;
  }

  recordHit(): void {
    this.#counts.hits++;
  }

  recordMiss(): void {
    this.#counts.misses++;
  }

  /** An entry left because there was no room, not because somebody deleted it. */
  recordEviction(): void {
    this.#counts.evictions++;
  }

  /** An operation threw or its promise was rejected. */
  recordError(): void {
    this.#counts.errors++;
  }

  /** How long an operation took, milliseconds; recorded in seconds. `operation`: `get`, `set` …, those after the first 30 are `other`. */
  recordLatency(operation: string, durationMs: number): void {
    if (isQuantity(durationMs)) this.#durations.record(durationMs / 1000, this.#operations.get(operation));
    else this.#dropped.count("cache_operation_duration_seconds");
  }

  /**
   * To be given to lru-cache as its `dispose`: counts the entries it dropped for want of room. Bound to this object.
   *
   * @example
   * const metrics = new CacheMetrics("sessions");
   * const cache = instrumentCache(new LRUCache({ max: 1000, dispose: metrics.onDispose }), metrics);
   */
  readonly onDispose = (_value: unknown, _key: unknown, reason: unknown): void => {
    if (reason === "evict") this.#counts.evictions++;
  };
}

/** What one cache has counted, on one meter. */
class CacheCounts {
  readonly cacheName: string;
  readonly attributes: Attributes;
  readonly operations: BoundedTable<Attributes>;
  hits = 0;
  misses = 0;
  evictions = 0;
  errors = 0;

  constructor(cacheName: string) {
    this.cacheName = cacheName;
    this.attributes = { cache: cacheName };
    this.operations = new BoundedTable(OPERATIONS_MAX, (operation) => ({ cache: cacheName, operation }));
  }
}

/** The instruments of one meter and the counts behind them. */
interface CacheInstruments {
  readonly caches: BoundedTable<CacheCounts>;
  readonly durations: Histogram;
  readonly dropped: DroppedValues;
}

/** Shared by meter: two callbacks that observe the same attributes would overwrite each other. */
const instrumentsByMeter = new WeakMap<Meter, CacheInstruments>();

function instrumentsOf(meter: Meter): CacheInstruments {
  const known = instrumentsByMeter.get(meter);
  if (known !== undefined) return known;
  const counter = (name: string, description: string, unit: string): ObservableCounter =>
    meter.createObservableCounter(name, { description, unit, valueType: ValueType.INT });
  const hits = counter("cache_hits_total", "Cache hits", "{hits}");
  const misses = counter("cache_misses_total", "Cache misses", "{misses}");
  const evictions = counter("cache_evictions_total", "Cache evictions", "{evictions}");
  const errors = counter("cache_errors_total", "Cache operations that failed", "{errors}");
  // The table makes the entry of the caches without room when it first needs it; it must be observed like the others.
  const all: CacheCounts[] = [];
  const caches = new BoundedTable(CACHES_MAX, (cacheName) => {
    const counts = new CacheCounts(cacheName);
    all.push(counts);
    return counts;
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const counts of all) {
        result.observe(hits, counts.hits, counts.attributes);
        result.observe(misses, counts.misses, counts.attributes);
        result.observe(evictions, counts.evictions, counts.attributes);
        result.observe(errors, counts.errors, counts.attributes);
      }
    },
    [hits, misses, evictions, errors],
  );
  const durations = meter.createHistogram("cache_operation_duration_seconds", {
    description: "Cache operation duration",
    unit: "s",
    advice: { explicitBucketBoundaries: [...SECONDS_BOUNDS] },
  });
  const instruments = { caches, durations, dropped: new DroppedValues(meter) };
  instrumentsByMeter.set(meter, instruments);
  return instruments;
}
