/**
 * How fast wire bytes become batches, stage by stage, in millions of samples a second of one core.
 *
 *     node packages/tsdb/dist/ingest/ingest.bench.js [rounds]
 *
 * Remote write: bodies of 10,000 samples as a scrape of 100 hosts gives them, 8 labels a series, about 200 raw bytes a
 * sample and 30 packed. Rows: the same series through a RowBatch, as the other protocols do. Min and mean of the rounds.
 */
import { Random } from "../base/random.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { IngestKernel } from "../kernel/ingest-kernel.ts";
import { RemoteWriteParser } from "./remote-write.ts";
import { encodeWriteRequest, type SeriesToWrite } from "./remote-write-encoder.ts";
import { RowBatch } from "./row-batch.ts";
import { encodeSnappy } from "./snappy-encoder.ts";

const HOSTS = 100;
const SERIES_A_HOST = 100;
const BODIES = 8;
const FIRST_MS = 1_700_000_000_000;
const STEP_MS = 15_000;
const MAX_BYTES = 1 << 26;

function main(rounds: number): void {
  const series = generateSeries();
  const sampleCount = series.length * BODIES;
  const random = new Random(42);
  const raws = Array.from({ length: BODIES }, (_, i) => encodeWriteRequest(scrape(series, i, random)));
  const rawBytes = raws.reduce((sum, raw) => sum + raw.length, 0);
  let bodies: Uint8Array[] = [];
  const options = { tenant: DEFAULT_TENANT, compression: "snappy", maxBytes: MAX_BYTES } as const;
  const kernel = new IngestKernel();
  const parser = new RemoteWriteParser();
  const rows = new RowBatch();
  let checksum = 0;

  const stages: [name: string, run: () => void][] = [
    [
      "pack (encodeSnappy)",
      () => {
        bodies = raws.map(encodeSnappy);
      },
    ],
    [
      "copy in",
      () => {
        for (const raw of raws) kernel.load(raw, false, MAX_BYTES);
      },
    ],
    [
      "copy in, unsnappy",
      () => {
        for (const body of bodies) kernel.load(body, true, MAX_BYTES);
      },
    ],
    [
      "copy in, parse, hash",
      () => {
        for (const raw of raws) {
          kernel.load(raw, false, MAX_BYTES);
          kernel.parse(DEFAULT_TENANT);
        }
      },
    ],
    [
      "RemoteWriteParser.parse(): all of these",
      () => {
        for (const body of bodies) {
          const batch = parser.parse(body, options);
          checksum = (checksum + batch.sampleCount + (batch.values[77] as number)) % 1e9;
        }
      },
    ],
    [
      "RowBatch: text labels, hash",
      () => {
        for (let i = 0; i < BODIES; i++) {
          rows.reset(DEFAULT_TENANT);
          for (const { labels } of series) {
            rows.beginSeries();
            for (const [name, value] of labels) rows.addLabel(name, value);
            rows.endLabels();
            rows.addSample(FIRST_MS + i * STEP_MS, i);
          }
          checksum = (checksum + (rows.hashes.length > 0 ? rows.sampleCount : 0)) % 1e9;
        }
      },
    ],
  ];
  console.log(`${series.length} series, ${(rawBytes / sampleCount).toFixed(1)} raw bytes a sample`);
  for (const [name, run] of stages) {
    run();
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const fromMs = performance.now();
      run();
      times.push(performance.now() - fromMs);
    }
    const best = sampleCount / Math.min(...times) / 1000;
    const mean = (sampleCount * rounds) / times.reduce((sum, ms) => sum + ms, 0) / 1000;
    console.log(`${name.padEnd(42)} best ${best.toFixed(2).padStart(6)} M/s   mean ${mean.toFixed(2).padStart(6)} M/s`);
  }
  const packed = bodies.reduce((sum, body) => sum + body.length, 0);
  console.log(`${(packed / sampleCount).toFixed(1)} packed bytes a sample; checksum ${checksum}`);
}

function generateSeries(): { labels: [string, string][]; level: number }[] {
  const names = ["cpu_seconds_total", "memory_bytes", "network_receive_bytes_total", "filesystem_avail_bytes", "load"];
  const regions = ["us-east-1", "eu-west-1", "ap-south-1"];
  const modes = ["user", "system", "idle", "iowait"];
  return Array.from({ length: HOSTS * SERIES_A_HOST }, (_, i) => {
    const host = Math.floor(i / SERIES_A_HOST);
    const k = i % SERIES_A_HOST;
    const labels: [string, string][] = [
      ["__name__", `node_${names[k % 5]}${k % 5 === 0 ? "" : `_${Math.floor(k / 25)}`}`],
      ["cpu", String(k % 16)],
      ["device", `eth${k % 8}`],
      ["idx", String(k)],
      ["instance", `host-${host}.us-east-1.example.com:9100`],
      ["job", "node-exporter"],
      ["mode", modes[k % 4] as string],
      ["region", regions[host % 3] as string],
    ];
    return { labels, level: i };
  });
}

/** One sample a series: counters with fractions, whole gauges, percentages. */
function* scrape(
  series: { labels: [string, string][]; level: number }[],
  i: number,
  random: Random,
): Generator<SeriesToWrite> {
  const timestamps = [FIRST_MS + i * STEP_MS];
  for (const [k, one] of series.entries()) {
    one.level += k % 2 === 0 ? Math.round(random.next() * 1500) / 100 : random.below(4096) * 4096;
    yield { labels: one.labels, timestamps, values: Float64Array.of(one.level) };
  }
}

main(Number(process.argv[2] ?? 10));
