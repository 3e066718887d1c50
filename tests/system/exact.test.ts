/**
 * What comes out is what went in, sample by sample and bit by bit: JSON import, remote write, vmctl from a Prometheus
 * block; from memory, from disk after a flush, and after a restart.
 */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { runCommand } from "./support/process.ts";
import { type ExportedSeries, exportSeries, queryInstant, seriesKey } from "./support/query.ts";
import { encodeWriteRequest, remoteWrite, type SentSeries } from "./support/remote-write.ts";
import { makeFolder, scoped } from "./support/scope.ts";

const startMs = Date.UTC(2026, 0, 31, 23, 59, 0);

/** Float64 values that sloppy stores lose, by their bits. NaN is not among them: JSON has no word for it. */
const edgeValues: readonly number[] = [
  ...[0, -0, 1, -1, 0.1, 1 / 3, -1 / 3, Math.PI, 1e-300, 1e300, 123456789.12345679],
  ...[Number.MIN_VALUE, -Number.MIN_VALUE, 2.225073858507201e-308, 2.2250738585072014e-308],
  ...[Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, 2 ** 53 + 2, 2 ** 63, 2 ** 64, -(2 ** 63), 1 + Number.EPSILON],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

test(
  "remote write → export: every float64 bit for bit, before and after flush and restart",
  { timeout: 90_000 },
  scoped(async (scope) => {
    const folder = makeFolder(scope);
    let server = await startNyanza(scope, { folder });
    // One column of everything, and each value in the middle of plain ones: an outlier must not cost its neighbours.
    const columns: number[][] = [[...edgeValues]];
    for (const edge of edgeValues) columns.push([1, 2.5, edge, 3, 4.25]);
    columns.push(Array.from({ length: 500 }, (_, i) => Math.sin(i) * 10 ** ((i % 40) - 20)));
    const sent: SentSeries[] = columns.map((values, i) => ({
      labels: [
        ["__name__", "exact"],
        ["column", String(i)],
      ],
      timestamps: values.map((_, k) => startMs + k * 1000 + (k % 3)),
      values: Float64Array.from(values),
    }));
    assert.equal((await remoteWrite(server.url, sent)).status, 204);

    const check = async (when: string): Promise<void> => {
      const stored = await exportSeries(server.url, "exact");
      assert.equal(stored.size, sent.length, when);
      for (const series of sent) {
        const key = seriesKey(series.labels.map(([name, value]) => [String(name), String(value)] as const));
        assertSame(
          stored.get(key),
          Array.from(series.timestamps as ArrayLike<number>),
          [...series.values],
          `${when}: ${key}`,
        );
      }
    };
    await check("just acknowledged");
    assert.equal((await http(`${server.url}/internal/force_flush`)).status, 200);
    await check("flushed");
    assert.equal((await http(`${server.url}/internal/force_merge`)).status, 200);
    await check("merged");
    assert.equal((await server.process.stop()).code, 0);
    server = await startNyanza(scope, { folder });
    await check("restarted");

    // The query API writes floats so that they read back the same.
    for (const [k, edge] of edgeValues.entries()) {
      const [found] = await queryInstant(server.url, `exact{column="${k + 1}"}`, (startMs + 2002) / 1000);
      const text = found?.value?.[1] ?? "none";
      assert.ok(Object.is(Number(text.replace("Inf", "Infinity")), edge), `query of ${edge} gave ${text}`);
    }
  }),
);

test(
  "JSON import → export: sample by sample, out of order and over a month's end",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    const wanted = new Map<string, { timestamps: number[]; values: number[] }>();
    const lines: string[] = [];
    for (let s = 0; s < 50; s++) {
      const metric = { __name__: "imported", series: String(s), odd: `ünï "quoted" \\ ${"\u{1f980}"}\n${s}` };
      const timestamps = Array.from({ length: 400 }, (_, i) => startMs + i * 997 + s);
      const values = timestamps.map((_, i) => (i % 7 === 0 ? i / 3 : i * s));
      wanted.set(seriesKey(metric), { timestamps, values });
      // Halves in the wrong order.
      for (const [from, to] of [
        [200, 400],
        [0, 200],
      ] as const) {
        lines.push(JSON.stringify({ metric, values: values.slice(from, to), timestamps: timestamps.slice(from, to) }));
      }
    }
    assert.equal((await http(`${url}/api/v1/import`, { body: `${lines.join("\n")}\n` })).status, 204);
    for (const flushed of [false, true]) {
      if (flushed) await http(`${url}/internal/force_flush`);
      const stored = await exportSeries(url, "imported");
      assert.equal(stored.size, wanted.size);
      for (const [key, { timestamps, values }] of wanted) assertSame(stored.get(key), timestamps, values, key);
    }
    // An export is an import: what it prints goes into another server and comes out the same.
    const exported = await http(`${url}/api/v1/export?match[]=imported&start=0`);
    const second = await startNyanza(scope);
    assert.equal((await http(`${second.url}/api/v1/import`, { body: exported.body })).status, 204);
    const again = await exportSeries(second.url, "imported");
    assert.equal(again.size, wanted.size);
    for (const [key, { timestamps, values }] of wanted) assertSame(again.get(key), timestamps, values, key);
  }),
);

test(
  "vmctl: a Prometheus block arrives as it is",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    const folder = makeFolder(scope, "vmctl");
    const wanted = new Map<string, { timestamps: number[]; values: number[] }>();
    let text = "# TYPE depth gauge\n";
    for (let s = 0; s < 20; s++) {
      const labels = { __name__: "depth", place: `p${s}` };
      const timestamps = Array.from({ length: 100 }, (_, i) => startMs - 3_600_000 + i * 15_000 + s);
      const values = timestamps.map((_, i) => Math.round(Math.cos(i + s) * 1e6) / 1e3);
      for (const [i, timestampMs] of timestamps.entries())
        text += `depth{place="p${s}"} ${values[i]} ${timestampMs / 1000}\n`;
      wanted.set(seriesKey(labels), { timestamps, values });
    }
    writeFileSync(join(folder, "in.txt"), `${text}# EOF\n`);
    const blocks = join(folder, "blocks");
    const made = await runCommand(scope, "promtool", [
      "tsdb",
      "create-blocks-from",
      "openmetrics",
      join(folder, "in.txt"),
      blocks,
    ]);
    assert.equal(made.code, 0, made.output);
    assert.ok(readdirSync(blocks).length > 0, "promtool made no block");
    // vmctl draws a progress bar and ends when it has no terminal to draw on: script(1) gives it one.
    const command = `vmctl prometheus --prom-snapshot=${blocks} --vm-addr=${url} -s`;
    const imported = await runCommand(scope, "script", ["-qec", command, "/dev/null"]);
    assert.equal(imported.code, 0, imported.output);
    // This vmctl now and then leaves series out, whoever it sends to: what counts is what it says it has sent.
    const sent = Number(/total samples: (\d+)/.exec(imported.output)?.[1]);
    assert.ok(sent >= 1000, imported.output);
    const stored = await exportSeries(url, "depth");
    assert.equal(stored.size * 100, sent);
    for (const [key, series] of stored) {
      const { timestamps, values } = wanted.get(key) ?? { timestamps: [], values: [] };
      assertSame(series, timestamps, values, key);
    }
  }),
);

test(
  "remote write: stale markers and NaNs are no values, and hide no neighbour",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await startNyanza(scope);
    const values = new Float64Array([1, 0, 3, 0, 5]);
    const bits = new DataView(values.buffer);
    bits.setBigUint64(8, 0x7ff0000000000002n, true);
    bits.setBigUint64(24, 0x7ff8000000000001n, true);
    const series: SentSeries = {
      labels: [["__name__", "gaps"]],
      timestamps: [0, 1, 2, 3, 4].map((i) => startMs + i * 1000),
      values,
    };
    assert.ok(
      encodeWriteRequest([series]).includes(Buffer.from([2, 0, 0, 0, 0, 0, 0xf0, 0x7f])),
      "the test sends a stale marker",
    );
    assert.equal((await remoteWrite(url, [series])).status, 204);
    const found = (await exportSeries(url, "gaps")).get(seriesKey({ __name__: "gaps" }));
    const numbers = found?.values.filter((value) => !Number.isNaN(value));
    assert.deepEqual(numbers, [1, 3, 5]);
    // Stale from the marker on, until the next number.
    assert.equal((await queryInstant(url, "gaps", (startMs + 1500) / 1000)).length, 0);
    assert.equal((await queryInstant(url, "gaps", (startMs + 2500) / 1000))[0]?.value?.[1], "3");
  }),
);

function assertSame(
  stored: ExportedSeries | undefined,
  timestamps: readonly number[],
  values: readonly number[],
  what: string,
): void {
  assert.ok(stored !== undefined, `${what} is missing`);
  assert.deepEqual(stored.timestamps, timestamps, what);
  assert.equal(stored.values.length, values.length, what);
  const i = values.findIndex((value, k) => !Object.is(value, stored.values[k]));
  assert.equal(i, -1, `${what}: sample ${i}: sent ${values[i]}, got ${stored.values[i]}`);
}
