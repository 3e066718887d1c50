/**
 * A real exporter, scraped by Debian's vmagent and by Prometheus, both writing remotely to us: nothing is missing,
 * nothing is changed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { eventually } from "./support/process.ts";
import { exportSeries, type PromSeries, queryInstant, seriesKey } from "./support/query.ts";
import { scoped } from "./support/scope.ts";

/** Labels that the scraper or the sender adds. */
const addedLabels = new Set(["instance", "job", "sender"]);

test(
  "node-exporter → vmagent and prometheus → remote write → us",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const exporter = await startPeer(scope, "node-exporter");
    const nyanza = await startNyanza(scope);
    const target = `127.0.0.1:${exporter.port}`;
    const config = (sender: string): string =>
      `global: { scrape_interval: 1s, external_labels: { sender: ${sender} } }\n` +
      `scrape_configs: [{ job_name: node, static_configs: [{ targets: ["${target}"] }] }]\n`;
    await startPeer(scope, "vmagent", {
      config: config("vmagent"),
      flags: [`-remoteWrite.url=${nyanza.url}/api/v1/write`, "-remoteWrite.flushInterval=200ms"],
    });
    const prometheus = await startPeer(scope, "prometheus", {
      config: `${config("prometheus")}remote_write: [{ url: "${nyanza.url}/api/v1/write" }]\n`,
    });

    const scrapes = async (count: number): Promise<void> => {
      for (const sender of ["vmagent", "prometheus"]) {
        await eventually(
          `${count} scrapes of ${sender}`,
          async () => {
            const series = [...(await exportSeries(nyanza.url, `up{sender="${sender}"}`)).values()];
            return series.length === 1 && (series[0]?.values.length ?? 0) >= count;
          },
          60_000,
        );
      }
    };
    await scrapes(3);
    // What stands still while both senders scrape must be stored as it is served. What only comes back to a value is none of it: it shows in what is stored, or, as the exporter's own
    // memory and how many processes run just then, is left out.
    const before = await scrapeDirectly(exporter.url);
    await scrapes(8);
    const after = await scrapeDirectly(exporter.url);
    const served = new Map([...after].filter(([key, value]) => before.get(key) === value && !isOfTheMoment(key)));
    assert.ok(served.size > 200, `node-exporter serves hundreds of series that stand still, saw ${served.size}`);
    for (const sender of ["vmagent", "prometheus"]) {
      const stored = await exportSeries(nyanza.url, `{sender="${sender}",job="node"}`);
      const byOwnLabels = new Map([...stored.values()].map((series) => [ownKey(series.metric), series.values]));
      const missing = [...before.keys()].filter((key) => !byOwnLabels.has(key));
      assert.deepEqual(missing, [], `${sender}: served and not stored`);
      let still = 0;
      for (const [key, value] of served) {
        const [first, ...others] = byOwnLabels.get(key) as ArrayLike<number> & Iterable<number>;
        if (others.some((other) => !Object.is(other, first))) continue;
        still++;
        assert.ok(isSame(sender, first as number, value), `${sender}: ${key} is ${value}, stored as ${first}`);
      }
      assert.ok(still > 200, `${sender}: saw ${still} series that stand still`);
      assert.deepEqual(
        [...(stored.get(upKey(target, sender))?.values ?? [])].filter((up) => up !== 1),
        [],
      );
    }

    // Sample by sample what Prometheus has itself, over a window that both have whole.
    const end = Math.floor(Date.now() / 1000) - 1;
    await eventually("prometheus has sent the last second", async () => {
      const newest = await queryInstant(nyanza.url, 'timestamp(up{sender="prometheus"})', Math.ceil(Date.now() / 1000));
      return Number(newest[0]?.value?.[1] ?? 0) > end;
    });
    const selector = '{job="node"}';
    const theirs = await queryInstant(prometheus.url, `${selector}[5s]`, end);
    const ours = await exportSeries(nyanza.url, '{job="node",sender="prometheus"}', { start: end - 5, end });
    let compared = 0;
    for (const series of theirs) {
      const key = seriesKey({ ...series.metric, sender: "prometheus" });
      const stored = ours.get(key);
      assert.ok(stored !== undefined, `${key} is missing`);
      const wanted = rawSamples(series).filter(([timestampMs]) => timestampMs > (end - 5) * 1000);
      const found = stored.timestamps
        .map((timestampMs, i) => [timestampMs, stored.values[i] as number] as const)
        .filter(([timestampMs]) => timestampMs > (end - 5) * 1000);
      assert.deepEqual(found, wanted, key);
      compared += wanted.length;
    }
    assert.ok(theirs.length > 300 && compared > 1000, `compared ${compared} samples of ${theirs.length} series`);
    console.log(`${theirs.length} series, ${compared} samples compared with Prometheus' own`);
  }),
);

/** A series of the exporter's own runtime, or of what happens while it is asked; `key` as of ownKey(). */
function isOfTheMoment(key: string): boolean {
  return /^\[\["__name__","(go|process|promhttp|node_procs)_/.test(key);
}

/** This vmagent's own parser misses the last digits of numbers with exponents; Prometheus' does not. */
function isSame(sender: string, stored: number, served: number): boolean {
  if (sender === "prometheus") return Object.is(stored, served);
  return Object.is(stored, served) || Math.abs(stored - served) <= 1e-14 * Math.abs(served);
}

function upKey(target: string, sender: string): string {
  return seriesKey({ __name__: "up", instance: target, job: "node", sender });
}

function rawSamples(series: PromSeries): (readonly [number, number])[] {
  return (series.values ?? []).map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)] as const);
}

function ownKey(metric: Readonly<Record<string, string>>): string {
  return seriesKey(Object.entries(metric).filter(([name]) => !addedLabels.has(name)));
}

/** What an exporter serves, by name and labels; a small reader of the text format for what node-exporter writes. */
async function scrapeDirectly(url: string): Promise<Map<string, number>> {
  const { text } = await http(`${url}/metrics`);
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) continue;
    const labels: [string, string][] = [["__name__", match[1] as string]];
    for (const label of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      // An empty label is no label.
      if (label[2] !== "") labels.push([label[1] as string, unescapeLabel(label[2] as string)]);
    }
    found.set(seriesKey(labels), Number((match[3] as string).replace("Inf", "Infinity")));
  }
  return found;
}

function unescapeLabel(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}
