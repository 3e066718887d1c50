/**
 * The two promises of the query room, over a source that hands out ready columns: what is timed is windows and groups.
 *
 *   node packages/tsdb/dist/query/query.bench.js [--tiny]
 */
import { Labels } from "../base/labels.ts";
import { Random } from "../base/random.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { evaluateRange } from "./eval.ts";
import type { Answer, SampleCursor, SearchRequest, SeriesBatch, Source } from "./source.ts";

const STEP_MS = 15_000;
const START_MS = 1_704_067_200_000;
const POINTS = 480;
/** Five minutes of window and five of previous samples come before the first point. */
const SAMPLES = POINTS + 40;

/** Serves batches made beforehand, as a warm cache would. */
class ReadySource implements Source {
  readonly #batches: SeriesBatch[];
  readonly #seriesCount: number;

  constructor(batches: SeriesBatch[]) {
    this.#batches = batches;
    this.#seriesCount = batches.reduce((sum, batch) => sum + batch.series.length, 0);
  }

  async search(_request: SearchRequest): Promise<SampleCursor> {
    const batches = this.#batches;
    let next = 0;
    return {
      seriesCount: this.#seriesCount,
      isPartial: false,
      next: async () => batches[next++] ?? null,
      close: () => {},
    };
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

/** Counters of eight labels, scraped every 15 s with a little jitter; `perTarget` neighbours share their timestamps. */
function makeBatches(seriesCount: number, perTarget: number): SeriesBatch[] {
  const random = new Random(7);
  const batches: SeriesBatch[] = [];
  for (let from = 0; from < seriesCount; from += 64) {
    const count = Math.min(64, seriesCount - from);
    const timestamps = new Float64Array(count * SAMPLES);
    const values = new Float64Array(count * SAMPLES);
    const series: Labels[] = [];
    const ends = new Uint32Array(count);
    const sameTimes = new Uint8Array(count);
    for (let s = 0; s < count; s++) {
      const n = from + s;
      series.push(
        Labels.from([
          ["__name__", "node_cpu_seconds_total"],
          ["instance", `host-${Math.floor(n / 20)}.us-east-1.example.com:9100`],
          ["job", "node-exporter"],
          ["region", `region-${n % 10}`],
          ["cpu", `${n % 20}`],
          ["mode", "user"],
          ["rack", `${n}`],
          ["env", "prod"],
        ]),
      );
      const isShared = s % perTarget !== 0;
      if (isShared) sameTimes[s] = 1;
      // Scrapes are spread over the interval, as scrapers do it.
      const phaseMs = random.below(STEP_MS);
      let v = random.below(1000);
      for (let i = 0; i < SAMPLES; i++) {
        v += random.below(100);
        const at = s * SAMPLES + i;
        timestamps[at] = isShared
          ? (timestamps[at - SAMPLES] as number)
          : START_MS + (i - 40) * STEP_MS + phaseMs + random.below(5) - 2;
        values[s * SAMPLES + i] = v;
      }
      ends[s] = (s + 1) * SAMPLES;
    }
    batches.push({ series, ends, timestamps, values, sameTimes });
  }
  return batches;
}

async function measure(
  title: string,
  query: string,
  seriesCount: number,
  perTarget: number,
  rounds: number,
): Promise<void> {
  const source = new ReadySource(makeBatches(seriesCount, perTarget));
  const cpuMs: number[] = [];
  let checksum = 0;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    const result = await evaluateRange(query, {
      source,
      tenant: DEFAULT_TENANT,
      nowMs: START_MS,
      startMs: START_MS,
      endMs: START_MS + (POINTS - 1) * STEP_MS,
      stepMs: STEP_MS,
    });
    const used = process.cpuUsage(before);
    cpuMs.push((used.user + used.system) / 1000);
    checksum = result.series.reduce((sum, series) => sum + (series.values.at(-1) as number), 0);
  }
  cpuMs.sort((a, b) => a - b);
  const mean = cpuMs.reduce((sum, ms) => sum + ms, 0) / cpuMs.length;
  console.log(
    `${title.padEnd(74)} min ${(cpuMs[0] as number).toFixed(1).padStart(7)}  mean ${mean.toFixed(1).padStart(7)} ms CPU` +
      `  checksum ${checksum.toPrecision(12)}`,
  );
}

const isTiny = process.argv.includes("--tiny");
const rounds = isTiny ? 1 : 9;
const scale = isTiny ? 0.01 : 1;
/** Query, series, series that share timestamps. */
const QUERIES: [string, number, number][] = [
  ["avg by (region)(avg_over_time(m[5m]))", 10_000, 1],
  ["avg by (region)(avg_over_time(m[5m]))", 10_000, 20],
  ["sum by (instance)(rate(m[5m]))", 2_000, 1],
  ["sum by (instance)(rate(m[5m]))", 2_000, 20],
  ["max(max_over_time(m[10m]))", 10_000, 20],
  ["stddev by (region)(stddev_over_time(m[5m]))", 2_000, 20],
  ["quantile by (region)(0.9, rate(m[5m]))", 2_000, 20],
  ["topk(5, sum by (instance)(rate(m[5m])))", 2_000, 20],
];
for (const [query, series, perTarget] of QUERIES) {
  const count = Math.max(10, Math.round(series * scale));
  const title = `${query}  ${count} × ${POINTS}, ${perTarget} a target`;
  await measure(title, query, count, perTarget, rounds);
}
