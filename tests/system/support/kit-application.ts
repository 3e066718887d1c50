/**
 * An application that measures one of everything with `@nyanza/metrics`, in a process of its own, and what must be found of it where
 * its metrics went. It imports the package by name, so it runs from any folder that has it installed.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nyanzaProgram } from "./nyanza.ts";
import { type RunningProcess, startProcess } from "./process.ts";
import { type PromSeries, queryInstant } from "./query.ts";
import type { Scope } from "./scope.ts";

/** Takes `startMetrics`' options from KIT_OPTIONS; prints where it is scraped; SIGUSR2 pushes, SIGTERM shuts down. */
const source = `
import { startMetrics } from "@nyanza/metrics/otel";
import * as native from "@nyanza/metrics";

const kit = await startMetrics({
  serviceName: "boathouse",
  views: [
    { instrumentName: "trip_seconds", aggregation: { type: 4, options: { boundaries: [1, 5, 10] } } },
    { instrumentName: "oar_length", aggregation: { type: 5 } },
  ],
  shutdownOnSignal: true,
  onError: (error) => console.log("reported:", error.message),
  ...JSON.parse(process.env.KIT_OPTIONS),
});
const meter = kit.getMeter("lake", "1.2.3");
const trips = meter.createCounter("trips", { description: "Trips so far." });
trips.add(40, { boat: "ferry", "crew.size": 3 });
trips.add(2.5, { boat: "ferry", "crew.size": 3 });
trips.add(7, { boat: 'ca"n\\noe' });
const aboard = meter.createUpDownCounter("aboard", { description: "People on the lake." });
aboard.add(12);
aboard.add(-15);
meter.createGauge("depth.metres", { description: "How deep it is." }).record(82.125, { place: "middle" });
const seconds = meter.createHistogram("trip_seconds", { description: "How long trips take.", unit: "s" });
for (const value of [0.5, 3, 4, 7, 100]) seconds.record(value, { boat: "ferry" });
const lengths = meter.createHistogram("oar_length", { description: "How long oars are." });
for (const value of [0, 1.5, 1.5, 3]) lengths.record(value);
const observe = (kind, name, value) =>
  meter["createObservable" + kind](name, { description: "Observed." }).addCallback((result) => result.observe(value));
observe("Gauge", "water_celsius", 24.5);
observe("Counter", "waves", 1e15);
observe("UpDownCounter", "queue", -2);
meter.createObservableGauge("broken", { description: "Throws." }).addCallback(() => {
  throw new Error("as it should");
});

const described = (name) => {
  native.describe(name, { help: "A native metric." });
  return name;
};
native.getOrCreateCounter(described("native_orders_total") + '{kind="book"}').add(5);
native.getOrCreateFloatCounter(described("native_paid_total")).add(12.25);
native.getOrCreateGauge(described("native_level")).set(-1.5);
const ranges = native.getOrCreateHistogram(described("native_sizes"));
for (const value of [1, 1, 50]) ranges.update(value);
const bounds = native.getOrCreatePrometheusHistogram(described("native_waits"), { buckets: [1, 10] });
for (const value of [0.5, 5, 50]) bounds.update(value);
const summary = native.getOrCreateSummary(described("native_ages"), { quantiles: [0.5] });
for (const value of [1, 2, 3]) summary.update(value);

process.on("SIGUSR2", () => void kit.flush().then(() => console.log("flushed")));
setInterval(() => {}, 1000);
console.log("ready", kit.url);
`;

/** `startMetrics`' options that JSON can carry. */
export interface KitApplicationOptions {
  readonly prometheus: object | boolean;
  readonly otlp: object | boolean;
}

export interface KitApplication {
  /** Where to scrape; "null" if nowhere. */
  readonly url: string;
  readonly process: RunningProcess;
  /** Pushes, and waits until that has come to an end. */
  flush(): Promise<void>;
}

/** `folder` has the package installed; `node` is the program that runs it, by default the one that runs this. */
export async function startKitApplication(
  scope: Scope,
  folder: string,
  options: KitApplicationOptions,
  node: string = process.execPath,
): Promise<KitApplication> {
  const file = join(folder, "application.mjs");
  writeFileSync(file, source);
  const running = await startProcess(scope, {
    command: node,
    args: [file],
    env: { KIT_OPTIONS: JSON.stringify(options) },
  });
  const printed = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (let i = 0; i < 400; i++) {
      const match = pattern.exec(running.output);
      if (match !== null) return match;
      assert.ok(running.isRunning, running.output);
      await sleep(25);
    }
    throw new Error(`the application never said ${pattern}\n${running.output}`);
  };
  const [, url] = await printed(/^ready (.*)$/m);
  return {
    url: url as string,
    process: running,
    flush: async () => {
      running.signal("SIGUSR2");
      await printed(/^flushed$/m);
    },
  };
}

/** What the way a metric went makes of it. */
export interface Arrival {
  /** A scrape ends the names of monotonic sums with `_total` and cleans names; a push leaves them. */
  readonly isScraped: boolean;
}

/** Asks `url` until everything the application measured is there, for at most 20 s; then each value must be right. */
export async function checkArrival(url: string, { isScraped }: Arrival): Promise<void> {
  const deadline = performance.now() + 20_000;
  let all: readonly PromSeries[] = [];
  const named = (name: string): boolean => all.some(({ metric }) => metric["__name__"] === name);
  do {
    await sleep(100);
    all = await queryInstant(url, '{__name__!=""}', Date.now() / 1000);
  } while (!(named("native_ages_count") && named("queue")) && performance.now() < deadline);

  const number = (metric: string, labels: Record<string, string> = {}): number => {
    const found = all.filter(
      (series) =>
        series.metric["__name__"] === metric &&
        // OpenMetrics writes le="1.0" for what is le="1" elsewhere.
        Object.entries(labels).every(
          ([k, v]) => series.metric[k] === v || (k === "le" && series.metric[k] === `${v}.0`),
        ),
    );
    const names = [...new Set(all.map((series) => series.metric["__name__"]))].join(" ");
    assert.equal(found.length, 1, `${metric} ${JSON.stringify(labels)} among ${names}`);
    return Number(found[0]?.value?.[1]);
  };
  const total = isScraped ? "_total" : "";
  assert.equal(number(`trips${total}`, { boat: "ferry", [isScraped ? "crew_size" : "crew.size"]: "3" }), 42.5);
  assert.equal(number(`trips${total}`, { boat: 'ca"n\noe' }), 7);
  assert.equal(number("aboard"), -3);
  assert.equal(number(isScraped ? "depth_metres" : "depth.metres", { place: "middle" }), 82.125);
  assert.equal(number("water_celsius"), 24.5);
  assert.equal(number(`waves${total}`), 1e15);
  assert.equal(number("queue"), -2);
  assert.equal(number("trip_seconds_sum", { boat: "ferry" }), 114.5);
  assert.equal(number("trip_seconds_count"), 5);
  const buckets = [
    ["1", 1],
    ["5", 3],
    ["10", 4],
    ["+Inf", 5],
  ] as const;
  for (const [le, count] of buckets) assert.equal(number("trip_seconds_bucket", { le }), count, `le=${le}`);
  assert.equal(number("oar_length_sum"), 6);
  assert.equal(number("oar_length_count"), 4);

  assert.equal(number("native_orders_total", { kind: "book" }), 5);
  assert.equal(number("native_paid_total"), 12.25);
  assert.equal(number("native_level"), -1.5);
  assert.equal(number("native_sizes_sum"), 52);
  assert.equal(number("native_sizes_count"), 3);
  const ranges = all.filter(({ metric }) => metric["__name__"] === "native_sizes_bucket");
  assert.deepEqual(ranges.map(({ value }) => Number(value?.[1])).sort(), [1, 2]);
  assert.ok(ranges.every(({ metric }) => metric["vmrange"]?.includes("...")));
  assert.equal(number("native_waits_bucket", { le: "10" }), 2);
  assert.equal(number("native_waits_bucket", { le: "+Inf" }), 3);
  assert.equal(number("native_waits_sum"), 55.5);
  assert.equal(number("native_ages", { quantile: "0.5" }), 2);
  assert.equal(number("native_ages_sum"), 6);
  assert.equal(number("native_ages_count"), 3);

  assert.ok(number("process_resident_memory_bytes") > 1e6);
  assert.ok(number("metrics_otel_callback_errors_total") >= 0);
  const boat = all.find(({ metric }) => metric["__name__"] === `trips${total}`)?.metric ?? {};
  if (isScraped) {
    assert.equal(number("target_info", { service_name: "boathouse", deployment_environment_name: "production" }), 1);
  } else {
    assert.equal(boat["service.name"], "boathouse");
    assert.match(boat["service.instance.id"] ?? "", /^[0-9a-f-]{36}$/);
  }
  const median = await queryInstant(url, "histogram_quantile(0.5, oar_length_bucket)", Date.now() / 1000);
  const value = Number(median[0]?.value?.[1]);
  assert.ok(value > 1 && value < 1.6, `median of oar_length: ${value}`);
}

/** A folder that has the package: that of the server, in this repository. */
export const repositoryFolder: string = join(nyanzaProgram, "../../../..", "tests/dist");
