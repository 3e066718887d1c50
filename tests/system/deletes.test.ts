/** Deletes and snapshots over HTTP, beside Debian's victoria-metrics 1.79.5 where it can do the same; `nyanza verify` and `nyanza repair` on what is left. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { nyanzaProgram, startNyanza } from "./support/nyanza.ts";
import { runCommand } from "./support/process.ts";
import { makeFolder, type Scope, scoped } from "./support/scope.ts";
import { askBoth, describe, loadBoth, startTwins } from "./support/twins.ts";

const DELETE = "/api/v1/admin/tsdb/delete_series";
/** The start of a minute, a few hours ago. */
const START_MS = Math.floor(Date.now() / 60_000) * 60_000 - 4 * 3_600_000;

/** JSON lines of `series` series with a sample a minute for two hours. */
function lines(series: number): string {
  const times = Array.from({ length: 120 }, (_, i) => START_MS + i * 60_000);
  return Array.from({ length: series }, (_, k) => {
    const metric = { __name__: `m${k % 4}`, n: String(k) };
    return `${JSON.stringify({ metric, values: times.map((_ms, i) => k * 1000 + i), timestamps: times })}\n`;
  }).join("");
}

const sortedLines = (text: string): string[] => text.split("\n").filter(Boolean).sort();

test(
  "a delete answers and works as VictoriaMetrics': GET is refused, what is missing is an error, the series are gone from every list",
  scoped(async (scope) => {
    const twins = await startTwins(scope, ["-retentionPeriod=100y"]);
    await loadBoth(twins, "/api/v1/import", lines(40));
    const match = encodeURIComponent;
    const statusesOf = async (target: string, method: string): Promise<[number, number]> => {
      const { ours, theirs } = await askBoth(twins, target, { method });
      return [ours.status, theirs.status];
    };
    assert.deepEqual(await statusesOf(`${DELETE}?match[]=m0`, "POST"), [204, 204]);
    assert.deepEqual(
      await statusesOf(`/prometheus${DELETE}?match[]=m1&match[]=${match('m2{n=~"2|6"}')}`, "POST"),
      [204, 204],
    );
    const [without, theirWithout] = await statusesOf(DELETE, "POST");
    assert.deepEqual([without, theirWithout >= 400], [400, true]);
    const [bad, theirBad] = await statusesOf(`${DELETE}?match[]={`, "POST");
    assert.deepEqual([bad, theirBad >= 400], [400, true]);
    assert.equal((await http(`${twins.ours}${DELETE}?match[]=m3`)).status, 405);

    const range = `start=${START_MS / 1000 - 3600}&end=${START_MS / 1000 + 3 * 3600}`;
    for (const target of [
      `/api/v1/label/__name__/values?${range}`,
      `/api/v1/label/n/values?${range}`,
      `/api/v1/labels?${range}`,
      `/api/v1/query_range?query=${match('count({__name__=~"m.*"}) by (__name__)')}&step=600&${range}`,
    ]) {
      const { ours, theirs } = await askBoth(twins, target);
      assert.deepEqual(describe(ours), describe(theirs), target);
    }
    const exported = await askBoth(twins, `/api/v1/export?match[]=${match('{__name__=~"m.*"}')}`);
    assert.deepEqual(sortedLines(exported.ours.text), sortedLines(exported.theirs.text));
    assert.equal(sortedLines(exported.ours.text).length, 18);
  }),
);

test(
  "a range is deleted and written again: the new samples stay, also behind a kill and a merge",
  scoped(async (scope) => {
    const server = await startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] });
    await http(`${server.url}/api/v1/import`, { body: lines(4) });
    const start = START_MS + 30 * 60_000;
    const end = START_MS + 59 * 60_000;
    const reply = await http(`${server.url}${DELETE}`, {
      body: `match[]=m1&start=${start / 1000}&end=${end / 1000}`,
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    assert.equal(reply.status, 204, reply.text);
    const again = { metric: { __name__: "m1", n: "1" }, values: [-5], timestamps: [start] };
    await http(`${server.url}/api/v1/import`, { body: `${JSON.stringify(again)}\n` });
    const check = async (url: string): Promise<void> => {
      const { text } = await http(`${url}/api/v1/export?match[]=m1`);
      const { timestamps, values } = JSON.parse(text) as { timestamps: number[]; values: number[] };
      assert.equal(timestamps.length, 91);
      assert.deepEqual(
        timestamps.filter((ms) => ms >= start && ms <= end),
        [start],
      );
      assert.equal(values[30], -5);
    };
    await check(server.url);
    server.process.signal("SIGKILL");
    await server.process.exited;
    const second = await startNyanza(scope, { folder: server.folder, flags: ["-selfScrapeInterval=0s"] });
    await check(second.url);
    await http(`${second.url}/internal/force_merge?wait=1`);
    await check(second.url);
  }),
);

const verify = (scope: Scope, folder: string, ...more: string[]) =>
  runCommand(scope, process.execPath, [nyanzaProgram, "verify", `-storageDataPath=${folder}`, ...more]);

test(
  "a snapshot can be verified while its server runs, the database itself cannot; damage is found, and repaired around",
  scoped(async (scope) => {
    const server = await startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] });
    const body = lines(200);
    await http(`${server.url}/api/v1/import`, { body });
    const made = JSON.parse((await http(`${server.url}/snapshot/create`)).text) as { snapshot: string };
    assert.match(made.snapshot, /^\d{14}-[0-9A-F]+$/);
    const list = JSON.parse((await http(`${server.url}/snapshot/list`)).text) as unknown;
    assert.deepEqual(list, { status: "ok", snapshots: [made.snapshot] });
    const snapshot = join(server.folder, "snapshots", made.snapshot);
    const whole = await verify(scope, snapshot);
    assert.equal(whole.code, 0, whole.output);
    assert.match(whole.output, /ok: .*24000 samples, 200 series/);
    const refused = await verify(scope, server.folder);
    assert.equal(refused.code, 1, refused.output);
    assert.match(refused.output, /make a snapshot \(\/snapshot\/create\)/);

    await http(`${server.url}${DELETE}?match[]=m3`, { method: "POST" });
    server.process.signal("SIGTERM");
    await server.process.exited;
    const data = join(server.folder, "data");
    const month = readdirSync(data)[0] as string;
    const part = join(data, month, "parts", readdirSync(join(data, month, "parts"))[0] as string);
    // A file of its own: the snapshot has the other name of the old one.
    const bytes = readFileSync(part);
    bytes[100] = (bytes[100] as number) ^ 1;
    writeFileSync(part, bytes);
    const damaged = await verify(scope, server.folder, "-format=json");
    assert.equal(damaged.code, 3, damaged.output);
    const json = damaged.output.split("\n").find((line) => line.startsWith("{")) as string;
    const report = JSON.parse(json) as { status: string; files: { path: string; problems: unknown[] }[] };
    assert.equal(report.status, "damaged");
    assert.deepEqual(
      report.files.filter(({ problems }) => problems.length > 0).map(({ path }) => join(server.folder, path)),
      [part],
    );

    const target = join(makeFolder(scope), "repaired");
    const args = [nyanzaProgram, "repair", `-src=${server.folder}`, `-dst=${target}`];
    const repaired = await runCommand(scope, process.execPath, args);
    assert.equal(repaired.code, 0, repaired.output);
    assert.match(repaired.output, /lost:\n {2}.*\.part: at byte \d+: .*checksum/);
    assert.equal((await runCommand(scope, process.execPath, args)).code, 1, "never into what is there");
    const after = await verify(scope, target);
    assert.equal(after.code, 0, after.output);
    const third = await startNyanza(scope, { folder: target, flags: ["-selfScrapeInterval=0s"] });
    const { text } = await http(`${third.url}/api/v1/export?match[]=${encodeURIComponent('{__name__=~"m.*"}')}`);
    const saved = sortedLines(text);
    const sent = new Set(sortedLines(body).map((line) => (JSON.parse(line) as { metric: { n: string } }).metric.n));
    assert.ok(saved.length >= 100 && saved.length < 150, `${saved.length} series: m3 stays deleted, some lost a block`);
    for (const line of saved) assert.ok(sent.has((JSON.parse(line) as { metric: { n: string } }).metric.n));
  }),
);
