/**
 * Two hours of samples for random PromQL, around midnight of a leap day: counters with resets, gauges with gaps and staleness
 * markers, classic histograms, NaN and infinities, metrics with label sets in common. The same at every run.
 *
 * No sample lies at a whole second, and none at the fractions that queries ask for: windows of Prometheus 2.42 have their left edge,
 * those of Prometheus 3 do not, and this is about everything else.
 */
import { type Dice, diceOf } from "./random-queries.ts";
import type { SentSeries } from "./remote-write.ts";

/** 2024-02-28T22:30:00Z, seconds. */
export const DATA_START = 1_709_159_400;
const SECONDS = 7200;

/** A value for each scrape: null is no sample, "stale" the marker of a series' end. */
type Scrape = number | null | "stale";
type Values = (i: number) => Scrape;

export interface Metric {
  readonly name: string;
  readonly series: readonly (readonly (readonly [label: string, value: string])[])[];
}

const WEB = ["web-1:8080", "web-2:8080", "web-10:8080"];
const DB = ["db-1:9090", "db-2:9090"];
/** The fraction of a second, and where in the interval, a target is scraped. */
const PHASES: ReadonlyMap<string, number> = new Map([...WEB, ...DB].map((instance, i) => [instance, 1234 + 611 * i]));

export const BOUNDS: readonly string[] = ["0.1", "0.5", "1", "2.5", "+Inf"];

class DataSet {
  readonly sent: SentSeries[] = [];
  readonly #metrics = new Map<string, (readonly (readonly [string, string])[])[]>();

  get metrics(): Metric[] {
    return [...this.#metrics].map(([name, series]) => ({ name, series }));
  }

  /** One series, scraped every `seconds`. */
  add(name: string, labels: Readonly<Record<string, string>>, values: Values, seconds = 15): void {
    const phaseMs = PHASES.get(labels["instance"] ?? "") ?? 777;
    this.addAt(name, labels, values, (i) => (i * seconds < SECONDS ? i * seconds * 1000 + phaseMs : null));
  }

  /** `timeMs` counts from the start and rises; null ends the series. */
  addAt(name: string, labels: Readonly<Record<string, string>>, values: Values, timeMs: (i: number) => number | null) {
    const timestamps: number[] = [];
    const column: number[] = [];
    const markers: number[] = [];
    for (let i = 0, ms = timeMs(0); ms !== null && ms < SECONDS * 1000; ms = timeMs(++i)) {
      const value = values(i);
      if (value === null) continue;
      if (value === "stale") markers.push(column.length);
      timestamps.push(DATA_START * 1000 + ms);
      column.push(value === "stale" ? 0 : value);
    }
    const bits = Float64Array.from(column);
    const words = new BigUint64Array(bits.buffer);
    for (const at of markers) words[at] = 0x7ff0000000000002n;
    const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
    this.sent.push({ labels: [["__name__", name], ...entries], timestamps, values: bits });
    this.#metrics.set(name, [...(this.#metrics.get(name) ?? []), entries]);
  }
}

/** Grows by up to `most` a scrape, and starts again from 0 once in a hundred scrapes. */
function counter(dice: Dice, most: number, digits = 0): Values {
  let value = dice(100 * most);
  const unit = 10 ** -digits;
  return () => {
    value = dice(100) === 0 ? 0 : value + dice(most);
    return Number((value * unit).toFixed(digits));
  };
}

/** Between `low` and `high`, in steps. */
function walk(dice: Dice, low: number, high: number, digits = 2): Values {
  let value = low + (high - low) / 2;
  return () => {
    value += ((dice(2001) - 1000) / 10_000) * (high - low);
    value = Math.min(high, Math.max(low, value));
    return Number(value.toFixed(digits));
  };
}

/** `mark` is less than the last digit of the values: so no two series with other marks have equal values, and what is largest is one. */
function marked(values: Values, mark: number): Values {
  return (i) => {
    const value = values(i);
    return typeof value === "number" ? Number((value + mark).toFixed(6)) : value;
  };
}

function oneOf(dice: Dice, choices: readonly number[]): Values {
  return () => choices[dice(choices.length)] as number;
}

function makeDataSet(): DataSet {
  const data = new DataSet();
  const dice = diceOf(242);
  let memoryMark = 0;
  for (const instance of [...WEB, ...DB]) {
    const job = instance.startsWith("web") ? "web" : "db";
    data.add("up", { job, instance }, () => (dice(12) === 0 ? 0 : 1));
    data.add("load", { job, instance }, walk(dice, 0, 6));
    data.add("started_seconds", { job, instance }, () => 1_600_000_000 + 86_400 * 37 * (PHASES.get(instance) ?? 0), 60);
    data.add("capacity", { job, instance, unit: "rps" }, () => 100 + (PHASES.get(instance) ?? 0) / 8, 30);
    for (const kind of ["free", "used"]) {
      data.add("memory_bytes", { job, instance, kind }, marked(walk(dice, 1e9, 9e9, 0), memoryMark), 30);
      memoryMark += 0.01;
    }
    const version = `1.${instance.length}.${dice(12)}`;
    data.add("target_info", { job, instance, version, env: job === "web" ? "prod" : "test" }, () => 1, 60);
  }
  for (const instance of WEB) {
    for (const method of ["GET", "POST"]) {
      for (const code of ["200", "500"]) {
        data.add("requests_total", { job: "web", instance, method, code }, counter(dice, code === "200" ? 40 : 4));
      }
    }
    data.add("busy_seconds_total", { job: "web", instance }, counter(dice, 1500, 2));
    addHistogram(data, dice, { job: "web", instance });
  }
  for (const instance of DB) data.add("bytes_total", { job: "db", instance, device: "sda" }, counter(dice, 5_000_000));

  for (const [room, floor] of [
    ["hall", "0"],
    ["lab", "1"],
    ["roof", "2"],
    ["cellar", "-1"],
  ] as const) {
    const values = marked(walk(dice, -20, 30, 1), Number(floor) / 100);
    // The cellar is out of reach for ten minutes out of forty.
    data.add("temperature", { room, floor }, (i) => {
      const value = values(i);
      return room === "cellar" && i % 160 > 120 ? null : value;
    });
  }
  for (const [k, angle] of ["a", "b", "c"].entries()) {
    data.add("unit", { angle }, marked(walk(dice, -0.999, 0.999, 3), k / 10_000), 20);
  }
  for (const site of ["x", "y", "z"]) data.add("status", { site }, oneOf(dice, [200, 301, 404, 500]), 20);
  for (const calendar of ["past", "present", "future"]) {
    const step = { past: -86_400 * 400, present: 86_400 * 11, future: 86_400 * 9000 }[calendar] as number;
    data.add("event_seconds", { calendar }, (i) => 1_709_164_800 + step * (i % 17) + dice(86_400), 60);
  }

  const nan = [1, Number.NaN, 3, Number.NaN, 2];
  const infinite = [1, Number.POSITIVE_INFINITY, -2, 4];
  data.add("odd", { case: "nan" }, oneOf(dice, nan), 30);
  data.add("odd", { case: "inf" }, oneOf(dice, infinite), 30);
  data.add("odd", { case: "only nan" }, () => Number.NaN, 30);
  data.add("odd", { case: "only inf" }, () => Number.NEGATIVE_INFINITY, 30);
  data.add("odd", { case: "finite" }, (i) => (i % 7) - 3, 30);

  // No series to be proud of: bounds below zero, counts that fall from one bound to the next, no last bound, a bound that is none.
  for (const [kind, bounds] of Object.entries({
    negative: ["-2", "-1", "0", "+Inf"],
    falling: ["1", "2", "4", "+Inf"],
    open: ["1", "2"],
    single: ["+Inf"],
    unreadable: ["1", "much", "+Inf"],
  })) {
    for (const [k, le] of bounds.entries()) {
      const value = (i: number): number => (kind === "falling" ? 20 + ((i * 7 + k * 5) % 11) : (k + 1) * i);
      data.add("odd_bucket", { kind, le }, value, 30);
    }
  }

  data.add("heartbeat", {}, (i) => i);
  data.add("slow", { job: "edge" }, walk(dice, 0, 9), 170);
  data.add("flapping", { job: "edge", instance: "e-1" }, (i) => (i % 20 < 13 ? i % 5 : i % 20 === 13 ? "stale" : null));
  data.add("flapping", { job: "edge", instance: "e-2" }, (i) => (i % 50 < 20 ? i : null));
  data.add("short_lived", { job: "batch" }, (i) => (i < 200 ? 42 : i === 200 ? "stale" : null));
  data.add("late_total", { job: "batch" }, (i) => (i > 260 ? (i - 260) * 7 : null));
  let ms = 777;
  data.addAt("irregular_total", { job: "edge" }, counter(dice, 30), () => {
    ms += 1000 * (3 + dice(60));
    return ms;
  });
  return data;
}

/** Cumulative over bounds, with a reset of the whole now and then. */
function addHistogram(data: DataSet, dice: Dice, labels: Readonly<Record<string, string>>): void {
  const scrapes = SECONDS / 15;
  const columns = BOUNDS.map(() => new Float64Array(scrapes));
  const sums = new Float64Array(scrapes);
  const counts = BOUNDS.map(() => 0);
  let sum = 0;
  for (let i = 0; i < scrapes; i++) {
    if (dice(150) === 0) {
      counts.fill(0);
      sum = 0;
    }
    for (let k = 0; k < BOUNDS.length; k++) {
      const seen = dice([4, 12, 9, 5, 2][k] as number);
      sum += seen * ([0.05, 0.25, 0.75, 1.5, 4] as const)[k as 0];
      for (let wider = k; wider < BOUNDS.length; wider++) (counts[wider] as number) += seen;
    }
    for (let k = 0; k < BOUNDS.length; k++) (columns[k] as Float64Array)[i] = counts[k] as number;
    sums[i] = Number(sum.toFixed(2));
  }
  for (const [k, le] of BOUNDS.entries()) {
    data.add("latency_seconds_bucket", { ...labels, le }, (i) => (columns[k] as Float64Array)[i] as number);
  }
  data.add("latency_seconds_count", labels, (i) => (columns[BOUNDS.length - 1] as Float64Array)[i] as number);
  data.add("latency_seconds_sum", labels, (i) => sums[i] as number);
}

const DATA_SET = makeDataSet();

export const METRICS: readonly Metric[] = DATA_SET.metrics;

/** The samples in order of time, as a head block of Prometheus wants them: a list of series for each ten minutes. */
export function sentSlices(): SentSeries[][] {
  const slices: SentSeries[][] = [];
  for (let from = 0; from < SECONDS; from += 600) {
    const [lo, hi] = [from, from + 600].map((seconds) => (DATA_START + seconds) * 1000) as [number, number];
    const slice: SentSeries[] = [];
    for (const { labels, timestamps, values } of DATA_SET.sent) {
      const times = timestamps as number[];
      const first = times.findIndex((ms) => ms >= lo);
      if (first < 0) continue;
      const after = times.findIndex((ms) => ms >= hi);
      const end = after < 0 ? times.length : after;
      if (first < end) slice.push({ labels, timestamps: times.slice(first, end), values: values.slice(first, end) });
    }
    slices.push(slice);
  }
  return slices;
}
