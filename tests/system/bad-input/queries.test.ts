/** Queries that are wrong, senseless or meant to hurt: an answer or a 4xx that says why, soon, and nothing else harmed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { askSeconds, caseMsMax, checkStatus, sampleMs, type Wanted } from "../support/attack.ts";
import { http } from "../support/http.ts";
import { startNyanza } from "../support/nyanza.ts";
import { queryNumber, queryString } from "../support/query.ts";
import { remoteWrite, seriesOf } from "../support/remote-write.ts";
import { scoped } from "../support/scope.ts";

const bad: readonly string[] = `
sum(
)
q{
q{a=~"("}
q{a=~"(?!x)"}
q[
q[1x]
1 +
q offset
q{a=b}
"unclosed
nosuchfunction(q)
sum(q, q, q, q
label_replace(q)
q @
`
  .trim()
  .split("\n")
  .concat(
    "",
    `${"(".repeat(10_000)}q${")".repeat(10_000)}`,
    `q${" + q".repeat(10_000)}`,
    `q{a="${"x".repeat(17_000)}"}`,
    // Every name twice the one before: 2^40 terms.
    `WITH (a0 = q, ${Array.from({ length: 40 }, (_, i) => `a${i + 1} = a${i} + a${i}`).join(", ")}) a40`,
  );

const odd: readonly string[] = String.raw`
{}
WITH (x = x) x
WITH (f(a) = f(a)) f(q)
{__name__=~".*"}
q{long=~"(a+)+$"}
q{long=~"((a{0,100}){0,100})"}
q{long=~"(a|aa)+b"}
q{i=~"\\p{L}"}
q{__proto__="x"}
count(q) by (__proto__)
q offset 1e18
q offset -1e18
q @ (0/0)
q[1e9y:1ns]
q[100y:1ms]
q[5m:0s]
q[0s]
limitk(1e18, q)
quantile(0/0, q)
topk(-1, q)
bottomk(1e300, q)
label_replace(q, "x", "$999", "i", "(.*)")
label_replace(q, "__proto__", "$1", "i", "(.*)")
label_replace(q, "x", "$1", "long", "(a+)+$")
count_values("v", q)
q * on() q
q * on(i) group_left() q
-q
1/0
0/0
q ^ 1e308
round(q, 1e-320)
absent({x="y"})
histogram_quantile(5, q)
q == bool q
vector(1e400)
`
  .trim()
  .split("\n");

test(
  "bad input: queries",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const { url, process } = await startNyanza(scope);
    const series = Array.from({ length: 200 }, (_, i) =>
      seriesOf("q", { i: String(i), long: "a".repeat(2000) }, [[sampleMs, i]]),
    );
    assert.equal((await remoteWrite(url, series)).status, 204);

    const ask = async (path: string, parameters: Record<string, string | number>, wanted: Wanted): Promise<void> => {
      const name = `${path} ${JSON.stringify(parameters).slice(0, 150)}`;
      const startedMs = performance.now();
      const answer = await http(`${url}${path}`, {
        body: queryString(parameters).slice(1),
        headers: { "content-type": "application/x-www-form-urlencoded" },
      });
      const tookMs = Math.round(performance.now() - startedMs);
      checkStatus(name, wanted, answer);
      assert.ok(tookMs < caseMsMax, `${name}: took ${tookMs} ms`);
      // Exports answer errors as plain text, as VictoriaMetrics does.
      if (answer.status >= 400 && path !== "/api/v1/export") {
        const error = JSON.parse(answer.text) as { status: string; error: string };
        assert.equal(error.status, "error", name);
        assert.ok(error.error.length > 10, `${name}: ${error.error}`);
      }
      assert.ok(process.isRunning, `${name}: the server died\n${process.tail()}`);
      assert.equal(await queryNumber(url, "count(q)", askSeconds), 200, `${name}: what came before`);
    };

    for (const query of bad) await ask("/api/v1/query", { query, time: askSeconds }, "refused");
    for (const query of odd) await ask("/api/v1/query", { query, time: askSeconds }, "either");
    const range = { query: "q", start: askSeconds - 60, end: askSeconds, step: 15 };
    for (const query of odd) await ask("/api/v1/query_range", { ...range, query }, "either");

    const badRanges = [
      { step: -1 },
      { step: "NaN" },
      { step: "x" },
      { start: "x" },
      { start: 0, end: 4e9, step: "1ms" },
    ];
    for (const wrong of badRanges) await ask("/api/v1/query_range", { ...range, ...wrong }, "refused");
    const oddRanges = [
      ...[{ step: 0 }, { step: "1ns" }, { step: "1e30" }, { start: "-1e30" }, { end: "1e30" }],
      ...[{ start: askSeconds, end: askSeconds - 60 }, { timeout: "-1" }, { timeout: "1ns" }],
    ];
    for (const strange of oddRanges) await ask("/api/v1/query_range", { ...range, ...strange }, "either");

    await ask("/api/v1/query", { query: "q", time: "never" }, "refused");
    await ask("/api/v1/series", {}, "refused");
    await ask("/api/v1/series", { "match[]": "q{" }, "refused");
    await ask("/api/v1/series", { "match[]": "sum(q)" }, "refused");
    await ask("/api/v1/export", { "match[]": "{" }, "refused");
    await ask("/api/v1/labels", { limit: "-1" }, "either");
    await ask("/api/v1/labels", { limit: "1e99" }, "either");
    for (const name of ["%00", "__proto__", "x".repeat(5000)]) await ask(`/api/v1/label/${name}/values`, {}, "either");
  }),
);
