/**
 * The kit's QueryClient against the servers it is made for: one scenario on our server, Debian's victoria-metrics and prometheus,
 * each as far as it has the endpoint.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ExportedSeries, QueryClient, QueryError } from "@nyanza/metrics";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { ProtobufWriter } from "./support/protobuf.ts";
import { compressBody, encodeLabels, remoteWrite, remoteWriteHeaders, seriesOf } from "./support/remote-write.ts";
import { type Scope, scoped } from "./support/scope.ts";

type ServerName = "nyanza" | "victoria-metrics" | "prometheus";

interface Server {
  readonly name: ServerName;
  readonly url: string;
}

const names: readonly ServerName[] = ["nyanza", "victoria-metrics", "prometheus"];
const prometheusFlags = [
  "--web.enable-remote-write-receiver",
  "--web.enable-admin-api",
  "--enable-feature=native-histograms",
];

async function start(scope: Scope, name: ServerName): Promise<Server> {
  if (name === "nyanza") return { name, url: (await startNyanza(scope)).url };
  const flags = name === "prometheus" ? prometheusFlags : [];
  return { name, url: (await startPeer(scope, name, { flags })).url };
}

/** Of the present, since Prometheus takes no old samples; whole steps, since VictoriaMetrics aligns to them. */
const stepMs = 15_000;
const endMs = Math.floor(Date.now() / stepMs) * stepMs;
const startMs = endMs - 20 * stepMs;
const timestampsMs = Array.from({ length: 21 }, (_, i) => startMs + i * stepMs);
const oddValue = `ünï "quoted" \\ ${"\u{1f980}"}\n`;

interface Column {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

const columns: readonly Column[] = [
  { labels: { __name__: "kit_up", job: "a", odd: oddValue }, values: timestampsMs.map((_, i) => i + 0.1) },
  { labels: { __name__: "kit_up", job: "b" }, values: timestampsMs.map((_, i) => (i - 3) / 8) },
  {
    labels: { __name__: "kit_infinite" },
    values: timestampsMs.map((_, i) => (i % 2 === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)),
  },
];

/** By import where there is one, else by remote write. */
async function feed({ name, url }: Server, client: QueryClient): Promise<void> {
  if (name === "prometheus") {
    const series = columns.map(({ labels: { __name__, ...labels }, values }) =>
      seriesOf(
        __name__ as string,
        labels,
        values.map((value, i) => [timestampsMs[i] as number, value]),
      ),
    );
    // Prometheus wants labels in order.
    const sorted = series.map((one) => ({ ...one, labels: [...one.labels].sort((a, b) => (a[0] < b[0] ? -1 : 1)) }));
    assert.equal((await remoteWrite(url, sorted)).status, 204);
    return;
  }
  const result = await client.import(columns.map((column) => ({ ...column, timestampsMs })));
  assert.deepEqual([result.lines, result.requests], [3, 1]);
  assert.equal((await http(`${url}/internal/force_flush`)).status, 200);
}

async function errorOf(promise: Promise<unknown>): Promise<QueryError> {
  const error = await promise.then(
    () => assert.fail("want an error"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof QueryError, String(error));
  return error;
}

async function collect(series: AsyncIterable<ExportedSeries>): Promise<Map<string, ExportedSeries>> {
  const found = new Map<string, ExportedSeries>();
  for await (const one of series) found.set(JSON.stringify([...one.labels].sort()), one);
  return found;
}

/** Status and type of the error of a query that cannot be read. */
const badQuery: Readonly<Record<ServerName, readonly [number, string]>> = {
  nyanza: [400, "400"],
  "victoria-metrics": [422, "422"],
  prometheus: [400, "bad_data"],
};

for (const name of names) {
  test(
    `${name}: query, range, series, labels, values, errors, status`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const server = await start(scope, name);
      const client = new QueryClient(`${server.url}/`);
      assert.equal(await client.health(), true);
      await feed(server, client);

      const instant = await client.query("kit_up", { time: endMs });
      assert.ok(instant.resultType === "vector");
      const byJob = new Map(instant.result.map((sample) => [sample.labels.get("job"), sample]));
      assert.deepEqual([byJob.get("a")?.value, byJob.get("b")?.value], [20.1, 17 / 8]);
      assert.equal(byJob.get("a")?.labels.get("odd"), oddValue);
      assert.equal(byJob.get("a")?.timestampMs, endMs);
      assert.equal(instant.isPartial, false);

      for (const range of [
        { start: startMs, end: endMs, step: stepMs },
        { start: new Date(startMs), end: new Date(endMs).toISOString(), step: "15s" },
      ]) {
        const { result } = await client.queryRange("kit_up", range);
        for (const { labels, values } of columns.slice(0, 2)) {
          const series = result.find((one) => one.labels.get("job") === labels["job"]);
          assert.deepEqual([...(series?.timestampsMs ?? [])], timestampsMs);
          assert.deepEqual([...(series?.values ?? [])], values, "every bit");
        }
      }
      const infinite = await client.queryRange("kit_infinite", { start: startMs, end: endMs, step: stepMs });
      assert.deepEqual([...(infinite.result[0]?.values ?? [])], columns[2]?.values);
      const raw = await client.query("kit_up[1m]", { time: endMs });
      assert.ok(raw.resultType === "matrix" && raw.result.length === 2 && (raw.result[0]?.values.length ?? 0) >= 4);

      // Longer than any server's request line.
      const matches = Array.from({ length: 900 }, (_, i) => `nobody_${i}`).join("|");
      const long = await client.query(`{__name__=~"kit_up|${matches}",job="a"}`, { time: endMs });
      assert.equal(Array.isArray(long.result) && long.result.length, 1);

      const range = { start: startMs, end: endMs };
      const series = await client.series(["kit_up", "kit_infinite"], range);
      assert.deepEqual(series.data.map((labels) => labels.get("__name__")).sort(), [
        "kit_infinite",
        "kit_up",
        "kit_up",
      ]);
      assert.equal((await client.series(`{__name__=~"kit_.*"}`, { ...range, limit: 2 })).data.length, 2);
      const wanted = ["__name__", "job", "odd"];
      assert.deepEqual((await client.labels({ ...range, match: "kit_up" })).data, wanted);
      assert.deepEqual((await client.labelValues("job", { ...range, match: "kit_up" })).data, ["a", "b"]);
      assert.deepEqual((await client.labelValues("odd", { ...range, match: "kit_up" })).data, [oddValue]);

      const error = await errorOf(client.query("sum(rate("));
      assert.equal(error.code, "SERVER");
      assert.equal(error.query, "sum(rate(");
      assert.deepEqual([error.status, error.errorType], badQuery[name]);
      assert.match(error.detail, /parse|token|want|unexpected/i);
      assert.equal(
        (await errorOf(new QueryClient(`${server.url}/nowhere`).query("up"))).status,
        name === "prometheus" ? 404 : 400,
      );

      assert.ok((await client.metadata()) instanceof Map);
      const version = (await client.buildInfo()).get("version");
      if (name !== "victoria-metrics") assert.match(version ?? "", /^\d+\.\d+/);
    }),
  );
}

test(
  "answers that only Prometheus gives: scalars, strings, statistics, native histograms",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await start(scope, "prometheus");
    const client = new QueryClient(url);
    const scalar = await client.query("1.5 * 2", { time: endMs + 1, extraParams: { stats: "all" } });
    assert.ok(scalar.resultType === "scalar");
    assert.deepEqual(scalar.result, { timestampMs: endMs + 1, value: 3 });
    assert.ok(typeof scalar.stats === "object" && scalar.stats !== null && "timings" in scalar.stats);
    const text = await client.query(`"é"`, { time: endMs });
    assert.deepEqual([text.resultType, text.result], ["string", { timestampMs: endMs, value: "é" }]);

    const body = compressBody(nativeHistogram());
    assert.equal((await http(`${url}/api/v1/write`, { headers: remoteWriteHeaders, body })).status, 204);
    const instant = await client.query("kit_native", { time: endMs });
    assert.ok(instant.resultType === "vector");
    const { value, histogram } = instant.result[0] ?? {};
    assert.ok(Number.isNaN(value));
    assert.deepEqual({ ...(histogram as object), buckets: null }, { count: "3", sum: "4.5", buckets: null });
    const range = await client.queryRange("kit_native", { start: endMs, end: endMs + 30_000, step: stepMs });
    const [series] = range.result;
    assert.deepEqual([series?.values.length, series?.histograms.length], [0, 3]);
    assert.deepEqual(series?.histograms[0], { timestampMs: endMs, histogram });
  }),
);

/** One sample with three observations in the bucket that ends at 2. Source: Prometheus' prompb/types.proto. */
function nativeHistogram(): Buffer {
  const double = (number: number): Uint8Array => new Uint8Array(Float64Array.of(number).buffer);
  const span = new ProtobufWriter().tag(1, 0).varint(2).tag(2, 0).varint(1).finish();
  const histogram = new ProtobufWriter().tag(1, 0).varint(3).tag(3, 1).fixed64(double(4.5), 0).tag(4, 0).varint(0);
  histogram.tag(5, 1).fixed64(double(1e-128), 0).tag(6, 0).varint(0);
  histogram.field(11, span).field(12, Uint8Array.of(6)).tag(15, 0).varint(endMs);
  const series = new ProtobufWriter().raw(encodeLabels([["__name__", "kit_native"]])).field(4, histogram.finish());
  return Buffer.from(new ProtobufWriter().field(1, series.finish()).finish());
}

test(
  "export → import: a million samples from ours to victoria-metrics and back, bit by bit",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const [nyanza, victoria] = await Promise.all([start(scope, "nyanza"), start(scope, "victoria-metrics")]);
    const [ours, theirs] = [new QueryClient(nyanza.url), new QueryClient(victoria.url)];
    const samples = 10_500;
    const fromMs = endMs - samples * 1000;
    async function* source(): AsyncGenerator<{
      labels: Map<string, string>;
      timestampsMs: Float64Array;
      values: Float64Array;
    }> {
      for (let s = 0; s < 100; s++) {
        yield {
          labels: new Map([
            ["__name__", "kit_bulk"],
            ["s", String(s)],
            ["odd", oddValue],
          ]),
          timestampsMs: Float64Array.from({ length: samples }, (_, i) => fromMs + i * 1000 + s),
          // What VictoriaMetrics keeps exactly: decimals of few digits.
          values: Float64Array.from({ length: samples }, (_, i) => (s * i) / 8),
        };
      }
    }
    const startedMs = performance.now();
    const first = await ours.import(source());
    assert.ok(first.requests > 3, `${first.requests} requests`);
    const range = { start: fromMs, end: endMs };
    const second = await theirs.import(ours.export("kit_bulk", range));
    assert.equal(second.lines, 200, "a line has ten thousand samples at most");
    await http(`${victoria.url}/internal/force_flush`);
    const found = await collect(theirs.export("kit_bulk", range));
    // What JSON cannot say.
    const special = {
      labels: { __name__: "kit_special" },
      timestampsMs: timestampsMs.slice(0, 4),
      values: [-0, Infinity, NaN, -Infinity],
    };
    for (const [client, { url }] of [
      [ours, nyanza],
      [theirs, victoria],
    ] as const) {
      await client.import(special);
      await http(`${url}/internal/force_flush`);
      const [series] = (await collect(client.export("kit_special", { start: startMs, end: endMs }))).values();
      const numbers = [...(series?.values ?? [])].filter((value) => !Number.isNaN(value));
      assert.deepEqual(numbers.map(Math.abs), [0, Infinity, Infinity]);
      if (client === ours) assert.ok(Object.is(numbers[0], -0) && series?.values.length === 4);
    }
    console.log(`two million samples in and out in ${Math.round(performance.now() - startedMs)} ms`);
    assert.equal(found.size, 100);
    for await (const { labels, timestampsMs: wantedMs, values } of source()) {
      const series = found.get(JSON.stringify([...labels].sort()));
      assert.deepEqual(series?.timestampsMs, wantedMs);
      assert.deepEqual(series?.values, values);
    }

    for (const client of [ours, theirs]) {
      let pieces = 0;
      for await (const { values } of client.export("kit_bulk", { ...range, maxSamplesPerPiece: 500 })) {
        assert.ok(values.length <= 500);
        if (++pieces === 30) break;
      }
      assert.equal(pieces, 30, "left early");
      assert.equal(
        (await client.query("count(kit_bulk)", { time: endMs - 500 })).resultType,
        "vector",
        "and still at work",
      );
    }
    const text = `kit_text{a="b"} 7 ${endMs}\n# a remark\nkit_text{a="c"} 8 ${endMs}`;
    for (const [client, { url }] of [
      [ours, nyanza],
      [theirs, victoria],
    ] as const) {
      assert.equal((await client.importText(text)).requests, 1);
      await http(`${url}/internal/force_flush`);
      const answer = await client.query("sum(kit_text)", { time: endMs });
      assert.ok(answer.resultType === "vector" && answer.result[0]?.value === 15);
    }
  }),
);

for (const name of names) {
  test(
    `${name}: deleting series`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const server = await start(scope, name);
      const client = new QueryClient(server.url);
      await feed(server, client);
      const count = async (): Promise<number> => {
        const answer = await client.query(`count(kit_up) or vector(0)`, { time: endMs });
        assert.ok(answer.resultType === "vector");
        return answer.result[0]?.value ?? Number.NaN;
      };
      assert.equal(await count(), 2);
      await client.deleteSeries(`kit_up{job="a"}`);
      assert.equal(await count(), 1);
    }),
  );
}

test(
  "what Prometheus has not: export and import are refused by name",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const { url } = await start(scope, "prometheus");
    const client = new QueryClient(url);
    const calls = [() => collect(client.export("up")), () => client.import("{}"), () => client.importText("up 1\n")];
    for (const call of calls) {
      const error = await errorOf(call());
      assert.deepEqual([error.code, error.status, error.detail], ["SERVER", 404, "404 page not found"]);
    }
  }),
);

test(
  "credentials, prefixes, extra labels and compression as the servers take them",
  { timeout: 60_000 },
  scoped(async (scope) => {
    const login = ["-httpAuth.username=me", "-httpAuth.password=p@ss:w/rd"];
    const [nyanza, victoria] = await Promise.all([
      startNyanza(scope, { flags: login }),
      startPeer(scope, "victoria-metrics", { flags: login }),
    ]);
    for (const { url, port } of [nyanza, victoria]) {
      const client = new QueryClient(`http://me:p%40ss%3Aw%2Frd@127.0.0.1:${port}/prometheus/`, {
        extraLabels: { dc: "x" },
      });
      assert.equal(await client.health(), true);
      const lines = Array.from(
        { length: 200 },
        (_, i) => `{"metric":{"__name__":"kit_dc","n":"${i}"},"values":[1],"timestamps":[${endMs}]}`,
      );
      await client.import(lines);
      const authorized = { headers: { authorization: `Basic ${Buffer.from("me:p@ss:w/rd").toString("base64")}` } };
      await http(`${url}/internal/force_flush`, authorized);
      const answer = await client.query("count(kit_dc) by (dc)", { time: endMs });
      assert.ok(answer.resultType === "vector");
      assert.deepEqual(
        answer.result.map(({ labels, value }) => [labels.get("dc"), value]),
        [["x", 200]],
      );
      const others = new QueryClient(url, {
        basicAuth: { username: "me", password: "p@ss:w/rd" },
        extraLabels: { dc: "y" },
      });
      assert.deepEqual((await others.series("kit_dc", { start: startMs, end: endMs })).data, []);
      const stranger = await errorOf(new QueryClient(url).query("up"));
      assert.deepEqual([stranger.code, stranger.status], ["SERVER", 401]);
    }
  }),
);
