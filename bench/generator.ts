/**
 * Made-up metrics of many hosts as remote-write bodies: 100 series a host, 8 labels a series, five kinds of values.
 *
 * A body is what Prometheus sends: one sample a TimeSeries, up to 10,000 of them, snappy. Series belong to a shard
 * by host, the bodies of a shard are to be sent in order and one at a time, so that each series arrives in order however
 * many shards are sent at once.
 */

import { ProtobufWriter } from "#support/protobuf";
import { compressBody, encodeLabels } from "#support/remote-write";

export const seriesPerHost = 100;
export const usualBodySamples = 10_000;

/** A data set ready to be sent. */
export interface Load {
  readonly name: string;
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Bodies of each shard, compressed, in the order to send them. */
  readonly shards: readonly (readonly Buffer[])[];
  /** Times of the first and the last sample, ms. */
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface GeneratorOptions {
  /** Rounded up to whole hosts. */
  readonly series: number;
  readonly scrapes: number;
  readonly shards: number;
  /** Time of the last scrape, ms. */
  readonly endMs: number;
  readonly intervalMs?: number;
  readonly seed?: number;
  /** Samples of a body, `usualBodySamples` if absent. */
  readonly bodySamples?: number;
}

const families: readonly {
  readonly name: string;
  readonly next: (value: number, random: () => number, pace: number) => number;
}[] = [
  // Seconds of CPU with two decimals, always growing.
  { name: "node_cpu_seconds_total", next: (value, random) => Math.round((value + random() * 15) * 100) / 100 },
  // Pages of memory, up and down.
  { name: "node_memory_bytes", next: (value, random) => Math.abs(value + Math.floor((random() - 0.5) * 4096) * 4096) },
  // Bytes received: a counter of integers at a pace of its own.
  {
    name: "node_network_receive_bytes_total",
    next: (value, random, pace) => value + Math.floor(random() * pace * 1000),
  },
  // Free space: big, and most scrapes find it unchanged.
  {
    name: "node_filesystem_avail_bytes",
    next: (value, random) => (random() < 0.2 ? value + Math.floor((random() - 0.5) * 1000) * 4096 : value),
  },
  // Load: small, two decimals.
  {
    name: "node_load",
    next: (value, random) => Math.round(Math.max(0, Math.min(100, value + random() - 0.5)) * 100) / 100,
  },
];

const starts: readonly ((random: () => number) => number)[] = [
  (random) => Math.floor(random() * 1e6),
  (random) => Math.floor(random() * 1e6) * 4096,
  (random) => Math.floor(random() * 1e6),
  (random) => 5e10 + Math.floor(random() * 1e6) * 4096,
  (random) => Math.round(random() * 5000) / 100,
];

export function generate(options: GeneratorOptions): Load {
  const { scrapes, shards, endMs, intervalMs = 15_000, seed = 42 } = options;
  const hosts = Math.ceil(options.series / seriesPerHost);
  const random = seededRandom(seed);
  const firstMs = endMs - (scrapes - 1) * intervalMs;
  const bodies = Array.from({ length: shards }, () => new BodyWriter(options.bodySamples));
  const seriesCount = hosts * seriesPerHost;
  const labels: Buffer[] = [];
  const values = new Float64Array(seriesCount);
  const paces = new Float64Array(seriesCount);
  for (let i = 0; i < seriesCount; i++) {
    labels.push(encodeLabels(labelsOf(Math.floor(i / seriesPerHost), i % seriesPerHost)));
    values[i] = (starts[i % families.length] as (typeof starts)[number])(random);
    paces[i] = random() * 10;
  }
  for (let scrape = 0; scrape < scrapes; scrape++) {
    const timestampMs = firstMs + scrape * intervalMs;
    for (let i = 0; i < seriesCount; i++) {
      const family = families[i % families.length] as (typeof families)[number];
      values[i] = family.next(values[i] as number, random, paces[i] as number);
      const shard = Math.floor(i / seriesPerHost) % shards;
      (bodies[shard] as BodyWriter).add(labels[i] as Buffer, timestampMs, values[i] as number);
    }
  }
  return {
    name: `generated, ${seriesCount} series × ${scrapes} scrapes`,
    seriesCount,
    sampleCount: seriesCount * scrapes,
    shards: bodies.map((writer) => writer.finish()),
    firstMs,
    lastMs: endMs,
  };
}

/** Label pairs of one series, sorted by name. */
export function labelsOf(host: number, metric: number): [string, string][] {
  const kind = metric % families.length;
  const family = (families[kind] as (typeof families)[number]).name;
  return [
    ["__name__", kind === 0 ? family : `${family}_${Math.floor(metric / 25)}`],
    ["cpu", String(metric % 16)],
    ["device", `eth${metric % 8}`],
    ["idx", String(metric)],
    ["instance", instanceOf(host)],
    ["job", "node-exporter"],
    ["mode", ["user", "system", "idle", "iowait"][metric % 4] as string],
    ["region", ["us-east-1", "eu-west-1", "ap-south-1"][host % 3] as string],
  ];
}

export function instanceOf(host: number): string {
  return `host-${host}.us-east-1.example.com:9100`;
}

/** Collects samples into bodies. */
export class BodyWriter {
  private readonly bodies: Buffer[] = [];
  private readonly body = new ProtobufWriter(4 << 20);
  private readonly sample = new ProtobufWriter(32);
  private readonly value = new Float64Array(1);
  private readonly valueBytes = new Uint8Array(this.value.buffer);
  private count = 0;
  private readonly samplesMax: number;

  constructor(samplesMax: number = usualBodySamples) {
    this.samplesMax = samplesMax;
  }

  /** @param labels the encoded `labels` fields of the series */
  add(labels: Buffer, timestampMs: number, value: number): void {
    this.value[0] = value;
    const sample = this.sample;
    sample.reset();
    sample.tag(1, 1).fixed64(this.valueBytes, 0).tag(2, 0).varint(timestampMs);
    // A sample is shorter than 128 bytes: its length takes one byte, and its tag another.
    this.body
      .tag(1, 2)
      .varint(labels.length + 2 + sample.length)
      .raw(labels)
      .field(2, sample.finish());
    if (++this.count === this.samplesMax) this.flush();
  }

  /** Those that are full by now. */
  full(): Buffer[] {
    return this.bodies.splice(0);
  }

  /** All bodies since the last call, the last one as full as it is. */
  finish(): Buffer[] {
    this.flush();
    return this.bodies.splice(0);
  }

  private flush(): void {
    if (this.count === 0) return;
    // As a copy: what the compressor gives stands in memory for the worst case.
    this.bodies.push(Buffer.from(compressBody(this.body.finish())));
    this.body.reset();
    this.count = 0;
  }
}

/** mulberry32: 32 bits of state, good enough for loads, the same everywhere. Numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
