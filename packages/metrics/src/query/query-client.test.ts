import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { gunzipSync } from "node:zlib";
import { QueryClient } from "./query-client.ts";
import { emptyVector, json, type SeenRequest, withServer } from "./stub-server.test.ts";

const emptyList = json({ status: "success", data: [] });
const vector = { status: "success", data: { resultType: "vector", result: [{ metric: { a: "b" }, value: [1, "2"] }] } };
const matrix = { status: "success", data: { resultType: "matrix", result: [] } };

function paramsOf(request: SeenRequest | undefined): [string, string][] {
  return [...(request?.params ?? [])];
}

test("query: arguments out, typed answer in", async () => {
  await withServer(json(vector), async ({ url, requests }) => {
    const client = new QueryClient(url);
    const answer = await client.query("sum(up) > 0", { time: 1_700_000_000_500, step: 15_000, dialect: "promql" });
    assert.ok(answer.resultType === "vector");
    assert.deepEqual(answer.result[0], { labels: new Map([["a", "b"]]), timestampMs: 1000, value: 2, histogram: null });
    assert.equal(requests[0]?.method, "GET");
    assert.deepEqual(paramsOf(requests[0]), [
      ["query", "sum(up) > 0"],
      ["time", "1700000000.5"],
      ["step", "15"],
      ["dialect", "promql"],
    ]);
    await client.query("up");
    assert.deepEqual(paramsOf(requests[1]), [["query", "up"]]);
  });
});

test("query range: ms, Dates and texts; only a matrix will do", async () => {
  await withServer(
    (request, response, count) => json(count === 1 ? matrix : vector)(request, response, count),
    async ({ url, requests }) => {
      const client = new QueryClient(url);
      const answer = await client.queryRange("up", { start: "now-1h", end: new Date(5_000), step: "1m" });
      assert.deepEqual(answer.result, []);
      assert.deepEqual(paramsOf(requests[0]), [
        ["query", "up"],
        ["start", "now-1h"],
        ["end", "5"],
        ["step", "1m"],
      ]);
      await assert.rejects(
        client.queryRange("up", { start: 0, end: 1, step: 1 }),
        /want resultType matrix, got vector/,
      );
    },
  );
});

test("series, labels, label values, metadata, build info", async () => {
  await withServer(
    (request, response, count) => {
      const { pathname } = new URL(request.path, "http://h");
      const answers: Record<string, unknown> = {
        "/p/api/v1/series": [{ __name__: "up" }, { __name__: "down" }],
        "/p/api/v1/labels": ["__name__", "job"],
        "/p/api/v1/label/a%2Fb/values": ["x", "y", "z"],
        "/p/api/v1/metadata": JSON.parse(`{"__proto__":[{"type":"counter","help":"h","unit":""}],"b":[{}]}`),
        "/p/api/v1/status/buildinfo": { version: "2.42.0" },
      };
      json({ status: "success", data: answers[pathname] })(request, response, count);
    },
    async ({ url, requests }) => {
      const client = new QueryClient(`${url}/p/`);
      assert.deepEqual((await client.series(["up", "down"], { start: 1000, end: 2000, limit: 1 })).data, [
        new Map([["__name__", "up"]]),
      ]);
      assert.deepEqual(paramsOf(requests[0]), [
        ["match[]", "up"],
        ["match[]", "down"],
        ["start", "1"],
        ["end", "2"],
        ["limit", "1"],
      ]);
      assert.deepEqual((await client.labels()).data, ["__name__", "job"]);
      assert.deepEqual((await client.labelValues("a/b", { match: "up", limit: 2 })).data, ["x", "y"]);
      const metadata = await client.metadata({ metric: "m", limit: 5 });
      assert.deepEqual(
        [...metadata],
        [
          ["__proto__", [{ type: "counter", help: "h", unit: "" }]],
          ["b", [{ type: "", help: "", unit: "" }]],
        ],
      );
      assert.deepEqual([...(await client.buildInfo())], [["version", "2.42.0"]]);
      for (const bad of ["", ".", ".."]) await assert.rejects(client.labelValues(bad), TypeError);
      for (const bad of [[], "", ["up", " "]]) await assert.rejects(client.series(bad), TypeError);
      await assert.rejects(client.labels({ limit: 0 }), RangeError);
      assert.equal(requests.length, 5);
    },
  );
});

test("long arguments go as a form, or as the caller says", async () => {
  await withServer(
    (request, response, count) => (request.path.includes("query") ? emptyVector : emptyList)(request, response, count),
    async ({ url, requests }) => {
      const long = `up{job="${"x".repeat(3000)}&=+ü"}`;
      const methods = async (method: "auto" | "GET" | "POST"): Promise<string> => {
        const client = new QueryClient(url, { method });
        requests.length = 0;
        await client.query("up");
        await client.query(long);
        await client.labelValues("job");
        await client.labelValues("job", { match: long });
        await client.labelValues("job", { match: [long, long, long] });
        assert.equal(requests[1]?.params.get("query"), long);
        assert.deepEqual(requests[4]?.params.getAll("match[]"), [long, long, long]);
        return requests.map((request) => request.method).join(" ");
      };
      assert.equal(await methods("auto"), "GET POST GET GET POST");
      assert.equal(await methods("GET"), "GET GET GET GET GET");
      assert.equal(await methods("POST"), "POST POST GET GET GET");
    },
  );
});

test("credentials, headers, tenants, extra labels and arguments", async () => {
  await withServer(emptyVector, async ({ url, port, requests }) => {
    const last = () => requests.at(-1)?.headers;
    await new QueryClient(`http://me:p%40ss@127.0.0.1:${port}`).query("up");
    assert.equal(last()?.authorization, `Basic ${Buffer.from("me:p@ss").toString("base64")}`);
    await new QueryClient(url, { basicAuth: { username: "ü", password: "ü:" } }).query("up");
    assert.equal(last()?.authorization, `Basic ${Buffer.from("ü:ü:").toString("base64")}`);
    await new QueryClient(url, { bearerToken: "t1" }).query("up");
    assert.equal(last()?.authorization, "Bearer t1");
    let token = 0;
    const client = new QueryClient(url, {
      bearerToken: async () => `n${++token}`,
      headers: { "X-Scope-OrgID": "a" },
      tenant: { accountId: 7 },
      extraLabels: { team: "a=b" },
      extraParams: { nocache: 1, "extra_filters[]": ["{a=1}", "{b=2}"], none: undefined },
    });
    await client.query("up", { extraParams: { nocache: true } });
    await client.query("up");
    const headers = last();
    assert.equal(headers?.authorization, "Bearer n2");
    assert.deepEqual([headers?.["x-scope-orgid"], headers?.["accountid"], headers?.["projectid"]], ["a", "7", "0"]);
    assert.deepEqual(paramsOf(requests.at(-2)), [
      ["nocache", "true"],
      ["extra_filters[]", "{a=1}"],
      ["extra_filters[]", "{b=2}"],
      ["extra_label", "team=a=b"],
      ["query", "up"],
    ]);
  });
});

test("options that make no sense are refused at once, secrets unquoted", () => {
  const secret = "s3cret";
  const fails = (url: string, options: object) =>
    assert.throws(
      () => new QueryClient(url, options),
      (error: Error) => {
        assert.match(error.name, /TypeError|RangeError/);
        assert.doesNotMatch(inspect(error, { depth: 9 }).replace(/\n {4}at .*/g, ""), /s3cret/);
        return true;
      },
      JSON.stringify(options),
    );
  fails("localhost:8428", {});
  fails("http://h", { bearerToken: `${secret}\n` });
  fails("http://h", { headers: { "x-key": `${secret}\n` } });
  fails("http://h", { headers: { "x key": secret } });
  fails("http://h", { bearerToken: secret, basicAuth: { username: "a", password: secret } });
  fails(`http://a:${secret}@h`, { bearerToken: secret });
  fails("http://h", { basicAuth: { username: "a:b", password: secret } });
  fails("http://h/select/0/prometheus", { tenant: { accountId: 1 } });
  for (const accountId of [-1, 1.5, 2 ** 32]) fails("http://h", { tenant: { accountId } });
  for (const timeoutMs of [0, -1, Number.NaN, "5"]) fails("http://h", { timeoutMs });
  for (const retries of [-1, 0.5, Infinity]) fails("http://h", { retries });
  fails("http://h", { maxResponseBytes: 0 });
  fails("http://h", { extraLabels: { "a=b": "c" } });
  const client = new QueryClient(`http://me:${secret}@h`, { headers: { "x-key": secret } });
  assert.doesNotMatch(inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client), /s3cret/);
});

test("export: series as they come, over any cut of the bytes", async () => {
  const lines = [
    `{"metric":{"__name__":"a","ü":"🌊"},"values":[1.5,null,"Infinity","-Infinity"],"timestamps":[1,2,3,4]}`,
    `{"metric":{"__proto__":"b"},"values":[],"timestamps":[]}`,
  ];
  const body = Buffer.from(`${lines[0]}\n${lines[1]}\n`);
  const at = body.indexOf("🌊") + 2;
  await withServer(
    async (_request, response) => {
      response.write(body.subarray(0, at));
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.end(body.subarray(at));
    },
    async ({ url, requests }) => {
      const found = [];
      for await (const series of new QueryClient(url).export(["a", "b"], { start: 1000, end: "now" }))
        found.push(series);
      assert.deepEqual(found, [
        {
          labels: new Map([
            ["__name__", "a"],
            ["ü", "🌊"],
          ]),
          timestampsMs: Float64Array.of(1, 2, 3, 4),
          values: Float64Array.of(1.5, Number.NaN, Infinity, -Infinity),
        },
        { labels: new Map([["__proto__", "b"]]), timestampsMs: new Float64Array(0), values: new Float64Array(0) },
      ]);
      assert.deepEqual(paramsOf(requests[0]), [
        ["match[]", "a"],
        ["match[]", "b"],
        ["start", "1"],
        ["end", "now"],
        ["max_rows_per_line", "100000"],
      ]);
    },
  );
});

test("import: batches, compressed when large, with the client's arguments", async () => {
  await withServer(
    (_request, response) => void response.writeHead(204).end(),
    async ({ url, requests }) => {
      const client = new QueryClient(url, { insertUrl: `${url}/insert/3`, extraLabels: new Map([["dc", "x"]]) });
      const line = `{"metric":{"a":"b"},"values":[1],"timestamps":[1]}`;
      const lines = Array.from({ length: 1000 }, () => line);
      const result = await client.import(lines, { batchBytes: 20_000 });
      assert.deepEqual(result, { lines: 1000, requests: 3, bytes: 1000 * (line.length + 1) });
      assert.equal(requests[0]?.path, "/insert/3/prometheus/api/v1/import?extra_label=dc%3Dx");
      const sent = requests.map(({ headers, body }) =>
        headers["content-encoding"] === "gzip" ? gunzipSync(body) : body,
      );
      assert.equal(Buffer.concat(sent).toString(), `${lines.join("\n")}\n`);
      assert.equal(requests[0]?.headers["content-encoding"], "gzip");
      requests.length = 0;
      await client.import({ labels: { a: "b" }, timestampsMs: [1], values: [1] });
      assert.equal(requests[0]?.body.toString(), `${line}\n`);
      assert.equal(requests[0]?.headers["content-encoding"], undefined);
      await client.importText("up 1", { timestamp: new Date(5), compression: "none" });
      assert.equal(requests[1]?.path, "/insert/3/prometheus/api/v1/import/prometheus?extra_label=dc%3Dx&timestamp=5");
      assert.equal(requests[1]?.body.toString(), "up 1\n");
      assert.deepEqual(await client.import([]), { lines: 0, requests: 0, bytes: 0 });
      const cluster = new QueryClient(`${url}/select/3/prometheus`);
      await assert.rejects(cluster.import("x"), /TypeError: import: .*give insertUrl/);
      assert.equal(requests.length, 2);
    },
  );
});

test("delete series: a form, in a cluster under /delete", async () => {
  await withServer(
    (_request, response) => void response.writeHead(204).end(),
    async ({ url, requests }) => {
      await new QueryClient(url).deleteSeries(["a", "b"], { extraParams: { authKey: "k" } });
      await new QueryClient(`${url}/select/3/prometheus`).deleteSeries("a");
      assert.deepEqual(
        requests.map(({ method, path }) => [method, path]),
        [
          ["POST", "/api/v1/admin/tsdb/delete_series"],
          ["POST", "/delete/3/prometheus/api/v1/admin/tsdb/delete_series"],
        ],
      );
      assert.deepEqual(paramsOf(requests[0]), [
        ["authKey", "k"],
        ["match[]", "a"],
        ["match[]", "b"],
      ]);
      await assert.rejects(new QueryClient(url).deleteSeries([]), TypeError);
    },
  );
});

test("health: at /health, at /-/healthy, nowhere", async () => {
  const paths = new Map<string, number>();
  await withServer(
    (request, response) => void response.writeHead(paths.get(request.path) ?? 404).end(),
    async ({ url, requests }) => {
      const client = new QueryClient(`${url}/prometheus`, { retries: 5, method: "POST" });
      await assert.rejects(client.health(), { code: "SERVER", status: 404 });
      paths.set("/prometheus/-/healthy", 200);
      assert.equal(await client.health(), true);
      assert.deepEqual(
        requests.slice(3).map(({ method, path }) => `${method} ${path}`),
        ["GET /health", "GET /-/healthy", "GET /prometheus/-/healthy"],
      );
      paths.set("/health", 503);
      requests.length = 0;
      assert.equal(await client.health(), false);
      assert.equal(requests.length, 1, "asked once");
      paths.set("/health", 401);
      await assert.rejects(client.health(), { status: 401 });
      paths.set("/health", 200);
      assert.equal(await client.health(), true);
    },
  );
  assert.equal(await new QueryClient("http://127.0.0.1:1").health(), false);
});
