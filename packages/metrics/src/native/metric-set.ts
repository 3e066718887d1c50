/**
 * A set of metrics: makes them by name, keeps them, writes them out as Prometheus text.
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
 */
import type { Family, Sample } from "../exposition/family.ts";
import { writeText } from "../exposition/text-format.ts";
import { collectProcessMetrics } from "../process/process-metrics.ts";
import { Counter } from "./counter.ts";
import { FloatCounter } from "./float-counter.ts";
import { Gauge } from "./gauge.ts";
import { Histogram } from "./histogram.ts";
import type { Metric } from "./metric.ts";
import { type MetricName, parseMetricName } from "./metric-name.ts";
import { Summary, type SummaryOptions } from "./summary.ts";

export interface MetricSetOptions {
  /** Monotonic clock, milliseconds. Summaries turn their windows by it. Default: performance.now. */
  readonly nowMs?: () => number;
  /** Uniform in [0, 1). Summaries pick their samples by it. Default: Math.random. */
  readonly random?: () => number;
}

export interface WriteOptions {
  /** Append the process's own metrics, `process_*` and `nodejs_*`. Default: false. */
  readonly processMetrics?: boolean;
  /** Write `# HELP` and `# TYPE` lines before each family. Default: false, as VictoriaMetrics does. */
  readonly metadata?: boolean;
}

/** Counts callbacks that threw or returned no number; written by a set in which that has happened. */
const CALLBACK_ERRORS_NAME = "metrics_callback_errors_total";

export class MetricSet {
  /** By canonical name: labels sorted, one spelling. */
  readonly #metrics = new Map<string, Metric>();
  /** By each spelling a caller has used, so that asking again does not parse again. */
  readonly #spellings = new Map<string, Metric>();
  /** In the order of writing; null when a metric came or went. */
  #sorted: Metric[] | null = null;
  #callbackErrors = 0;
  readonly #nowMs: () => number;
  readonly #random: () => number;

  constructor(options: MetricSetOptions = {}) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  /**
   * The counter of that name, made if there is none. Counts whole things.
   * @throws MetricNameError if the name is malformed; TypeError if it belongs to a metric of another kind.
   */
  getOrCreateCounter(name: string): Counter {
    return this.#getOrCreate(name, Counter, (parsed) => new Counter(parsed));
  }

  /**
   * The counter of fractions (seconds, money) of that name, made if there is none.
   * @throws like {@link getOrCreateCounter}
   */
  getOrCreateFloatCounter(name: string): FloatCounter {
    return this.#getOrCreate(name, FloatCounter, (parsed) => new FloatCounter(parsed));
  }

  /**
   * The gauge of that name, made if there is none. With `callback` its value is asked for at each writing; a callback
   * that throws or returns no number leaves its line out and is counted, nothing else. The first one given stays.
   * @throws like {@link getOrCreateCounter}
   */
  getOrCreateGauge(name: string, callback?: () => number): Gauge {
    return this.#getOrCreate(name, Gauge, (parsed) => new Gauge(parsed, callback ?? null));
  }

  /**
   * The histogram with `vmrange` buckets of that name, made if there is none.
   * @throws like {@link getOrCreateCounter}; a label `vmrange` is refused too
   */
  getOrCreateHistogram(name: string): Histogram {
    return this.#getOrCreate(name, Histogram, (parsed) => new Histogram(parsed));
  }

  /**
   * The summary of that name, made if there is none; then `options` hold.
   * @throws like {@link getOrCreateCounter}; a label `quantile` is refused too; RangeError if an option makes no sense
   */
  getOrCreateSummary(name: string, options: SummaryOptions = {}): Summary {
    return this.#getOrCreate(name, Summary, (parsed) => new Summary(parsed, options, this.#nowMs, this.#random));
  }

  /** Forgets a metric. What still holds it may go on updating it, unseen. True if there was one. */
  unregister(name: string): boolean {
    const metric = this.#spellings.get(name) ?? this.#metrics.get(parseMetricName(name).text);
    if (metric === undefined) return false;
    this.#metrics.delete(metric.name.text);
    for (const [spelling, owner] of this.#spellings) {
      if (owner === metric) this.#spellings.delete(spelling);
    }
    this.#sorted = null;
    return true;
  }

  /** Canonical names of all metrics, in the order of writing. */
  listMetricNames(): string[] {
    return this.#inOrder().map((metric) => metric.name.text);
  }

  /** All metrics as families, sorted by name. Never throws. */
  collect(): Family[] {
    const families: Family[] = [];
    let samples: Sample[] = [];
    let name = "";
    for (const metric of this.#inOrder()) {
      if (metric.name.family !== name) {
        name = metric.name.family;
        samples = [];
        families.push({ name, type: metric.type, help: "", unit: "", aggregation: "sum", samples });
      }
      if (!metric.collect(samples)) this.#callbackErrors++;
    }
    if (this.#callbackErrors > 0) {
      samples = [{ suffix: "", labels: "", value: this.#callbackErrors }];
      const help = "Callbacks of gauges that threw or returned no number.";
      families.push({ name: CALLBACK_ERRORS_NAME, type: "counter", help, unit: "", aggregation: "sum", samples });
    }
    return families;
  }

  /** All metrics in Prometheus text format, families together and sorted by name. Never throws. */
  writePrometheus(options: WriteOptions = {}): string {
    const families = this.collect();
    if (options.processMetrics) families.push(...collectProcessMetrics());
    return writeText(families, { metadata: options.metadata ?? false });
  }

  #getOrCreate<M extends Metric>(
    spelling: string,
    kind: new (...args: never[]) => M,
    create: (name: MetricName) => M,
  ): M {
    let metric = this.#spellings.get(spelling);
    if (metric === undefined) {
      const name = parseMetricName(spelling);
      metric = this.#metrics.get(name.text);
      if (metric === undefined) {
        metric = create(name);
        this.#metrics.set(name.text, metric);
        this.#sorted = null;
      }
      if (metric instanceof kind) this.#spellings.set(spelling, metric);
    }
    if (metric instanceof kind) return metric;
    throw new TypeError(
      `metric ${metric.name.text}: want a ${kind.name}, but the name already belongs to a ${metric.constructor.name}`,
    );
  }

  #inOrder(): Metric[] {
    // By family first: sorted by the whole text, `a_b` would come between `a` and `a{…}`.
    this.#sorted ??= [...this.#metrics.values()].sort(
      (a, b) => compareText(a.name.family, b.name.family) || compareText(a.name.text, b.name.text),
    );
    return this.#sorted;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
