/**
 * What an aggregate over many series holds: 100,000 series of 100 points go into a few groups, in both dialects.
 *
 *   node packages/tsdb/dist/query/streaming.bench.js [--tiny]
 *
 * The source makes labels as it goes and hands out the same columns again and again, so nearly all memory is the evaluator's. Each query
 * runs in a process of its own; "held" is what its columns take on top of what was there before, at the most, as seen between batches.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Labels } from "../base/labels.ts";
import { Random } from "../base/random.ts";
import { evaluateRange } from "./eval.ts";
import { evaluatePromRange } from "./prom/eval.ts";
import type { Answer, SampleCursor, SeriesBatch, Source } from "./source.ts";

const STEP_MS = 15_000;
const START_MS = 1_704_067_200_000;
const POINTS = 100;
const SAMPLES = POINTS + 40;
const BATCH = 64;

/** Counters of five labels, of which the last tells them apart. */
class EndlessSource implements Source {
  /** Bytes of array buffers, at the most. */
  peakBytes = 0;
  readonly #seriesCount: number;
  readonly #timestamps = new Float64Array(BATCH * SAMPLES);
  readonly #values = new Float64Array(BATCH * SAMPLES);
  readonly #ends = new Uint32Array(BATCH);

  constructor(seriesCount: number) {
    this.#seriesCount = seriesCount;
    const random = new Random(7);
    for (let s = 0; s < BATCH; s++) {
      let value = random.below(1000);
      for (let i = 0; i < SAMPLES; i++) {
        value += random.below(100) / 8;
        this.#timestamps[s * SAMPLES + i] = START_MS + (i - 40) * STEP_MS;
        this.#values[s * SAMPLES + i] = value;
      }
      this.#ends[s] = (s + 1) * SAMPLES;
    }
  }

  async search(): Promise<SampleCursor> {
    let next = 0;
    return {
      seriesCount: this.#seriesCount,
      isPartial: false,
      next: async () => {
        // Asking takes as long as a batch does.
        if (next % (64 * BATCH) === 0) this.peakBytes = Math.max(this.peakBytes, process.memoryUsage().arrayBuffers);
        const count = Math.min(BATCH, this.#seriesCount - next);
        if (count <= 0) return null;
        next += count;
        return this.#batch(next - count, count);
      },
      close: () => {},
    };
  }

  #batch(from: number, count: number): SeriesBatch {
    const series = Array.from({ length: count }, (_, s) => {
      const n = from + s;
      return Labels.from([
        ["__name__", "requests_total"],
        ["instance", `host-${n % 1000}`],
        ["job", "web"],
        ["region", `region-${n % 10}`],
        ["shard", `${n}`],
      ]);
    });
    return { series, ends: this.#ends.subarray(0, count), timestamps: this.#timestamps, values: this.#values };
  }

  async series(): Promise<Answer<Labels>> {
    return { items: [], isPartial: false };
  }

  async labelNames(): Promise<Answer<string>> {
    return { items: [], isPartial: false };
  }

  async labelValues(): Promise<Answer<string>> {
    return { items: [], isPartial: false };
  }
}

async function measure(dialect: string, query: string, seriesCount: number, rounds: number): Promise<void> {
  const source = new EndlessSource(seriesCount);
  const beforeBytes = process.memoryUsage().arrayBuffers;
  const evaluate = dialect === "promql" ? evaluatePromRange : evaluateRange;
  const cpuMs: number[] = [];
  let checksum = 0;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    const { series } = await evaluate(query, {
      source,
      nowMs: START_MS,
      startMs: START_MS,
      endMs: START_MS + (POINTS - 1) * STEP_MS,
      stepMs: STEP_MS,
    });
    const used = process.cpuUsage(before);
    cpuMs.push((used.user + used.system) / 1000);
    checksum = series.reduce((sum, { values }) => sum + (values.at(-1) as number), 0);
  }
  const heldMb = (source.peakBytes - beforeBytes) / 1e6;
  const rssMb = process.resourceUsage().maxRSS / 1e3;
  console.log(
    `${dialect.padEnd(9)} ${query.padEnd(46)} min ${Math.min(...cpuMs)
      .toFixed(0)
      .padStart(5)} ms CPU` +
      `  held ${heldMb.toFixed(1).padStart(6)} MB  RSS ${rssMb.toFixed(0).padStart(4)} MB  checksum ${checksum.toPrecision(9)}`,
  );
}

const QUERIES: readonly string[] = [
  "sum by (region) (rate(requests_total[5m]))",
  "avg by (region) (requests_total)",
  "max(max_over_time(requests_total[10m]))",
  "stddev by (region) (rate(requests_total[5m]))",
  "topk(5, rate(requests_total[5m]))",
  "quantile by (region) (0.9, requests_total)",
];

const isTiny = process.argv.includes("--tiny");
const chosen = process.argv
  .find((arg) => arg.startsWith("--only="))
  ?.slice(7)
  .split("/");
if (chosen !== undefined) {
  const [dialect, n] = chosen as [string, string];
  await measure(dialect, QUERIES[Number(n)] as string, isTiny ? 1_000 : 100_000, isTiny ? 1 : 3);
} else {
  for (let n = 0; n < QUERIES.length; n++) {
    for (const dialect of ["metricsql", "promql"]) {
      const args = [fileURLToPath(import.meta.url), `--only=${dialect}/${n}`, ...(isTiny ? ["--tiny"] : [])];
      execFileSync(process.execPath, args, { stdio: "inherit" });
    }
  }
}
