/**
 * The typed families, one a kind of metric. Each has the updates of its metric with the labels behind them, and
 * {@link SeriesFamily.with} for handles that need no look-up. An update never throws.
 */
import type { Counter } from "./counter.ts";
import type { FloatCounter } from "./float-counter.ts";
import type { Gauge } from "./gauge.ts";
import type { Histogram } from "./histogram.ts";
import type { PrometheusHistogram } from "./prometheus-histogram.ts";
import { type Labels, SeriesFamily } from "./series-family.ts";
import type { Summary } from "./summary.ts";

/** Counters of whole things. */
export class CounterFamily<L extends string> extends SeriesFamily<L, Counter> {
  inc(labels?: Labels<L>): void {
    this.with(labels).inc();
  }

  /** Ignored and counted unless `delta` is a whole number, 0 or more. */
  add(delta: number, labels?: Labels<L>): void {
    this.with(labels).add(delta);
  }
}

/** Counters of fractions: seconds, money. */
export class FloatCounterFamily<L extends string> extends SeriesFamily<L, FloatCounter> {
  inc(labels?: Labels<L>): void {
    this.with(labels).inc();
  }

  /** Ignored and counted unless `delta` is a finite number, 0 or more. */
  add(delta: number, labels?: Labels<L>): void {
    this.with(labels).add(delta);
  }
}

/** Values that go up and down. */
export class GaugeFamily<L extends string> extends SeriesFamily<L, Gauge> {
  set(value: number, labels?: Labels<L>): void {
    this.with(labels).set(value);
  }

  inc(labels?: Labels<L>): void {
    this.with(labels).inc();
  }

  dec(labels?: Labels<L>): void {
    this.with(labels).dec();
  }

  add(delta: number, labels?: Labels<L>): void {
    this.with(labels).add(delta);
  }

  /**
   * From now on `callback` tells the value of these labels whenever it is written; {@link remove} ends that.
   *
   *     const stock = set.gauge("inventory_items", { help: "Items in stock.", labelNames: ["product"] });
   *     stock.watch(() => warehouse.count("book"), { product: "book" });
   */
  watch(callback: () => number, labels?: Labels<L>): void {
    this.with(labels).setCallback(callback);
  }
}

/** Histograms with `vmrange` buckets, which nobody has to choose. */
export class HistogramFamily<L extends string> extends SeriesFamily<L, Histogram> {
  update(value: number, labels?: Labels<L>): void {
    this.with(labels).update(value);
  }

  /** Counts the seconds since `startMs`, a reading of performance.now(). */
  updateDuration(startMs: number, labels?: Labels<L>): void {
    this.with(labels).updateDuration(startMs);
  }
}

/** Histograms with `le` buckets. */
export class PrometheusHistogramFamily<L extends string> extends SeriesFamily<L, PrometheusHistogram> {
  update(value: number, labels?: Labels<L>): void {
    this.with(labels).update(value);
  }

  /** Counts the seconds since `startMs`, a reading of performance.now(). */
  updateDuration(startMs: number, labels?: Labels<L>): void {
    this.with(labels).updateDuration(startMs);
  }
}

/** Quantiles over the last minutes, computed in the process. */
export class SummaryFamily<L extends string> extends SeriesFamily<L, Summary> {
  update(value: number, labels?: Labels<L>): void {
    this.with(labels).update(value);
  }

  /** Counts the seconds since `startMs`, a reading of performance.now(). */
  updateDuration(startMs: number, labels?: Labels<L>): void {
    this.with(labels).updateDuration(startMs);
  }
}
