/**
 * `startMetrics` and the systems its metrics go to: scraped by Debian's Prometheus and VictoriaMetrics, pushed to our server. Every kind
 * of instrument and of native metric is asked back.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { checkArrival, repositoryFolder, startKitApplication } from "./support/kit-application.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { makeFolder, scoped } from "./support/scope.ts";

const endpoint = { host: "127.0.0.1", port: 0 };

test(
  "scraped by Prometheus and VictoriaMetrics",
  { timeout: 90_000 },
  scoped(async (scope) => {
    const { url } = await startKitApplication(scope, repositoryFolder, { prometheus: endpoint, otlp: false });
    const { host, pathname } = new URL(url);
    const config = `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: boathouse
    metrics_path: ${pathname}
    static_configs: [{ targets: ["${host}"] }]
`;
    const configFile = join(makeFolder(scope, "scrape"), "scrape.yml");
    writeFileSync(configFile, config);
    const [prometheus, victoria] = await Promise.all([
      startPeer(scope, "prometheus", { config }),
      startPeer(scope, "victoria-metrics", { flags: [`-promscrape.config=${configFile}`] }),
    ]);
    await checkArrival(prometheus.url, { isScraped: true });
    await checkArrival(victoria.url, { isScraped: true });
  }),
);

test(
  "promtool has nothing to say about the endpoint but of names that dashboards fix",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startKitApplication(scope, repositoryFolder, { prometheus: endpoint, otlp: false });
    const { text } = await http(url);
    const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
    const isFixed = (line: string): boolean =>
      /^nodejs_active_(handles|requests|resources)_total non-counter metrics should not have "_total" suffix$/.test(
        line,
      );
    assert.deepEqual(
      said.filter((line) => !isFixed(line)),
      [],
    );
  }),
);

for (const protocol of ["http/protobuf", "http/json"]) {
  test(
    `pushed to our server, ${protocol} with gzip`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const nyanza = await startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] });
      const otlp = { url: nyanza.url, protocol, compression: "gzip" };
      const application = await startKitApplication(scope, repositoryFolder, { prometheus: false, otlp });
      assert.equal(application.url, "null");
      await application.flush();
      await checkArrival(nyanza.url, { isScraped: false });
      const { signal } = await application.process.stop();
      assert.equal(signal, "SIGTERM");
      // All that was reported is what the application does on purpose.
      const reported = application.process.output.match(/^reported: .*$/gm) ?? [];
      assert.deepEqual([...new Set(reported)], ["reported: metrics: a callback of an instrument failed: as it should"]);
    }),
  );
}
