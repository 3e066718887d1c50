/**
 * `nodejs_*`: what the runtime knows about itself, named as prom-client names it.
 *
 * Event-loop lag is how late a timer fires. perf_hooks measures the whole time between two firings of a timer; we take the
 * timer's period off, so an idle loop shows about 0 (prom-client leaves it in and shows 10 ms). The lag's window runs from
 * one writing to the next, at least a second: two scrapers a moment apart see the same window.
 */
import {
  constants,
  type IntervalHistogram,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
} from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import { writeSample } from "./exposition.ts";
import { Histogram } from "./histogram.ts";
import { formatMetricName, parseMetricName } from "./metric-name.ts";

const LAG_PERIOD_MS = 10;
const LAG_WINDOW_MIN_MS = 1000;
const PROBE_PERIOD_MS = 500;

const GC_KINDS: readonly (readonly [number, string])[] = [
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
];

export class NodejsStats {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: LAG_PERIOD_MS });
  readonly #gcDurations = new Map<number, Histogram>();
  #windowStartMs = performance.now();
  #windowLines: string[] = [];
  #probedLagMs = 0;

  constructor() {
    this.#delay.enable();
    this.#observeGc();
    this.#probeLag(performance.now());
  }

  write(lines: string[]): void {
    this.#writeLag(lines);
    for (const histogram of this.#gcDurations.values()) histogram.write(lines);
    const memory = process.memoryUsage();
    writeSample(lines, "nodejs_array_buffers_bytes", memory.arrayBuffers);
    writeSample(lines, "nodejs_external_memory_bytes", memory.external);
    writeSample(lines, "nodejs_heap_size_total_bytes", memory.heapTotal);
    writeSample(lines, "nodejs_heap_size_used_bytes", memory.heapUsed);
    writeHeapSpaces(lines);
    const [major = "", minor = "", patch = ""] = process.version.slice(1).split(".");
    const version = { version: process.version, major, minor, patch };
    writeSample(lines, formatMetricName("nodejs_version_info", Object.entries(version)), 1);
  }

  #writeLag(lines: string[]): void {
    const now = performance.now();
    if (now - this.#windowStartMs >= LAG_WINDOW_MIN_MS || this.#windowLines.length === 0) {
      this.#windowStartMs = now;
      this.#windowLines = this.#readWindow();
      this.#delay.reset();
    }
    writeSample(lines, "nodejs_eventloop_lag_seconds", this.#probedLagMs / 1000);
    lines.push(...this.#windowLines);
  }

  #readWindow(): string[] {
    const delay = this.#delay;
    const lines: string[] = [];
    // Before its timer has fired the histogram answers NaN, and 2^63 for the minimum.
    if (Number.isNaN(delay.mean)) return lines;
    const lag = (name: string, nanoseconds: number) =>
      writeSample(lines, `nodejs_eventloop_lag_${name}_seconds`, Math.max(0, nanoseconds - LAG_PERIOD_MS * 1e6) / 1e9);
    lag("min", delay.min);
    lag("max", delay.max);
    lag("mean", delay.mean);
    writeSample(lines, "nodejs_eventloop_lag_stddev_seconds", delay.stddev / 1e9);
    for (const percentile of [50, 90, 99]) lag(`p${percentile}`, delay.percentile(percentile));
    return lines;
  }

  /** The lag of this moment: how late a timer was, twice a second. */
  #probeLag(dueMs: number): void {
    const now = performance.now();
    this.#probedLagMs = Math.max(0, now - dueMs);
    setTimeout(() => this.#probeLag(now + PROBE_PERIOD_MS), PROBE_PERIOD_MS).unref();
  }

  #observeGc(): void {
    for (const [kind, label] of GC_KINDS) {
      this.#gcDurations.set(kind, new Histogram(parseMetricName(`nodejs_gc_duration_seconds{kind="${label}"}`)));
    }
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail;
        this.#gcDurations.get(kind)?.update(entry.duration / 1000);
      }
    }).observe({ entryTypes: ["gc"] });
  }
}

function writeHeapSpaces(lines: string[]): void {
  for (const space of getHeapSpaceStatistics()) {
    const label: [string, string] = ["space", space.space_name.replace(/_space$/, "")];
    writeSample(lines, formatMetricName("nodejs_heap_space_size_available_bytes", [label]), space.space_available_size);
    writeSample(lines, formatMetricName("nodejs_heap_space_size_total_bytes", [label]), space.space_size);
    writeSample(lines, formatMetricName("nodejs_heap_space_size_used_bytes", [label]), space.space_used_size);
  }
}
