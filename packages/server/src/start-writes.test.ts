/** What is stored, deleted and kept by request, over real sockets. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { encodeSnappy, encodeWriteRequest } from "@nyanza/tsdb/ingest";
import { ask, withServer } from "./start.test.support.ts";

test("text exposition and JSON lines are stored; bad lines are skipped and counted", () =>
  withServer([], async ({ database, log, metrics, port }) => {
    const text = 'up{job="a"} 1 1700000000000\nbad line here {{{\nup{job="b"} 2.5 1700000000001\n';
    assert.equal(
      (await ask(port, "/api/v1/import/prometheus?extra_label=job=z&extra_label=dc=x", { body: text })).status,
      204,
    );
    assert.deepEqual(database.stored.get('up{dc="x",job="z"}')?.samples, [
      [1_700_000_000_000, 1],
      [1_700_000_000_001, 2.5],
    ]);
    const json = '{"metric":{"__name__":"j","__proto__":"p"},"values":[1,null],"timestamps":[1,2]}\n{"metric":\n';
    const packed = { body: gzipSync(json), headers: { "content-encoding": "gzip" } };
    assert.equal((await ask(port, "/prometheus/api/v1/import", packed)).status, 204);
    assert.equal(database.stored.get('j{__proto__="p"}')?.samples.length, 2);
    const page = metrics.writePrometheus();
    assert.match(page, /vm_rows_inserted_total\{type="prometheus"\} 2\n/);
    assert.match(page, /vm_rows_invalid_total\{type="prometheus"\} 1\n/);
    assert.match(page, /vm_rows_invalid_total\{type="vmimport"\} 1\n/);
    assert.equal(log.filter((line) => /skipped 1 bad rows/.test(line)).length, 2);
    const push = await ask(port, "/api/v1/import/prometheus/metrics/job/cron/instance/i", { body: "x 1\n" });
    assert.equal(push.status, 200);
    assert.ok(database.stored.has('x{instance="i",job="cron"}'));
  }));

test("remote write: broken bodies are 400 in either codec, the handshake is answered", () =>
  withServer(["-maxInsertRequestSize=1000"], async ({ database, port }) => {
    for (const [body, headers] of [
      ["", {}],
      ["xx", {}],
      ["\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", {}],
      ["xx", { "content-encoding": "zstd" }],
      ["xx", { "content-encoding": "snappy" }],
      ["x".repeat(1001), {}],
    ] as const) {
      const reply = await ask(port, "/api/v1/write", { body: Buffer.from(body, "latin1"), headers: { ...headers } });
      assert.equal(reply.status, 400, reply.text);
      assert.ok(reply.text.length > 10);
    }
    const message = encodeWriteRequest([
      { labels: [["a", "b"]] as const, timestamps: [1000], values: Float64Array.of(1) },
    ]);
    const snappy = encodeSnappy(message);
    assert.equal((await ask(port, "/api/v1/write", { body: snappy })).status, 204);
    assert.deepEqual([...database.stored.values()][0]?.samples, [[1000, 1]]);
    assert.equal((await ask(port, "/api/v1/write?extra_label=c=d", { body: snappy })).status, 204);
    assert.ok(database.stored.has('{a="b",c="d"}'));
    assert.equal((await ask(port, "/api/v1/write?get_vm_proto_version=1")).text, "1");
    const headers = { "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request" };
    assert.equal((await ask(port, "/api/v1/write", { body: snappy, headers })).status, 415);
  }));

test("-usePromCompatibleNaming holds for every protocol", () =>
  withServer(["-usePromCompatibleNaming"], async ({ database, port }) => {
    const json = '{"metric":{"__name__":"a.b:c","d-e":"f.g","1x":"y"},"values":[1],"timestamps":[1]}';
    assert.equal((await ask(port, "/api/v1/import", { body: json })).status, 204);
    const labels = [
      ["__name__", "0.é"],
      ["x.y", "z.z"],
    ] as const;
    const body = encodeSnappy(encodeWriteRequest([{ labels, timestamps: [1], values: Float64Array.of(1) }]));
    assert.equal((await ask(port, "/api/v1/write", { body })).status, 204);
    assert.deepEqual([...database.stored.keys()], ['a_b:c{1x="y",d_e="f.g"}', '0__{x_y="z.z"}']);
  }));

test("OpenTelemetry: stored, answered in kind; bodies that are not what their header says are 400", () =>
  withServer([], async ({ database, port }) => {
    const point = { timeUnixNano: "1700000000000000000", asDouble: 1.5 };
    const metric = { name: "temp.c", gauge: { dataPoints: [point] } };
    const attributes = [{ key: "service.name", value: { stringValue: "boat" } }];
    const body = JSON.stringify({
      resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: [metric] }] }],
    });
    const headers = { "content-type": "application/json; charset=utf-8" };
    for (const path of ["/opentelemetry/v1/metrics", "/v1/metrics", "/opentelemetry/api/v1/push"]) {
      const reply = await ask(port, path, { body, headers });
      assert.deepEqual([reply.status, reply.text], [200, "{}"], path);
      assert.equal(reply.headers["content-type"], "application/json");
    }
    const series = [...database.stored.values()][0];
    assert.equal(series?.labels.get("service.name"), "boat");
    assert.equal(series?.samples.length, 3);
    const empty = await ask(port, "/v1/metrics", { body: "", headers: { "content-type": "application/x-protobuf" } });
    assert.deepEqual([empty.status, empty.body.length], [200, 0]);
    assert.equal((await ask(port, "/v1/metrics", { body })).status, 400);
    assert.equal((await ask(port, "/v1/metrics", { body: "\n\x05abc", headers })).status, 400);
    assert.equal((await ask(port, "/v1/metrics", { body: '{"resourceMetrics":[', headers })).status, 400);
  }));

test("slow senders do not keep others out", () =>
  withServer(["-maxConcurrentInserts=1", "-insert.maxQueueDuration=1s"], async ({ port }) => {
    const sockets = Array.from({ length: 5 }, (_, i) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      const path = i % 2 === 0 ? "/api/v1/write" : "/api/v1/import/prometheus";
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx`);
      return socket;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await ask(port, "/api/v1/import/prometheus", { body: "x 1\n" })).status, 204);
    for (const socket of sockets) socket.destroy();
  }));

test("deletes: by POST only, of what match[] says, in the range, with a key of their own", () =>
  withServer(["-deleteAuthKey=secret"], async ({ database, port }) => {
    const path = "/api/v1/admin/tsdb/delete_series?authKey=secret&match[]=a&match[]=b{c=%22d%22}";
    const post = (more: string) => ask(port, `${path}${more}`, { method: "POST" });
    assert.equal((await ask(port, path)).status, 405);
    assert.equal((await ask(port, path.replace("secret", "guess"), { method: "POST" })).status, 401);
    assert.equal((await ask(port, "/api/v1/admin/tsdb/delete_series?authKey=secret", { method: "POST" })).status, 400);
    assert.equal((await post("&start=20&end=10")).status, 400);
    assert.equal(database.deleted.length, 0);
    const reply = await post("");
    assert.deepEqual([reply.status, reply.text], [204, ""]);
    assert.equal((await ask(port, `/prometheus${path}&start=10&end=20.5`, { method: "POST" })).status, 204);
    const [all, range] = database.deleted;
    assert.deepEqual([all?.minMs, all?.maxMs, all?.groups.length], [0, Number.MAX_SAFE_INTEGER, 2]);
    assert.deepEqual([range?.minMs, range?.maxMs], [10_000, 20_500]);
    assert.equal(range?.maxSeries, 1_000_000);
  }));

test("snapshots: made, listed, deleted, in VictoriaMetrics' words; their key guards all of them", () =>
  withServer(["-snapshotAuthKey=secret"], async ({ database, port }) => {
    const call = async (path: string): Promise<[number, unknown]> => {
      const reply = await ask(port, `${path}${path.includes("?") ? "&" : "?"}authKey=secret`);
      return [reply.status, JSON.parse(reply.text)];
    };
    assert.equal((await ask(port, "/snapshot/create")).status, 401);
    assert.equal((await ask(port, "/api/v1/admin/tsdb/snapshot")).status, 401);
    assert.deepEqual(await call("/snapshot/list"), [200, { status: "ok", snapshots: [] }]);
    const [, made] = (await call("/snapshot/create")) as [number, { status: string; snapshot: string }];
    assert.equal(made.status, "ok");
    const [, prometheus] = (await call("/api/v1/admin/tsdb/snapshot")) as [number, { data: { name: string } }];
    const names = [made.snapshot, prometheus.data.name];
    assert.deepEqual(await call("/snapshot/list"), [200, { status: "ok", snapshots: names }]);
    assert.deepEqual(await call(`/snapshot/delete?snapshot=${names[0]}`), [200, { status: "ok" }]);
    const missing = { status: "error", msg: `cannot find snapshot "${names[0]}"` };
    assert.deepEqual(await call(`/snapshot/delete?snapshot=${names[0]}`), [500, missing]);
    assert.deepEqual(await call("/snapshot/delete_all"), [200, { status: "ok" }]);
    assert.deepEqual(await call("/snapshot/list"), [200, { status: "ok", snapshots: [] }]);
    database.failure = new Error("no space");
    assert.deepEqual(await call("/snapshot/create"), [500, { status: "error", msg: "no space" }]);
  }));
