/** Exports and federation over real sockets: what reaches the database, and what its samples become. */
import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Labels } from "@nyanza/tsdb";
import type { MemoryDatabase } from "./api/memory-database.ts";
import { ask, withServer } from "./start.test.support.ts";

const STALE = new Float64Array(Uint32Array.of(2, 0x7ff00000).buffer);

function store(
  database: MemoryDatabase,
  name: string,
  samples: [timestampMs: number, value: number][],
  job = "x",
): void {
  const labels = Labels.from([
    ["__name__", name],
    ["job", job],
  ]);
  database.stored.set(labels.toString(), { labels, samples });
}

test("JSON lines: values that JSON does not have, pieces of lines", () =>
  withServer([], async ({ database, port }) => {
    store(database, "odd", [
      [1000, 0.1],
      [2000, STALE[0] as number],
      [3000, Infinity],
      [4000, -Infinity],
      [5000, -0],
    ]);
    const { text } = await ask(port, "/api/v1/export?match[]=x&reduce_mem_usage=1");
    const metric = '{"metric":{"__name__":"odd","job":"x"}';
    assert.equal(
      text,
      `${metric},"values":[0.1,null,"Infinity","-Infinity",-0],"timestamps":[1000,2000,3000,4000,5000]}\n`,
    );
    const pieces = await ask(port, "/api/v1/export?match[]=x&max_rows_per_line=2");
    assert.equal(
      pieces.text,
      `${metric},"values":[0.1,null],"timestamps":[1000,2000]}\n` +
        `${metric},"values":["Infinity","-Infinity"],"timestamps":[3000,4000]}\n` +
        `${metric},"values":[-0],"timestamps":[5000]}\n`,
    );
    const lines = await ask(port, "/api/v1/export?match[]=x&format=prometheus");
    assert.equal(lines.text.split("\n")[1], 'odd{job="x"} NaN 2000');
  }));

test("long series, and names longer than a piece, are the same in every format", () =>
  withServer([], async ({ database, port }) => {
    const samples = Array.from({ length: 5000 }, (_, i): [number, number] => [1_700_000_000_000 + i, i / 7]);
    store(database, "long", samples);
    store(database, "named", samples.slice(0, 100), "j".repeat(70_000));
    const [long, named] = (await ask(port, "/api/v1/export?match[]=x")).text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { values: number[]; timestamps: number[] });
    assert.deepEqual(
      long?.timestamps.map((timestamp, i) => [timestamp, long.values[i]]),
      samples,
    );
    assert.equal(named?.values.length, 100);
    const lines = (await ask(port, "/api/v1/export?match[]=x&format=prometheus")).text.trim().split("\n");
    assert.deepEqual(
      lines.slice(0, 5000),
      samples.map(([timestampMs, value]) => `long{job="x"} ${value} ${timestampMs}`),
    );
    assert.equal(lines[5099], `named{job="${"j".repeat(70_000)}"} ${99 / 7} ${1_700_000_000_099}`);
  }));

test("a slow reader slows an export down", () =>
  withServer([], async ({ database, port }) => {
    const samples = Array.from({ length: 1000 }, (_, i): [number, number] => [1_700_000_000_000 + i, Math.random()]);
    for (let i = 0; i < 3000; i++) store(database, `m${i}`, samples);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ port, path: "/api/v1/export?match[]=x" }, resolve).on("error", reject).end();
    });
    response.pause();
    // Until the sockets' buffers are full nobody waits.
    let before = -1;
    while (database.exportedSeries !== before) {
      before = database.exportedSeries;
      await new Promise((done) => setTimeout(done, 200));
    }
    assert.ok(
      before > 0 && before < 1500,
      `${before} of 3000 series, 33 kB each, were read for a reader that reads nothing`,
    );
    let lines = 0;
    for await (const chunk of response) for (const byte of chunk as Buffer) if (byte === 10) lines++;
    assert.equal(lines, 3000);
  }));

test("csv: fields, forms of time, quotes", () =>
  withServer([], async ({ database, port }) => {
    store(
      database,
      "a",
      [
        [1_700_000_000_120, 0.5],
        [1_700_000_001_000, Number.NaN],
        [1_700_000_002_000, -Infinity],
      ],
      'x,"y"',
    );
    const csv = async (format: string): Promise<string[]> => {
      const { headers, status, text } = await ask(
        port,
        `/api/v1/export/csv?match[]=x&format=${encodeURIComponent(format)}&reduce_mem_usage=1`,
      );
      assert.deepEqual([status, headers["content-type"]], [200, "text/csv; charset=utf-8"]);
      const lines = text.split("\n");
      assert.equal(lines.pop(), "");
      assert.equal(lines.shift(), format);
      return lines;
    };
    assert.deepEqual(await csv("__name__,job,none,__timestamp__:unix_ms,__value__"), [
      'a,"x,""y""",,1700000000120,0.5',
      'a,"x,""y""",,1700000001000,NaN',
      'a,"x,""y""",,1700000002000,-Inf',
    ]);
    assert.equal((await csv("__value__,__timestamp__:unix_s"))[0], "0.5,1700000000");
    assert.equal((await csv("__timestamp__,__value__,__name__"))[0], "1700000000120,0.5,a");
    assert.equal((await csv("__timestamp__:unix_ns,,__value__"))[0], "1700000000120000000,,0.5");
    assert.equal((await csv("__value__,__value__"))[0], "0.5,0.5");
    assert.equal((await csv("__timestamp__:unix_s,__timestamp__:unix_ns"))[0], "1700000000,1700000000120000000");
    assert.equal((await csv("__name__"))[2], "a");
    const custom = "__timestamp__:custom:05.000";
    assert.equal((await csv(`${custom},__value__`))[0], "20.120,0.5");
    const rfc3339 = (await csv("__timestamp__:rfc3339"))[0] as string;
    assert.equal(Date.parse(rfc3339), 1_700_000_000_120);
    assert.match(rfc3339, /\.12(Z|[+-]\d\d:\d\d)$/);
    for (const args of [
      "match[]=x",
      "format=__value__",
      "match[]=x&format=__timestamp__:unix",
      "match[]=up{&format=__value__",
      `match[]=x&format=${",".repeat(1000)}`,
    ]) {
      const { headers, status } = await ask(port, `/api/v1/export/csv?${args}`);
      assert.deepEqual([status, headers["content-type"]], [400, "text/plain; charset=utf-8"], args);
    }
  }));

test("blocks: what one server exports another one imports, bit by bit", () =>
  withServer([], async ({ database, port }) => {
    for (let i = 0; i < 40; i++) {
      const samples = Array.from({ length: 3000 }, (_, k): [number, number] => [
        1_700_000_000_000 + 15_000 * k,
        i + k / 8,
      ]);
      store(database, `m${i}`, samples);
    }
    const { body, headers, status } = await ask(port, "/api/v1/export/blocks?match[]=x", {
      headers: { "accept-encoding": "gzip" },
    });
    assert.deepEqual(
      [status, headers["content-type"], headers["content-encoding"]],
      [200, "application/vnd.nyanza.blocks", undefined],
    );
    await withServer([], async ({ database: other, log, metrics, port: otherPort }) => {
      const path = "/prometheus/api/v1/import/blocks";
      assert.equal((await ask(otherPort, `${path}?extra_label=from=first`, { body })).status, 204);
      assert.equal(other.stored.size, 40);
      for (const [key, { samples }] of database.stored) {
        assert.deepEqual(other.stored.get(key.replace("{", '{from="first",'))?.samples, samples, key);
      }
      assert.match(metrics.writePrometheus(), /^vm_rows_inserted_total\{type="blocks"\} 120000$/m);
      assert.match(metrics.writePrometheus(), /^vm_protoparser_rows_read_total\{type="blocks"\} 120000$/m);
      const packed = await ask(otherPort, path, { body: gzipSync(body), headers: { "content-encoding": "gzip" } });
      assert.equal(packed.status, 204);

      const samplesThere = (): number =>
        [...other.stored.values()].reduce((sum, { samples }) => sum + samples.length, 0);
      // Of what was cut the whole blocks are taken, and the answer says how much that is.
      other.stored.clear();
      const cut = await ask(otherPort, path, { body: body.subarray(0, body.length - 1) });
      assert.equal(cut.status, 400);
      assert.match(
        cut.text,
        /^blocks: at offset \d+: the stream ends without its footer: it was cut; 120000 samples in 2 blocks before it were taken\n$/,
      );
      assert.equal(samplesThere(), 120_000);

      other.stored.clear();
      const flipped = Buffer.from(body);
      flipped[body.length - 100] = (flipped[body.length - 100] as number) ^ 1;
      const bad = await ask(otherPort, path, { body: flipped });
      assert.equal(bad.status, 400);
      assert.match(
        bad.text,
        /the checksum of this block of \d+ bytes does not fit; 66000 samples in 1 blocks before it were taken/,
      );
      assert.equal(samplesThere(), 66_000);
      assert.match(metrics.writePrometheus(), /^vm_rows_invalid_total\{type="blocks"\} 2$/m);
      for (const body of ["", "x", '{"metric":{"__name__":"up"},"values":[1],"timestamps":[1]}']) {
        assert.equal((await ask(otherPort, path, { body })).status, 400, body);
      }
      assert.deepEqual(
        log.filter((line) => line.includes("damage")),
        [],
      );
    });
  }));

test("blocks: an export that is not whole says so", () =>
  withServer([], async ({ database, log, port }) => {
    store(database, "m", [[1000, 1]]);
    database.isPartial = true;
    const { body } = await ask(port, "/api/v1/export/blocks?match[]=x");
    assert.equal((await ask(port, "/api/v1/import/blocks", { body })).status, 204);
    assert.ok(log.some((line) => line.includes("damage kept its source from reading all that it had")));
    assert.equal((await ask(port, "/api/v1/export/blocks?match[]=up{")).status, 400);
    database.stored.clear();
    const empty = await ask(port, "/api/v1/export/blocks?match[]=x");
    assert.equal((await ask(port, "/api/v1/import/blocks", { body: empty.body })).status, 204);
  }));

test("federation: the last sample of each series, none of those that are over", () =>
  withServer([], async ({ database, port }) => {
    store(database, "up", [
      [1000, 1],
      [2000, 0.5],
    ]);
    store(database, "gone", [
      [1000, 1],
      [2000, STALE[0] as number],
    ]);
    store(database, "nan", [[2000, Number.NaN]]);
    store(database, "big", [[3000, -Infinity]], 'a"b');
    store(database, "with.dots", [[3000, 1e21]]);
    const { headers, status, text } = await ask(port, "/federate?match[]=x");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(
      text,
      'up{job="x"} 0.5 2000\nbig{job="a\\"b"} -Inf 3000\nwith.dots{job="x"} 1000000000000000000000 3000\n',
    );
    const escaped = async (headers: Record<string, string>): Promise<[string, string]> => {
      const answer = await ask(port, "/prometheus/federate?match[]=x", { headers });
      return [answer.headers["content-type"] as string, answer.text.split("\n").at(-2) as string];
    };
    assert.deepEqual(await escaped({ accept: "text/plain;version=1.0.0;escaping=allow-utf-8" }), [
      "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
      '{"with.dots",job="x"} 1000000000000000000000 3000',
    ]);
    assert.deepEqual(await escaped({ "user-agent": "Prometheus/2.42.0" }), [
      "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
      'with_dots{job="x"} 1000000000000000000000 3000',
    ]);
  }));

test("federation: how far it looks back, and its limits", () =>
  withServer(["-search.maxFederateSeries=7", "-search.maxLookback=2m"], async ({ database, metrics, port }) => {
    const rangeOf = async (args: string): Promise<readonly [number, number]> => {
      assert.equal((await ask(port, `/federate?match[]=x&${args}`)).status, 200);
      const { maxMs, maxSeries, maxSeriesFlag, minMs } = database.exported.at(-1) as (typeof database.exported)[0];
      assert.deepEqual([maxSeries, maxSeriesFlag], [7, "search.maxFederateSeries"]);
      return [minMs, maxMs];
    };
    const lookbackOf = async (args: string): Promise<number> => {
      const [minMs, maxMs] = await rangeOf(args);
      return maxMs - minMs;
    };
    assert.equal(await lookbackOf(""), 120_000);
    assert.equal(await lookbackOf("max_lookback=30s"), 30_000);
    assert.equal((await rangeOf("start=10&max_lookback=30s"))[0], 10_000);
    assert.deepEqual(await rangeOf("start=10&end=20"), [10_000, 20_000]);
    assert.deepEqual(await rangeOf("end=20"), [0, 20_000]);
    for (const args of ["", "match[]=up{", "match[]=up&max_lookback=x", "match[]=up&start=x"]) {
      const { headers, status } = await ask(port, `/federate?${args}`);
      assert.deepEqual([status, headers["content-type"]], [400, "text/plain; charset=utf-8"], args);
    }
    assert.match(metrics.writePrometheus(), /^vm_http_requests_total\{path="\/federate"\} 9$/m);
  }));

test("the native format of VictoriaMetrics is refused with what works instead", () =>
  withServer([], async ({ port }) => {
    const exported = await ask(port, "/api/v1/export/native?match[]=up");
    assert.equal(exported.status, 400);
    assert.match(exported.text, /\/api\/v1\/export .*\/api\/v1\/export\/csv.*\/api\/v1\/export\/blocks/);
    const imported = await ask(port, "/prometheus/api/v1/import/native", { body: Buffer.alloc(1 << 20) });
    assert.equal(imported.status, 400);
    assert.match(imported.text, /\/api\/v1\/import\b.*\/api\/v1\/import\/blocks/);
  }));
