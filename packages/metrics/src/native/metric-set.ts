/**
 * A set of metrics: makes them, keeps them, writes them out as Prometheus text. There are two ways to have one.
 *
 * By name, as the Go library github.com/VictoriaMetrics/metrics does it:
 *
 *     const set = new MetricSet();
 *     const rows = set.getOrCreateCounter(`vm_rows_inserted_total{type="promremotewrite"}`);
 *     rows.add(500);
 *     set.getOrCreateGauge("queue_length", () => queue.length);
 *     set.writePrometheus();
 *     // queue_length 3
 *     // vm_rows_inserted_total{type="promremotewrite"} 500
 *
 * Asking for a name again returns the same metric, also when its labels are spelled in another order, so a module
 * can ask where it needs one. In hot code keep the metric and not the name: the look-up costs more than the update.
 *
 * As a typed family, whose labels the compiler knows (series-family.ts):
 *
 *     const requests = set.counter("http_requests_total", { help: "Requests served.", labelNames: ["method", "status"] });
 *     requests.inc({ method: "GET", status: 200 });
 *
 * Names are checked here and nowhere else: whatever is refused is refused when a metric is made, never when it is updated.
 */
import type { Family, ProcessAggregation } from "../exposition/family.ts";
import { readFamily } from "../exposition/foreign-family.ts";
import { joinForScrape } from "../exposition/join.ts";
import { writeText } from "../exposition/text-format.ts";
import { collectProcessMetrics } from "../process/process-metrics.ts";
import { Counter } from "./counter.ts";
import {
  CounterFamily,
  FloatCounterFamily,
  GaugeFamily,
  HistogramFamily,
  PrometheusHistogramFamily,
  SummaryFamily,
} from "./families.ts";
import { FloatCounter } from "./float-counter.ts";
import { Gauge } from "./gauge.ts";
import { Histogram } from "./histogram.ts";
import { type Metric, type MetricKind, metricKinds } from "./metric.ts";
import { checkFamilyName, type MetricName } from "./metric-name.ts";
import type { Mishaps } from "./mishaps.ts";
import { checkBuckets, DEFAULT_BUCKETS, PrometheusHistogram } from "./prometheus-histogram.ts";
import { type Description, Registry } from "./registry.ts";
import type { SeriesFamily, SeriesOptions } from "./series-family.ts";
import { checkSummaryOptions, Summary, type SummaryOptions, type SummarySettings } from "./summary.ts";

/** Where a set takes time and chance from. */
export interface MetricSetOptions {
  /** Monotonic clock, milliseconds. Summaries turn their windows by it. Default: performance.now. */
  readonly nowMs?: () => number;
  /** Uniform in [0, 1). Summaries pick their samples by it. Default: Math.random. */
  readonly random?: () => number;
}

/** What is written besides the samples of a set. */
export interface WriteOptions {
  /** Append the process's own metrics, `process_*` and `nodejs_*`. Default: false. */
  readonly processMetrics?: boolean;
  /** Write `# HELP` and `# TYPE` lines before each family. Default: false, as VictoriaMetrics does. */
  readonly metadata?: boolean;
}

/** Bounds of an `le` histogram. */
export interface PrometheusHistogramOptions {
  /** Upper bounds: finite, ascending; a last one of +Infinity may stand or be left out. Default: {@link DEFAULT_BUCKETS}. */
  readonly buckets?: readonly number[];
}

/** Of a family of gauges. */
export interface GaugeFamilyOptions<L extends string> extends SeriesOptions<L> {
  /** How values of several processes become one. Default: "sum". */
  readonly aggregation?: ProcessAggregation;
}

/** With `buckets` the family's histograms have `le` buckets, without them `vmrange` buckets. */
export interface HistogramFamilyOptions<L extends string> extends SeriesOptions<L> {
  readonly buckets?: undefined;
}

/** With `buckets` the family's histograms have `le` buckets. */
export interface PrometheusHistogramFamilyOptions<L extends string> extends SeriesOptions<L> {
  /** Upper bounds: finite, ascending; a last one of +Infinity may stand or be left out. */
  readonly buckets: readonly number[];
}

/** Of a family of summaries. */
export interface SummaryFamilyOptions<L extends string> extends SeriesOptions<L>, SummaryOptions {}

/** Whatever can say families: a {@link MetricSet}, or something of the application's own. */
export interface FamilySource {
  collect(): readonly Family[];
}

/**
 * Makes metrics, keeps them and writes them out. What a name or an option makes impossible is refused here, when the metric is made; updates
 * never throw.
 *
 * @example
 * const set = new MetricSet();
 * const rows = set.getOrCreateCounter(`rows_total{type="csv"}`);
 * const requests = set.counter("http_requests_total", { help: "Requests served.", labelNames: ["method", "status"] });
 * rows.add(500);
 * requests.inc({ method: "GET", status: 200 });
 * set.writePrometheus();
 */
export class MetricSet {
  readonly #registry = new Registry();
  readonly #sources = new Set<FamilySource>();
  /** A set that is, by a detour, among its own sources writes itself once. */
  #isCollecting = false;
  readonly #nowMs: () => number;
  readonly #random: () => number;

  constructor(options: MetricSetOptions = {}) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  /**
   * The counter of that name, made if there is none. Counts whole things.
   * @throws MetricNameError if the name is malformed; TypeError if it or a part of it belongs to a metric of another kind
   */
  getOrCreateCounter(name: string): Counter {
    return this.#registry.getOrCreate(name, metricKinds.counter, Counter, makeCounter);
  }

  /**
   * A new counter of that name.
   * @throws like {@link getOrCreateCounter}; TypeError also if there is one already
   */
  createCounter(name: string): Counter {
    return this.#registry.create(name, metricKinds.counter, makeCounter);
  }

  /**
   * The counter of fractions (seconds, money) of that name, made if there is none.
   * @throws like {@link getOrCreateCounter}
   */
  getOrCreateFloatCounter(name: string): FloatCounter {
    return this.#registry.getOrCreate(name, metricKinds.counter, FloatCounter, makeFloatCounter);
  }

  /** A new counter of fractions. @throws like {@link createCounter} */
  createFloatCounter(name: string): FloatCounter {
    return this.#registry.create(name, metricKinds.counter, makeFloatCounter);
  }

  /**
   * The gauge of that name, made if there is none. With `callback` its value is asked for at each writing; a callback
   * that throws or returns no number leaves its line out and is counted, nothing else. The first one given stays.
   * @throws like {@link getOrCreateCounter}
   */
  getOrCreateGauge(name: string, callback?: () => number): Gauge {
    return this.#registry.getOrCreate(name, metricKinds.gauge, Gauge, makeGauge(callback));
  }

  /** A new gauge. @throws like {@link createCounter} */
  createGauge(name: string, callback?: () => number): Gauge {
    return this.#registry.create(name, metricKinds.gauge, makeGauge(callback));
  }

  /**
   * The histogram with `vmrange` buckets of that name, made if there is none.
   * @throws like {@link getOrCreateCounter}; a label `vmrange` is refused too
   */
  getOrCreateHistogram(name: string): Histogram {
    return this.#registry.getOrCreate(name, metricKinds.histogram, Histogram, makeHistogram);
  }

  /** A new histogram with `vmrange` buckets. @throws like {@link createCounter} */
  createHistogram(name: string): Histogram {
    return this.#registry.create(name, metricKinds.histogram, makeHistogram);
  }

  /**
   * The histogram with `le` buckets of that name, made if there is none; then `options` hold.
   * @throws like {@link getOrCreateCounter}; a label `le` is refused too; RangeError if the buckets make no sense
   */
  getOrCreatePrometheusHistogram(name: string, options: PrometheusHistogramOptions = {}): PrometheusHistogram {
    const make = makePrometheusHistogram(options);
    return this.#registry.getOrCreate(name, metricKinds.prometheusHistogram, PrometheusHistogram, make);
  }

  /** A new histogram with `le` buckets. @throws like {@link createCounter} and {@link getOrCreatePrometheusHistogram} */
  createPrometheusHistogram(name: string, options: PrometheusHistogramOptions = {}): PrometheusHistogram {
    return this.#registry.create(name, metricKinds.prometheusHistogram, makePrometheusHistogram(options));
  }

  /**
   * The summary of that name, made if there is none; then `options` hold.
   * @throws like {@link getOrCreateCounter}; a label `quantile` is refused too; RangeError if an option makes no sense
   */
  getOrCreateSummary(name: string, options: SummaryOptions = {}): Summary {
    return this.#registry.getOrCreate(name, metricKinds.summary, Summary, this.#makeSummary(options));
  }

  /** A new summary. @throws like {@link createCounter} and {@link getOrCreateSummary} */
  createSummary(name: string, options: SummaryOptions = {}): Summary {
    return this.#registry.create(name, metricKinds.summary, this.#makeSummary(options));
  }

  /**
   * The typed family of counters of that name, made if there is none. Whoever asks again must name the same labels in the same
   * order; other options are those of the first.
   *
   *     const requests = set.counter("http_requests_total", { help: "Requests served.", labelNames: ["method", "status"] });
   *
   * @throws MetricNameError if the name or a label's name is malformed; TypeError if another metric writes under the name, or the
   *   unit is not in it; RangeError if maxSeries is no whole number above 0
   */
  counter<L extends string = never>(name: string, options: SeriesOptions<L>): CounterFamily<L> {
    return this.#family(
      name,
      metricKinds.counter,
      CounterFamily<L>,
      options,
      () => (labels, mishaps) => new Counter(labels, mishaps),
    );
  }

  /** The typed family of counters of fractions (seconds, money). @throws like {@link counter} */
  floatCounter<L extends string = never>(name: string, options: SeriesOptions<L>): FloatCounterFamily<L> {
    return this.#family(
      name,
      metricKinds.counter,
      FloatCounterFamily<L>,
      options,
      () => (labels, mishaps) => new FloatCounter(labels, mishaps),
    );
  }

  /** The typed family of gauges. @throws like {@link counter} */
  gauge<L extends string = never>(name: string, options: GaugeFamilyOptions<L>): GaugeFamily<L> {
    return this.#family(
      name,
      metricKinds.gauge,
      GaugeFamily<L>,
      options,
      () => (labels, mishaps) => new Gauge(labels, mishaps, null),
    );
  }

  /**
   * The typed family of histograms: with `vmrange` buckets, or with `le` buckets if `buckets` are given.
   * @throws like {@link counter}; RangeError if the buckets make no sense
   */
  histogram<L extends string = never>(
    name: string,
    options: PrometheusHistogramFamilyOptions<L>,
  ): PrometheusHistogramFamily<L>;
  histogram<L extends string = never>(name: string, options: HistogramFamilyOptions<L>): HistogramFamily<L>;
  histogram<L extends string = never>(
    name: string,
    options: HistogramFamilyOptions<L> | PrometheusHistogramFamilyOptions<L>,
  ): HistogramFamily<L> | PrometheusHistogramFamily<L> {
    const { buckets } = options;
    if (buckets === undefined) {
      return this.#family(
        name,
        metricKinds.histogram,
        HistogramFamily<L>,
        options,
        () => (labels, mishaps) => new Histogram(labels, mishaps),
      );
    }
    return this.#family(name, metricKinds.prometheusHistogram, PrometheusHistogramFamily<L>, options, () => {
      const bounds = checkBuckets(buckets, `histogram ${name}`);
      return (labels, mishaps) => new PrometheusHistogram(labels, mishaps, bounds);
    });
  }

  /** The typed family of summaries. @throws like {@link counter}; RangeError if a quantile or the window makes no sense */
  summary<L extends string = never>(name: string, options: SummaryFamilyOptions<L>): SummaryFamily<L> {
    return this.#family(name, metricKinds.summary, SummaryFamily<L>, options, () => {
      const settings = this.#summarySettings(options, name);
      return (labels, mishaps) => new Summary(labels, mishaps, settings);
    });
  }

  /**
   * Says what a family is about whose metrics are made by their names, before or after they are made. What was said before stays where
   * `description` says nothing.
   *
   *     set.describe("queue_length", { help: "Jobs that wait." });
   *
   * @throws MetricNameError if the name is malformed; TypeError if the unit is not in it
   */
  describe(family: string, description: Description): void {
    this.#registry.describe(family, description);
  }

  /**
   * Forgets a metric, or a typed family with all its series. What still holds it may go on updating it, unseen. True if there was one.
   * @throws MetricNameError if the name is malformed
   */
  unregister(name: string): boolean {
    return this.#registry.unregister(name);
  }

  /** Forgets all metrics and all sources that were registered. */
  unregisterAll(): void {
    this.#registry.clear();
    this.#sources.clear();
  }

  /**
   * From now on the families of `source`, another set for instance, are written with those of this one. Once, however often it is asked.
   * A source that throws, or a family that is none, is left out and counted in `metrics_callback_errors_total`.
   * @throws TypeError if `source` has no `collect`
   */
  registerSet(source: FamilySource): void {
    if (typeof source?.collect !== "function") throw new TypeError("registerSet: want an object with collect()");
    if (source !== this) this.#sources.add(source);
  }

  /** Takes back {@link registerSet}. True if `source` was there. */
  unregisterSet(source: FamilySource): boolean {
    return this.#sources.delete(source);
  }

  /** Canonical names of all metrics of this set, in the order of writing. */
  listMetricNames(): string[] {
    return this.#registry.listNames();
  }

  /** All metrics as families, sorted by name, those of registered sets among them. Never throws. */
  collect(): Family[] {
    if (this.#isCollecting) return [];
    this.#isCollecting = true;
    try {
      const others = [...this.#sources].map((source) => this.#collectFrom(source));
      const own = this.#registry.collect();
      return others.length === 0 ? own : joinForScrape([own, ...others]);
    } finally {
      this.#isCollecting = false;
    }
  }

  /** All metrics in Prometheus text format, families together and sorted by name. Never throws. */
  writePrometheus(options: WriteOptions = {}): string {
    let families = this.collect();
    if (options.processMetrics) families = joinForScrape([families, collectProcessMetrics()]);
    return writeText(families, { metadata: options.metadata ?? false });
  }

  #collectFrom(source: FamilySource): readonly Family[] {
    const families: Family[] = [];
    try {
      const given = source.collect();
      if (source instanceof MetricSet) return given;
      // An async collect: what it promises comes too late, and must not end the process should it reject.
      if ((given as unknown) instanceof Promise) (given as unknown as Promise<unknown>).catch(() => {});
      for (const family of given) families.push(readFamily(family));
    } catch {
      this.#registry.countCallbackError();
    }
    return families;
  }

  #family<L extends string, M extends Metric, F extends SeriesFamily<L, M>>(
    name: string,
    kind: MetricKind,
    familyClass: new (...args: ConstructorParameters<typeof SeriesFamily<L, M>>) => F,
    options: GaugeFamilyOptions<L>,
    prepare: () => (labels: string, mishaps: Mishaps) => M,
  ): F {
    checkFamilyName(name);
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`metric ${name}: want options such as { help: "…" }, got ${typeof options}`);
    }
    const { aggregation, help, labelNames = [], unit } = options;
    if (typeof help !== "string") throw new TypeError(`metric ${name}: want a help text, got ${typeof help}`);
    const description = {
      help,
      ...(unit === undefined ? {} : { unit }),
      ...(aggregation === undefined ? {} : { aggregation }),
    };
    return this.#registry.getOrCreateFamily(name, kind, familyClass, labelNames, description, (mishaps) => {
      const make = prepare();
      return new familyClass(name, kind, options, mishaps, (labels) => make(labels, mishaps));
    });
  }

  #makeSummary(options: SummaryOptions): Make<Summary> {
    return (name, mishaps) => new Summary(name.labels, mishaps, this.#summarySettings(options, name.text));
  }

  #summarySettings(options: SummaryOptions, metric: string): SummarySettings {
    return { ...checkSummaryOptions(options, metric), nowMs: this.#nowMs, random: this.#random };
  }
}

type Make<M> = (name: MetricName, mishaps: Mishaps) => M;

const makeCounter: Make<Counter> = (name, mishaps) => new Counter(name.labels, mishaps);
const makeFloatCounter: Make<FloatCounter> = (name, mishaps) => new FloatCounter(name.labels, mishaps);
const makeHistogram: Make<Histogram> = (name, mishaps) => new Histogram(name.labels, mishaps);

function makeGauge(callback: (() => number) | undefined): Make<Gauge> {
  return (name, mishaps) => {
    if (callback !== undefined && typeof callback !== "function") {
      throw new TypeError(`gauge ${name.text}: want a callback that is a function, got ${typeof callback}`);
    }
    return new Gauge(name.labels, mishaps, callback ?? null);
  };
}

function makePrometheusHistogram(options: PrometheusHistogramOptions): Make<PrometheusHistogram> {
  return (name, mishaps) => {
    const bounds = checkBuckets(options.buckets ?? DEFAULT_BUCKETS, `histogram ${name.text}`);
    return new PrometheusHistogram(name.labels, mishaps, bounds);
  };
}
