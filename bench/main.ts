/**
 * `npm run bench`: figures, never a part of a test.
 *
 *     npm run bench                              the same data into us, VictoriaMetrics and Prometheus
 *     npm run bench -- side-by-side --runs=1 --scrapes=100 --systems=nyanza,victoria-metrics
 *     npm run bench -- kit                       what measuring costs: our metrics, prom-client, OpenTelemetry
 *     npm run bench -- new-series                a million series nobody has met before, into us, VictoriaMetrics and Prometheus
 *     npm run bench -- backup --samples=100000000    a running server backed up, restored and compared bit by bit
 *     npm run bench -- month                     a month of 173 million samples, some late: merged, opened, asked
 *     npm run bench -- exports                   raw samples read out of us and of VictoriaMetrics in every format
 *     npm run bench -- fairness                  inserts beside heavy queries, with and without query workers
 *     npm run bench -- workers                   a heavy query by one query worker and by two
 *     npm run bench -- replay                    a server killed with 20 million samples in its log, started again
 *     npm run bench -- dashboard                 twenty panels, refreshed while their samples arrive, in us and in VictoriaMetrics
 *     npm run bench -- million                   an hour of a million series in one query, within 512 MiB and 2 GiB
 *     npm run bench -- scale                     ten million series with a million active in a gigabyte, and churn
 *     npm run bench -- codec                     the *.bench.ts files whose path contains the word
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "#support/nyanza";
import { readBackupOptions, runBackupBench } from "./backup.ts";
import { readDashboardOptions, runDashboard } from "./dashboard.ts";
import { readExportOptions, runExportBench } from "./exports.ts";
import { readFairnessOptions, runFairness } from "./fairness.ts";
import { readKitOptions, runKit } from "./kit.ts";
import { readMillionOptions, runMillion } from "./million.ts";
import { readMonthOptions, runMonth } from "./month.ts";
import { readNewSeriesOptions, runNewSeries } from "./new-series.ts";
import { readReplayOptions, runReplay } from "./replay.ts";
import { readScaleOptions, runScale } from "./scale.ts";
import { readOptions, runSideBySide } from "./side-by-side.ts";
import { readWorkersOptions, runWorkers } from "./workers.ts";

const [command = "side-by-side", ...args] = process.argv.slice(2).some((arg) => !arg.startsWith("--"))
  ? process.argv.slice(2)
  : ["side-by-side", ...process.argv.slice(2)];

if (command === "side-by-side") {
  await runSideBySide(readOptions(args));
} else if (command === "kit") {
  await runKit(readKitOptions(args));
} else if (command === "new-series") {
  await runNewSeries(readNewSeriesOptions(args));
} else if (command === "backup") {
  await runBackupBench(readBackupOptions(args));
} else if (command === "dashboard") {
  await runDashboard(readDashboardOptions(args));
} else if (command === "million") {
  await runMillion(readMillionOptions(args));
} else if (command === "month") {
  await runMonth(readMonthOptions(args));
} else if (command === "replay") {
  await runReplay(readReplayOptions(args));
} else if (command === "exports") {
  await runExportBench(readExportOptions(args));
} else if (command === "fairness") {
  await runFairness(readFairnessOptions(args));
} else if (command === "workers") {
  await runWorkers(readWorkersOptions(args));
} else if (command === "scale") {
  await runScale(readScaleOptions(args));
} else {
  await runMicroBenches(command);
}

async function runMicroBenches(word: string): Promise<void> {
  const files = ["tsdb", "metrics", "server"].flatMap((name) => {
    const folder = join(projectRoot, "packages", name, "dist");
    return (readdirSync(folder, { recursive: true }) as string[])
      .filter((file) => file.endsWith(".bench.js") && file.includes(word))
      .map((file) => join(folder, file));
  });
  if (files.length === 0)
    throw new Error(
      `bench: no *.bench.ts contains "${word}", and it is none of backup, dashboard, exports, fairness, kit, million, month, new-series, replay, scale, side-by-side and workers`,
    );
  for (const file of files) {
    console.log(`\n# ${file.slice(projectRoot.length + 1)}`);
    await import(pathToFileURL(file).href);
  }
}
