/** Debian's Prometheus federates from us: it gets the last sample of each series, with our time, and takes them all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { eventually } from "./support/process.ts";
import { queryInstant } from "./support/query.ts";
import { scoped } from "./support/scope.ts";

test(
  "prometheus federates from us",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const nyanza = await startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] });
    const target = `127.0.0.1:${nyanza.port}`;
    const prometheus = await startPeer(scope, "prometheus", {
      config:
        "global: { scrape_interval: 1s }\n" +
        "scrape_configs:\n" +
        `  - { job_name: federate, honor_labels: true, metrics_path: /federate, params: { "match[]": ['{from="us"}'] }, ` +
        `static_configs: [{ targets: ["${target}"] }] }\n`,
    });
    const timeMs = Date.now() - 20_000;
    const lines: Record<string, unknown>[] = [];
    const add = (metric: Record<string, string>, values: (number | null)[]): void => {
      const timestamps = values.map((_, i) => timeMs + 1000 * i);
      lines.push({ metric: { ...metric, from: "us" }, values, timestamps });
    };
    add({ __name__: "requests_total", job: "shop", instance: "a:1" }, [1, 2, 3]);
    add({ __name__: "requests_total", job: "shop", instance: "b:1", path: 'a"b\\c' }, [10, 20.5]);
    add({ __name__: "with.dots", "label.dots": "x" }, [7]);
    add({ __name__: "over" }, [7, null]);
    add({ __name__: "small" }, [1e-300]);
    const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    assert.equal((await http(`${nyanza.url}/api/v1/import`, { body })).status, 204);

    await eventually("prometheus has scraped", async () => {
      const up = await queryInstant(prometheus.url, 'up{job="federate"}', Date.now() / 1000);
      const found = await queryInstant(prometheus.url, 'small{from="us"}', Date.now() / 1000);
      return up[0]?.value?.[1] === "1" && found.length === 1;
    });
    const now = Date.now() / 1000;
    const taken = [
      ...(await queryInstant(prometheus.url, '{from="us"}', now)).map(({ metric, value }) => [metric, value?.[1]]),
    ].sort();
    const wanted = [
      [{ __name__: "requests_total", from: "us", instance: "a:1", job: "shop" }, "3"],
      [{ __name__: "requests_total", from: "us", instance: "b:1", job: "shop", path: 'a"b\\c' }, "20.5"],
      // 2.42 says nothing of names and would refuse the whole scrape for a dot.
      [{ __name__: "with_dots", from: "us", instance: "", job: "", label_dots: "x" }, "7"],
      [{ __name__: "small", from: "us" }, "1e-300"],
    ];
    const comparable = (list: readonly (readonly unknown[])[]): string[] =>
      list
        .map(([metric, value]) => {
          const { instance, job, ...rest } = metric as Record<string, string>;
          // What has none of its own gets the target's.
          const own = job === "shop" ? { instance, job } : {};
          return JSON.stringify([Object.entries({ ...rest, ...own }).sort(), value]);
        })
        .sort();
    assert.deepEqual(comparable(taken), comparable(wanted));
    const times = await queryInstant(prometheus.url, 'timestamp({__name__="requests_total",instance="a:1"})', now);
    assert.equal(Number(times[0]?.value?.[1]), (timeMs + 2000) / 1000);
  }),
);
