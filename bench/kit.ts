/**
 * `npm run bench -- kit`: what measuring costs the one who is measured. This package beside prom-client and the bare OpenTelemetry SDK, in one
 * process, in turns, on the same labels; about twenty seconds.
 *
 * A round gives every contestant of a table the same number of steps, and the best of the rounds counts: whatever else the machine does makes a
 * round slower, never faster. The median stands beside it. After the rounds each contestant is asked what it has counted.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  boundIncrements,
  type Contestant,
  histogramRecords,
  lookedUpIncrements,
  renderings,
} from "./kit-contestants.ts";
import { median } from "./measure.ts";

const SERIES = 10_000;

interface KitOptions {
  /** Rounds a contestant; the first is a warm-up and not counted. */
  readonly rounds: number;
  /** Steps a round; a rendering has one for every 40 000. */
  readonly steps: number;
}

/** Nanoseconds a step. */
interface Timing {
  readonly title: string;
  readonly best: number;
  readonly median: number;
}

/** @throws Error if an option is unknown or no whole number above 0 */
export function readKitOptions(args: readonly string[]): KitOptions {
  const options = { rounds: 8, steps: 400_000 };
  for (const arg of args) {
    const match = /^--(rounds|steps)=([1-9]\d{0,8})$/.exec(arg);
    if (match === null) throw new Error(`bench kit: want --rounds=N or --steps=N, got ${arg}`);
    options[match[1] as "rounds" | "steps"] = Number(match[2]);
  }
  return options;
}

/** Prints the tables and the goals; a goal that is missed makes the exit code 1. */
export async function runKit({ rounds, steps }: KitOptions): Promise<void> {
  console.log(
    `Node ${process.version}, prom-client ${versionOf("prom-client")}, OpenTelemetry SDK ${versionOf("@opentelemetry/sdk-metrics")}`,
  );
  console.log(`best of ${rounds} rounds of ${steps} steps, the median in brackets; 48 label sets in turn`);
  const counted = steps * (rounds + 1);
  const bound = await timeAll("a bound increment, ns", boundIncrements(), rounds, steps, counted);
  const lookedUp = await timeAll("an increment with three labels, ns", lookedUpIncrements(), rounds, steps, counted);
  await timeAll("a histogram record with three labels, ns", histogramRecords(), rounds, steps, counted);
  const scrapes = Math.ceil(steps / 40_000);
  const rendered = await timeAll(
    `a scrape of ${SERIES} series as bytes, ms`,
    renderings(SERIES),
    rounds,
    scrapes,
    SERIES,
    1e6,
  );

  const [handle, child] = bound as [Timing, Timing];
  const [, promLabels, , otelAdd] = lookedUp as [Timing, Timing, Timing, Timing];
  const [text, , promText] = rendered as [Timing, Timing, Timing];
  console.log("\ngoals");
  const goals = [
    goal("a bound increment takes under 30 ns", handle.best, handle.best < 30, " ns"),
    goal(
      "10× as fast as OpenTelemetry's add(1, {…})",
      otelAdd.best / handle.best,
      otelAdd.best >= 10 * handle.best,
      "×",
    ),
    goal(
      "3× as fast as prom-client's labels(a, b, c).inc()",
      promLabels.best / handle.best,
      promLabels.best >= 3 * handle.best,
      "×",
    ),
    goal("not slower than prom-client's bound child", child.best / handle.best, child.best >= handle.best, "×"),
    goal("text not slower than prom-client's", promText.best / text.best, promText.best >= text.best, "×"),
  ];
  if (goals.includes(false)) process.exitCode = 1;
}

/** @throws Error if a contestant has not counted `want` in the end: it did not do the work */
async function timeAll(
  title: string,
  contestants: readonly Contestant[],
  rounds: number,
  steps: number,
  want: number,
  unitNs = 1,
): Promise<Timing[]> {
  const times = contestants.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const start = performance.now();
      await contestant.run(steps);
      const nanoseconds = ((performance.now() - start) * 1e6) / steps;
      if (round > 0) times[i]?.push(nanoseconds);
    }
  }
  for (const contestant of contestants) {
    const got = await contestant.read();
    if (got !== want) throw new Error(`bench kit: ${contestant.title}: want ${want} counted, got ${got}`);
  }
  const timings = times.map((list, i) => ({
    title: (contestants[i] as Contestant).title,
    best: Math.min(...list),
    median: median(list),
  }));
  console.log(`\n${title}`);
  const first = timings[0] as Timing;
  for (const timing of timings) {
    const figures = `${format(timing.best / unitNs).padStart(8)} (${format(timing.median / unitNs)})`.padEnd(20);
    console.log(`  ${timing.title.padEnd(44)}${figures}${format(timing.best / first.best)}×`);
  }
  return timings;
}

function goal(title: string, figure: number, isReached: boolean, unit: string): boolean {
  console.log(`  ${isReached ? "reached" : "MISSED "}  ${title.padEnd(52)}${format(figure)}${unit}`);
  return isReached;
}

function format(figure: number): string {
  return figure.toFixed(figure < 10 ? 2 : figure < 100 ? 1 : 0);
}

function versionOf(name: string): string {
  // Not every package exports its package.json; all of them have one above their entry.
  const entry = createRequire(import.meta.url).resolve(name);
  const folder = entry.slice(0, entry.lastIndexOf(`/node_modules/${name}/`) + `/node_modules/${name}/`.length);
  return (JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as { version: string }).version;
}
