/** Lines for /api/v1/import that are no series: each stands between two good ones, which must survive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  askSeconds,
  attack,
  type Case,
  countInvalidRows,
  either,
  refused,
  sampleMs,
  taken,
} from "../support/attack.ts";
import { exportSeries, queryInstant } from "../support/query.ts";
import { scoped } from "../support/scope.ts";

/** In the texts below: M is a metric, T a time. */
function fill(text: string): string[] {
  const lines = text.trim().split("\n");
  return lines.map((line) => line.replaceAll("M", '"metric":{"__name__":"bad"}').replaceAll("T", String(sampleMs)));
}

const bad: readonly string[] = fill(`
{
}
[]
1
"x"
null
{}
{M}
{M,"values":[1],"timestamps":[]}
{M,"values":[1,2],"timestamps":[T]}
{"values":[1],"timestamps":[T]}
{"metric":[],"values":[1],"timestamps":[T]}
{"metric":{"__name__":1},"values":[1],"timestamps":[T]}
{M,"values":1,"timestamps":2}
{M,"values":[{}],"timestamps":[T]}
{M,"values":["x"],"timestamps":[T]}
{M,"values":[1],"timestamps":["x"]}
{M,"values":[1],"timestamps":[T]
{M,"values":[1],"timestamps":[T]}x
`).concat("[".repeat(100_000), `{"metric":${'{"a":'.repeat(10_000)}`);

/** May be taken or left out, but must do no harm. */
const odd: readonly string[] = fill(String.raw`
{M,"values":["1"],"timestamps":[T]}
{M,"values":[1e400],"timestamps":[T]}
{M,"values":[null],"timestamps":[T]}
{M,"values":["Infinity","-Infinity","NaN"],"timestamps":[T,T,T]}
{M,M,"values":[1],"timestamps":[T]}
{"metric":{"__name__":"bad","__proto__":"x","constructor":"y"},"values":[1],"timestamps":[T]}
{M,"values":[1],"timestamps":[1e30]}
{M,"values":[1],"timestamps":[-5]}
{M,"values":[1],"timestamps":[T.5]}
{"metric":{"__name__":"bad","l":"\ud800"},"values":[1],"timestamps":[T]}
{M,"values":[],"timestamps":[]}
{M,"more":{"deep":[[[1]]]},"values":[1],"timestamps":[T]}
{"metric":{},"values":[1],"timestamps":[T]}
`).concat(`\ufeff${fill('{M,"values":[1],"timestamps":[T]}')[0]}`);

const gzip = { "content-encoding": "gzip" };

function good(n: number | string, side: string): string {
  return JSON.stringify({ metric: { __name__: "good", n: String(n), side }, values: [1], timestamps: [sampleMs] });
}

const bodies: readonly Case[] = [
  either("empty body", ""),
  taken("no newline at the end", good("last", "")),
  either("a line over 10 MiB", `{"metric":{"__name__":"bad"},"values":[${"1,".repeat(6 << 20)}1],"timestamps":[1]}\n`),
  refused("gzip cut off", gzipSync(good("x", "x").repeat(1000)).subarray(0, 40), gzip),
  either("gzip bomb", gzipSync(Buffer.alloc(512 << 20, 0x5b)), gzip),
];

test(
  "bad input: JSON lines",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const lines = [...bad, ...odd].map((line, n) =>
      taken(line.slice(0, 80), `${good(n, "left")}\n${line}\n${good(n, "right")}\n`),
    );
    const { url } = await attack(scope, "/api/v1/import", [...lines, ...bodies]);
    const stored = await exportSeries(url, 'good{side!=""}');
    assert.equal(stored.size, 2 * lines.length, "the good lines beside each bad one");
    assert.equal((await queryInstant(url, 'good{n="last"}', askSeconds)).length, 1);
    const counted = await countInvalidRows(url);
    assert.ok(counted >= bad.length, `${counted} rows counted as invalid of ${bad.length}`);
  }),
);
