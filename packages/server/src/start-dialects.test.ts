/** MetricsQL or PromQL, over real sockets: who says which, and what each makes of arguments, errors and texts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "@nyanza/tsdb";
import type { InstantQuery, RangeQuery } from "./api/database.ts";
import { OverloadError } from "./http/errors.ts";
import { ask, FORM, type Reply, withServer } from "./start.test.support.ts";

test("a query says which dialect it is in, and promql has Prometheus' arguments", () =>
  withServer(
    ["-search.maxPointsPerTimeseries=20000", "-search.latencyOffset=30s", "-memory.allowedBytes=4MiB"],
    async ({ port, database }) => {
      const status = async (path: string): Promise<number> => (await ask(port, path)).status;
      assert.equal(await status("/api/v1/query?query=x"), 200);
      assert.equal(await status("/api/v1/query?query=x&dialect=metricsql&limit=1&lookback_delta=1s"), 200);
      assert.deepEqual(
        database.asked.splice(0).map(({ options }) => [options.dialect, options.lookbackMs, options.mayAlign]),
        [
          ["metricsql", undefined, true],
          ["metricsql", undefined, true],
        ],
      );
      const promql = "dialect=promql&extra_label=a=b&lookback_delta=90s";
      assert.equal(await status(`/api/v1/query?query=x&time=1700000000.123&${promql}`), 200);
      assert.equal(await status(`/api/v1/query_range?query=x&start=100&end=200.5&step=1m&${promql}`), 200);
      assert.equal(await status("/api/v1/query_range?query=x&start=100&end=200.5&step=0.5&dialect=promql"), 200);
      const [instant, range, plain] = database.asked.map(({ options }) => options);
      const { signal, nowMs, stepMs, trace, ...kept } = instant as InstantQuery;
      assert.equal(trace, null);
      assert.deepEqual(kept, {
        dialect: "promql",
        tenant: { accountId: 0, projectId: 0 },
        timeMs: 1_700_000_000_123,
        lookbackMs: 90_000,
        latencyOffsetMs: 0,
        mayAlign: false,
        mayCache: true,
        stats: false,
        maxQueryLength: 16_384,
        maxSeries: 300_000,
        maxSamples: 1_000_000_000,
        maxPointsPerSeries: 11_000,
        maxSubqueryPoints: 100_000,
        maxSamplesPerSeries: 30_000_000,
        maxAggregateSeries: 1_000_000,
        maxResponseSeries: 0,
        maxMemoryBytes: 1 << 20,
        maxPushdownValues: 100,
        maxWorkMs: Infinity,
        minStalenessMs: 0,
        latencyStepMaxMs: 60_000,
        refusesImplicit: false,
        extraFilters: [[{ label: "a", op: "=", value: "b" }]],
        onImplicit: undefined,
        roundDigits: undefined,
        helpers: [],
        // Of ranges.
        startMs: 0,
        endMs: 0,
      });
      const { startMs, endMs, stepMs: rangeStepMs } = range as RangeQuery;
      assert.deepEqual([startMs, endMs, rangeStepMs], [100_000, 200_500, 60_000], "not aligned");
      assert.deepEqual([plain?.lookbackMs, plain?.stepMs], [300_000, 500]);

      const refused = async (path: string, message: RegExp): Promise<void> => {
        const reply = await ask(port, path);
        assert.equal(reply.status, 400, path);
        assert.match((JSON.parse(reply.text) as { error: string }).error, message, path);
      };
      await refused("/api/v1/query?query=x&dialect=logql", /argument dialect: want metricsql or promql, got "logql"/);
      await refused("/api/v1/query?query=x&dialect=promql&limit=-1", /invalid parameter "limit"/);
      await refused(
        "/api/v1/query?query=x&dialect=promql&lookback_delta=x",
        /error parsing lookback delta duration: cannot parse "x" to a valid duration/,
      );
      const ranges = "/api/v1/query_range?dialect=promql&query=x";
      await refused(`${ranges}&end=2&step=1`, /invalid parameter "start": cannot parse "" to a valid timestamp/);
      await refused(
        `${ranges}&start=2&end=1&step=1`,
        /invalid parameter "end": end timestamp must not be before start time/,
      );
      await refused(`${ranges}&start=1&end=2`, /invalid parameter "step": cannot parse "" to a valid duration/);
      await refused(`${ranges}&start=1&end=2&step=0`, /invalid parameter "step": zero or negative query resolution/);
    },
  ));

test("in promql errors have Prometheus' names and statuses", () =>
  withServer(["-search.maxQueryDuration=50ms"], async ({ database, port }) => {
    const path = "/api/v1/query?query=x&dialect=promql&stats=all";
    const fail = async (failure: Error): Promise<unknown[]> => {
      database.failure = failure;
      const { headers, status, text } = await ask(port, path);
      database.failure = null;
      const { errorType, error } = JSON.parse(text) as { errorType: string; error: string };
      return [status, errorType, error, headers["retry-after"]];
    };
    const failures: [Error, unknown[]][] = [
      [
        new InputError("1:2: parse error: x", 400, 1, 2),
        [400, "bad_data", 'invalid parameter "query": 1:2: parse error: x'],
      ],
      [new InputError("too many points"), [400, "bad_data", "too many points"]],
      [new InputError("too many samples", 422), [422, "execution", "too many samples"]],
      [new OverloadError(503, "busy", 3), [503, "unavailable", "busy", "3"]],
      [new Error("a bug"), [500, "internal", "internal error; see the server's log"]],
    ];
    for (const [failure, want] of failures) {
      const got = await fail(failure);
      assert.deepEqual(got.slice(0, want.length), want);
    }
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { status, text } = await ask(port, path);
    open();
    assert.equal(status, 503);
    assert.match(
      text,
      /"errorType":"timeout","error":"query timed out in expression evaluation: .*-search\.maxQueryDuration/,
    );
  }));

test("-search.dialect is for requests that name none", () =>
  withServer(["-search.dialect=promql", "-search.maxLookback=1m"], async ({ port, database }) => {
    await ask(port, "/api/v1/query?query=x");
    await ask(port, "/api/v1/query?query=x&dialect=metricsql");
    assert.deepEqual(
      database.asked.map(({ options }) => [options.dialect, options.lookbackMs]),
      [
        ["promql", 60_000],
        ["metricsql", 60_000],
      ],
    );
  }));

test("a query's text can be prettified and expanded", () =>
  withServer(["-search.maxQueryLen=200"], async ({ database, port }) => {
    const get = async (path: string, query: string): Promise<Reply> => {
      const reply = await ask(port, `${path}${path.includes("?") ? "&" : "?"}query=${encodeURIComponent(query)}`);
      assert.equal(reply.status, 200, reply.text);
      return reply;
    };
    const pretty = await get("/prettify-query", "sum by(a)(x{b='<c>'})");
    assert.equal(pretty.headers["content-type"], "application/json");
    assert.equal(pretty.text, '{"status":"success","query":"sum(x{b=\\u0027\\u003cc>\\u0027}) by (a)"}');
    const broken = JSON.parse((await get("/prometheus/prettify-query", "sum(")).text) as Record<string, string>;
    assert.deepEqual(Object.keys(broken), ["status", "msg"]);
    assert.equal(broken["status"], "error");
    assert.match(broken["msg"] as string, /line 1, column 5: want an expression/);

    const expanded = await get("/expand-with-exprs?format=json", 'WITH (f(x) = x{a="b"} / y) f(m)');
    assert.equal(expanded.text, '{"status":"success","expr":"m{a=\\"b\\"} / y{a=\\"b\\"}"}');
    const refused = JSON.parse((await get("/expand-with-exprs?format=json", "{x}")).text) as Record<string, string>;
    assert.deepEqual(Object.keys(refused), ["status", "error"]);
    assert.equal(
      (await get("/expand-with-exprs?format=json", "")).text,
      '{"status":"error","error":"query string cannot be empty"}',
    );
    const page = await get("/expand-with-exprs", 'WITH (x = "</textarea>") {a=x}');
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    assert.match(page.text, /\n{a=&#34;&#60;\/textarea&#62;&#34;}<\/textarea>/);
    assert.match((await get("/expand-with-exprs", "")).text, /<form>/);

    for (const path of ["/prettify-query", "/expand-with-exprs"]) {
      const long = await ask(port, path, { body: `query=${"x".repeat(201)}`, headers: FORM });
      assert.equal(long.status, 400);
      assert.match(long.text, /201 bytes, at most 200; see the -search\.maxQueryLen flag/);
    }
    assert.equal(database.asked.length, 0);
  }));

test("a PromQL query can be formatted and taken apart", () =>
  withServer(["-search.maxQueryLen=200"], async ({ database, port }) => {
    const get = async (path: string, query: string): Promise<unknown> => {
      const byGet = await ask(port, `/api/v1/${path}?query=${encodeURIComponent(query)}`);
      const byPost = await ask(port, `/prometheus/api/v1/${path}`, {
        body: `query=${encodeURIComponent(query)}`,
        headers: FORM,
      });
      assert.equal(byGet.status, 200, byGet.text);
      assert.equal(byGet.headers["content-type"], "application/json");
      assert.equal(byPost.text, byGet.text);
      const { status, data } = JSON.parse(byGet.text) as { status: string; data: unknown };
      assert.equal(status, "success");
      return data;
    };
    assert.equal(
      await get("format_query", "sum(rate(m{b='<',a='c'}[300]offset-1h))by(x)"),
      'sum by (x) (rate(m{a="c",b="<"}[5m] offset -1h))',
    );
    assert.deepEqual(await get("parse_query", "-foo{a!='b'} @ end() == bool on (x) topk(2, time() * y)"), {
      type: "binaryExpr",
      op: "==",
      bool: true,
      lhs: {
        type: "unaryExpr",
        op: "-",
        expr: {
          ...{ type: "vectorSelector", name: "foo", offset: 0, offsetExpr: null, timestamp: null, startOrEnd: "end" },
          matchers: [
            { name: "a", type: "!=", value: "b" },
            { name: "__name__", type: "=", value: "foo" },
          ],
          ...{ anchored: false, smoothed: false },
        },
      },
      rhs: {
        ...{
          type: "aggregation",
          op: "topk",
          param: { type: "numberLiteral", val: "2" },
          grouping: [],
          without: false,
        },
        expr: {
          ...{ type: "binaryExpr", op: "*", bool: false, matching: null },
          lhs: {
            type: "call",
            func: { name: "time", argTypes: [], variadic: 0, returnType: "scalar" },
            args: [],
          },
          rhs: {
            ...{ type: "vectorSelector", name: "y", offset: 0, offsetExpr: null, timestamp: null, startOrEnd: null },
            matchers: [{ name: "__name__", type: "=", value: "y" }],
            ...{ anchored: false, smoothed: false },
          },
        },
      },
      matching: {
        ...{ card: "one-to-one", labels: ["x"], on: true, include: [] },
        fillValues: { lhs: null, rhs: null },
      },
    });
    const literal = (val: string, duration: boolean) => ({ type: "numberLiteral", val, duration });
    const selector = {
      ...{ type: "matrixSelector", name: "x", matchers: [{ name: "__name__", type: "=", value: "x" }] },
      ...{ offset: 0, offsetExpr: null, timestamp: 1500, startOrEnd: null, anchored: false, smoothed: false },
    };
    assert.deepEqual(await get("parse_query", "x[2*(1m)] @ 1.5"), {
      ...selector,
      range: 120_000,
      rangeExpr: {
        ...{ type: "durationExpr", op: "*", lhs: literal("2", false), wrapped: false },
        rhs: { type: "durationExpr", op: "+", lhs: null, rhs: literal("60", true), wrapped: true },
      },
    });
    const subquery = (await get("parse_query", "(x)[1h:(step() + 1s)]")) as Record<string, unknown>;
    assert.deepEqual([subquery["range"], subquery["step"], subquery["rangeExpr"]], [3_600_000, 0, null]);
    assert.deepEqual(subquery["stepExpr"], {
      ...{ type: "durationExpr", op: "+", rhs: literal("1", true), wrapped: true },
      lhs: { type: "durationExpr", op: "step", lhs: null, rhs: null, wrapped: false },
    });
    for (const path of ["format_query", "parse_query"]) {
      const refused = await ask(port, `/api/v1/${path}?query=${encodeURIComponent("rate(x)")}`);
      assert.equal(refused.status, 400);
      assert.deepEqual(JSON.parse(refused.text), {
        status: "error",
        errorType: "bad_data",
        error:
          'invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector',
      });
      const long = await ask(port, `/api/v1/${path}`, { body: `query=${"x".repeat(201)}`, headers: FORM });
      assert.equal(long.status, 400);
      assert.match(long.text, /201 bytes, at most 200; see the -search\.maxQueryLen flag/);
    }
    assert.equal(database.asked.length, 0);
  }));
