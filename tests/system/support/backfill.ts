/** A prometheus whose blocks were made from samples as text, the way its own documentation backfills. */
import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { type Peer, startPeer } from "./peers.ts";
import { runCommand } from "./process.ts";
import type { Scope } from "./scope.ts";

interface StoredSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
  readonly timestamps: readonly number[];
}

/** `lines` are those of `/api/v1/import`, a series each. */
export function startBackfilledPrometheus(scope: Scope, lines: string): Promise<Peer> {
  return startPeer(scope, "prometheus", {
    flags: ["--storage.tsdb.retention.time=100y"],
    prepare: async (folder) => {
      const text = join(folder, "samples.txt");
      await writeOpenMetrics(text, lines);
      const args = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", text, join(folder, "data")];
      const { code, output } = await runCommand(scope, "promtool", args);
      assert.equal(code, 0, output);
    },
  });
}

async function writeOpenMetrics(path: string, lines: string): Promise<void> {
  const file = createWriteStream(path);
  for (const line of lines.split("\n")) {
    if (line === "") continue;
    const { metric, values, timestamps } = JSON.parse(line) as StoredSeries;
    const labels = Object.entries(metric).filter(([name]) => name !== "__name__");
    const series = `${metric["__name__"]}{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join()}}`;
    file.write(values.map((value, i) => `${series} ${value} ${(timestamps[i] as number) / 1000}\n`).join(""));
  }
  file.write("# EOF\n");
  await new Promise<void>((resolve, reject) => {
    file.on("error", reject);
    file.end(resolve);
  });
}
