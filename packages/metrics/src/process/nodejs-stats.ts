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
import type { Sample } from "../exposition/family.ts";
import { appendLabel, formatLabel, formatLabels } from "../exposition/labels.ts";
import { collectActiveResources } from "./active-resources.ts";
import type { FamilyList } from "./family-list.ts";

const LAG_PERIOD_MS = 10;
const LAG_WINDOW_MIN_MS = 1000;
const PROBE_PERIOD_MS = 500;
/** Upper bounds in seconds, as prom-client has them. */
const GC_BOUNDS: readonly number[] = [0.001, 0.01, 0.1, 1, 2, 5];

const GC_KINDS: readonly (readonly [number, string])[] = [
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
];

type LagPart = readonly [part: string, title: string, seconds: number];

export class NodejsStats {
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: LAG_PERIOD_MS });
  readonly #gcDurations = new Map<number, GcDurations>();
  #windowStartMs = performance.now();
  #window: readonly LagPart[] = [];
  #probedLagMs = 0;

  constructor() {
    this.#delay.enable();
    this.#observeGc();
    this.#probeLag(performance.now());
  }

  collect(list: FamilyList): void {
    this.#collectLag(list);
    const gcSamples = [...this.#gcDurations.values()].flatMap((durations) => durations.samples());
    const gcHelp = "Time spent in garbage collection, by kind: major, minor, incremental or weakcb.";
    list.addFamily("nodejs_gc_duration_seconds", "histogram", gcHelp, gcSamples);
    collectActiveResources(list);
    addMemory(list);
    collectHeapSpaces(list);
    const [major = "", minor = "", patch = ""] = process.version.slice(1).split(".");
    const labels = formatLabels(Object.entries({ version: process.version, major, minor, patch }));
    list.addFamily(
      "nodejs_version_info",
      "gauge",
      "Version of Node.js, as labels; the value is 1.",
      [{ suffix: "", labels, value: 1 }],
      "max",
    );
  }

  #collectLag(list: FamilyList): void {
    const now = performance.now();
    if (now - this.#windowStartMs >= LAG_WINDOW_MIN_MS || this.#window.length === 0) {
      const window = this.#readWindow();
      // A reset before the first measurement would put that off, and for ever if it came often enough.
      if (window.length > 0) {
        this.#windowStartMs = now;
        this.#window = window;
        this.#delay.reset();
      }
    }
    const seconds = this.#probedLagMs / 1000;
    list.add(
      "nodejs_eventloop_lag_seconds",
      "gauge",
      "How late a timer fired, measured twice a second.",
      seconds,
      "max",
    );
    for (const [part, title, value] of this.#window) {
      const help = `${title} lateness of timers since the scrape before.`;
      list.add(`nodejs_eventloop_lag_${part}_seconds`, "gauge", help, value, "max");
    }
  }

  #readWindow(): LagPart[] {
    const delay = this.#delay;
    // Before its timer has fired the histogram answers NaN, and 2^63 for the minimum.
    if (Number.isNaN(delay.mean)) return [];
    const lag = (nanoseconds: number) => Math.max(0, nanoseconds - LAG_PERIOD_MS * 1e6) / 1e9;
    return [
      ["min", "Smallest", lag(delay.min)],
      ["max", "Largest", lag(delay.max)],
      ["mean", "Mean", lag(delay.mean)],
      ["stddev", "Standard deviation of the", delay.stddev / 1e9],
      ["p50", "Median", lag(delay.percentile(50))],
      ["p90", "The 90th percentile of the", lag(delay.percentile(90))],
      ["p99", "The 99th percentile of the", lag(delay.percentile(99))],
    ];
  }

  /** The lag of this moment: how late a timer was, twice a second. */
  #probeLag(dueMs: number): void {
    const now = performance.now();
    this.#probedLagMs = Math.max(0, now - dueMs);
    setTimeout(() => this.#probeLag(now + PROBE_PERIOD_MS), PROBE_PERIOD_MS).unref();
  }

  #observeGc(): void {
    for (const [kind, label] of GC_KINDS) this.#gcDurations.set(kind, new GcDurations(label));
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as PerformanceEntry & { readonly detail: { readonly kind: number } }).detail;
        this.#gcDurations.get(kind)?.add(entry.duration / 1000);
      }
    }).observe({ entryTypes: ["gc"] });
  }
}

class GcDurations {
  readonly #labels: string;
  readonly #counts = new Float64Array(GC_BOUNDS.length + 1);
  #sum = 0;

  constructor(kind: string) {
    this.#labels = formatLabel("kind", kind);
  }

  add(seconds: number): void {
    const slot = GC_BOUNDS.findIndex((bound) => seconds <= bound);
    this.#counts[slot < 0 ? GC_BOUNDS.length : slot]++;
    this.#sum += seconds;
  }

  samples(): Sample[] {
    let count = 0;
    const samples: Sample[] = [...GC_BOUNDS, "+Inf"].map((bound, slot) => {
      count += this.#counts[slot] as number;
      return { suffix: "_bucket", labels: appendLabel(this.#labels, `le="${bound}"`), value: count };
    });
    samples.push({ suffix: "_sum", labels: this.#labels, value: this.#sum });
    samples.push({ suffix: "_count", labels: this.#labels, value: count });
    return samples;
  }
}

function addMemory(list: FamilyList): void {
  let memory: NodeJS.MemoryUsage;
  try {
    memory = process.memoryUsage();
  } catch {
    // Out of descriptors: it reads /proc.
    return;
  }
  list.add("nodejs_array_buffers_bytes", "gauge", "Memory of ArrayBuffers and Buffers.", memory.arrayBuffers);
  list.add("nodejs_external_memory_bytes", "gauge", "Memory of C++ objects bound to JavaScript's.", memory.external);
  list.add("nodejs_heap_size_total_bytes", "gauge", "Size of V8's heap.", memory.heapTotal);
  list.add("nodejs_heap_size_used_bytes", "gauge", "Part of V8's heap that is in use.", memory.heapUsed);
}

function collectHeapSpaces(list: FamilyList): void {
  const spaces = getHeapSpaceStatistics();
  const samples = (read: (space: (typeof spaces)[number]) => number): Sample[] =>
    spaces.map((space) => ({
      suffix: "",
      labels: formatLabel("space", space.space_name.replace(/_space$/, "")),
      value: read(space),
    }));
  const available = samples((space) => space.space_available_size);
  list.addFamily("nodejs_heap_space_size_available_bytes", "gauge", "Room left in V8's heap, by space.", available);
  const total = samples((space) => space.space_size);
  list.addFamily("nodejs_heap_space_size_total_bytes", "gauge", "Size of V8's heap, by space.", total);
  const used = samples((space) => space.space_used_size);
  list.addFamily("nodejs_heap_space_size_used_bytes", "gauge", "Part of V8's heap that is in use, by space.", used);
}
