/**
 * The recorded data set, real exporters scraped once a second, as remote-write bodies. Times are moved so that the last
 * sample is from now, because Prometheus takes nothing old; their differences stay.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { projectRoot } from "#support/nyanza";
import { encodeLabels } from "#support/remote-write";
import { BodyWriter, type Load } from "./generator.ts";

const recordedFile = join(projectRoot, "../shared/corpora/recorded.jsonl.gz");

/** The data set, or null where the corpora do not lie beside the project. */
export function readRecorded(shards: number, endMs: number, path: string = recordedFile): Load | null {
  if (!existsSync(path)) return null;
  const samples: { series: number; timestampMs: number; value: number }[] = [];
  const labels: Buffer[] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  let firstMs = Number.POSITIVE_INFINITY;
  for (const line of gunzipSync(readFileSync(path)).toString("utf8").split("\n")) {
    if (line === "") continue;
    const { metric, values, timestamps } = JSON.parse(line) as {
      metric: Record<string, string>;
      values: (number | string | null)[];
      timestamps: number[];
    };
    for (const [i, timestampMs] of timestamps.entries()) {
      samples.push({ series: labels.length, timestampMs, value: Number(values[i] ?? Number.NaN) });
      lastMs = Math.max(lastMs, timestampMs);
      firstMs = Math.min(firstMs, timestampMs);
    }
    labels.push(encodeLabels(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1))));
  }
  // As they came in: by time; the sort is stable, so series of one scrape keep their order.
  samples.sort((a, b) => a.timestampMs - b.timestampMs);
  const bodies = Array.from({ length: shards }, () => new BodyWriter());
  const shiftMs = endMs - lastMs;
  for (const { series, timestampMs, value } of samples) {
    (bodies[series % shards] as BodyWriter).add(labels[series] as Buffer, timestampMs + shiftMs, value);
  }
  return {
    name: `recorded, ${labels.length} series`,
    seriesCount: labels.length,
    sampleCount: samples.length,
    shards: bodies.map((writer) => writer.finish()),
    firstMs: firstMs + shiftMs,
    lastMs: endMs,
  };
}
