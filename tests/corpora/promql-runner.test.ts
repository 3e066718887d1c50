/** The scripts' runner by itself: an engine that answers what it is told must be caught at every kind of mistake. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "./support/promql-answer.ts";
import { type Engine, type Outcome, runScript, type StoredSeries } from "./support/promql-runner.ts";
import { accountFor } from "./support/promql-verdict.ts";

interface Told {
  readonly series?: readonly (readonly [labels: string, values: readonly number[]])[];
  readonly kind?: Answer["kind"];
  readonly text?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
  readonly error?: string;
}

/** Labels are one letter each, `ab` is `{a="1", b="1"}`; values are at the times asked for, null for none. */
function engineOf(told: Told): Engine {
  const answer = (times: readonly number[], absent: Answer["kind"]): Answer => {
    if (told.error !== undefined) throw new Error(told.error);
    const series = (told.series ?? []).map(([labels, values]) => ({
      labels: [...labels].map((label) => [label, "1"] as const),
      timestamps: times.slice(0, values.length),
      values,
    }));
    const { kind = absent, text = "", warnings = [], infos = [] } = told;
    return { kind, text, series, warnings, infos };
  };
  return {
    store: async () => {},
    instant: async (_query, timeMs) => answer([timeMs], "vector"),
    range: async (_query, startMs, endMs, stepMs) => {
      const isMiddle = endMs - startMs === 120_000 && stepMs === 60_000;
      const times = isMiddle ? [startMs + 60_000] : [startMs, startMs + stepMs, startMs + 2 * stepMs];
      return { ...answer(times, "matrix"), kind: "matrix" };
    },
  };
}

async function problemOf(script: string, told: Told): Promise<string | null> {
  const [outcome] = await runScript(script, "x.test", engineOf(told));
  assert.ok(outcome !== undefined);
  return outcome.problem;
}

async function passes(script: string, told: Told): Promise<void> {
  assert.equal(await problemOf(script, told), null, script);
}

async function fails(script: string, told: Told, problem: RegExp): Promise<void> {
  assert.match((await problemOf(script, told)) ?? "none", problem, script);
}

test("instant vectors", async () => {
  const script = 'eval instant at 1m q\n {a="1"} 2\n {b="1", c=""} NaN\n';
  const right: Told["series"] = [
    ["b", [Number.NaN]],
    ["a", [2.000001]],
  ];
  await passes(script, { series: right });
  await fails(`${script} expect ordered`, { series: right }, /want it at place 0, got 1/);
  await fails(script, { series: right.slice(1) }, /no series \{b="1"/);
  await fails(script, { series: [...right, ["c", [1]]] }, /too many: 1 series: \{c="1"\}/);
  await fails(script, { series: [right[0] as ["b", number[]], ["a", [2.00001]]] }, /want 2 at 60000 ms, got 2.00001/);
  await fails(script, { series: [["a", [2]], ...right] }, /the same labels twice/);
  await fails(script, { series: [["", [2]]], kind: "scalar" }, /want a vector, got the scalar 2/);
  await fails("eval instant at 0 q\n {} 0", { series: [["", [1e-200]]] }, /want 0 at 0 ms/);
  await fails("eval instant at 0 q", { series: [["a", [1]]] }, /too many/);
});

test("scalars and strings", async () => {
  await passes("eval instant at 0 q\n -Inf", { kind: "scalar", series: [["", [-Infinity]]] });
  await fails("eval instant at 0 q\n -Inf", { kind: "scalar", series: [["", [Infinity]]] }, /want the scalar/);
  await fails("eval instant at 0 q\n 1", { series: [["", [1]]] }, /want the scalar 1, got a vector/);
  await passes('eval instant at 0 q\n expect string "a\\tb"', { kind: "string", text: "a\tb" });
  await fails("eval instant at 0 q\n expect string `a`", { kind: "string", text: "b" }, /want the string "a"/);
});

test("ranges", async () => {
  const script = 'eval range from 0 to 20s step 10s q\n {a="1"} 1+1x2\n {b="1"} 5';
  await passes(script, {
    series: [
      ["a", [1, 2, 3]],
      ["b", [5]],
    ],
  });
  await fails(script, { series: [["b", [5]]] }, /no series \{a/);
  const swapped: Told["series"] = [
    ["b", [5]],
    ["a", [1, 2, 3]],
  ];
  await fails(script, { series: swapped }, /not in order/);
  await fails('eval range from 0 to 20s step 10s q\n {a="1"} 1 2', { series: [["a", [1, 2, 3]]] }, /want 2 points/);
  await fails('eval range from 0 to 20s step 10s q\n {a="1"} 1 _ 3', { series: [["a", [1, 2, 3]]] }, /want 3 at 20000/);
});

test("raw samples", async () => {
  const script = 'eval instant at 1m q\n expect range vector from 1m to 2m step 30s\n {a="1"} 7';
  await passes(script, { kind: "matrix", series: [["a", [7]]] });
  await fails(script, { series: [["a", [7]]] }, /want a matrix, got a vector/);
});

test("errors", async () => {
  await passes("eval instant at 0 q\n expect fail", { error: "no" });
  await passes("eval_fail instant at 0 q\n expected_fail_regexp x.*y", { error: "x and y" });
  await passes("eval instant at 0 q\n expect fail msg: it is NaN", { error: "1:2: it is NaN" });
  await fails(
    "eval instant at 0 q\n expect fail msg: it is NaN",
    { error: "else" },
    /want the error it is NaN, got else/,
  );
  await fails("eval instant at 0 q\n expect fail", {}, /want an error, got an answer/);
  await fails("eval instant at 0 q", { error: "no" }, /^refused: no/);
});

test("annotations", async () => {
  await passes("eval instant at 0 q\n expect warn msg: w 1\n expect no_info", { warnings: ["w 1"] });
  await passes("eval_info instant at 0 q", { infos: ["i"] });
  await fails("eval instant at 0 q\n expect warn", {}, /want a warning of any text, got \[\]/);
  await fails("eval instant at 0 q\n expect warn regex: ^w$", { warnings: ["w 1"] }, /want a warning/);
  await fails("eval instant at 0 q\n expect warn msg: w", { warnings: ["w", "v"] }, /warning that nobody wants: v/);
  await fails("eval instant at 0 q\n expect no_info", { infos: ["i"] }, /want no info/);
});

test("an instant eval is asked as a range and pinned too", async () => {
  const script = "eval instant at 1m q\n {} 1";
  const engine = engineOf({ series: [["", [1]]] });
  const wrong = engineOf({ series: [["", [2]]] });
  const problem = async (one: Engine): Promise<string | null> =>
    (await runScript(script, "x.test", one))[0]?.problem ?? null;
  assert.match((await problem({ ...engine, range: wrong.range })) ?? "", /^as a range: .*want 1/);
  assert.match(
    (await problem({ ...engine, instantPinned: wrong.instant })) ?? "",
    /^pinned, asked at 12000 ms: .*want 1/,
  );
  assert.equal(await problem({ ...engine, instantPinned: async () => null }), null);
});

test("what is stored, and which evals read native histograms", async () => {
  const stored: (readonly StoredSeries[])[] = [];
  const engine: Engine = { ...engineOf({}), store: async (series) => void stored.push(series) };
  const script = `load 10s
  m{a="1"} 1 _ stale
  h{x="abc"} {{count:1}}x3
  late{x="n"} 1x359 {{count:1}}

load 5s
  m{a="1"} _x5 7

eval instant at 0 m

eval instant at 0 sum({x=~"ab?.", __name__!="m"})

eval instant at 0 h{x="b"} or vector(1) or label_replace(m, "h", "h", "", "")

eval instant at 0 rate(h[5m])

eval instant at 59m late

eval instant at 1h late

eval instant at 66m late

eval instant at 66m rate(late[1m] offset 30s)

eval instant at 59m late @ end()

clear

load_with_nhcb 1m
  r_bucket{le="1"} 1

eval instant at 0 r_bucket{le="1"}

eval instant at 0 {__name__="r"}
`;
  const outcomes = await runScript(script, "x.test", engine);
  assert.deepEqual(
    outcomes.map(({ isNative }) => isNative),
    [false, true, false, true, false, true, false, true, true, false, true],
  );
  assert.equal(stored.length, 2);
  const [series, ...others] = stored[0] as readonly StoredSeries[];
  assert.deepEqual(
    others.map(({ labels }) => labels[0]),
    [["__name__", "late"]],
  );
  assert.deepEqual(series?.timestamps, [0, 20_000, 25_000]);
  const words = new Uint32Array((series as StoredSeries).values.buffer);
  assert.deepEqual([...words.subarray(2, 4)], [2, 0x7ff00000]);
});

test("the account asks for all of the stable files, and for 85 % of four others", () => {
  const of = (file: string, passed: number, failed: number, isNative = false): Outcome[] =>
    Array.from({ length: passed + failed }, (_, i) => {
      return { file, line: i + 1, query: "q", problem: i < passed ? null : "p", isNative };
    });
  const enough = [
    ...[...of("functions.test", 7, 0), ...of("functions.test", 1, 9, true), ...of("name_label_dropping.test", 1, 9)],
    ...[...of("fill-modifier.test", 18, 2), ...of("info.test", 9, 1), ...of("duration_expression.test", 40, 0)],
    ...of("limit.test", 1, 1, true),
  ];
  const { figures, shortfalls } = accountFor(enough);
  assert.deepEqual(shortfalls, []);
  assert.match(figures, /^stable files without native histograms: 7 of 7, 100\.0 %$/m);
  assert.match(figures, /together: 68 of 72, 94\.4 %$/m);
  assert.match(figures, /^limit\.test without native histograms: 0 of 0, none$/m);
  const shortOf = (more: readonly Outcome[]): string => accountFor([...enough, ...more]).shortfalls.join("\n");
  assert.match(shortOf(of("literals.test", 100, 1)), /^stable files .*: 107 of 108, 99\.1 %, want 100 %$/);
  assert.match(shortOf(of("info.test", 0, 1)), /^info\.test without native histograms: 9 of 11, 81\.8 %, want 85 %$/);
  assert.match(shortOf(of("limit.test", 0, 20, true)), /together: 68 of 92, 73\.9 %, want 85 %$/);
  assert.match(accountFor([]).shortfalls.join("\n"), /limit\.test: no eval was run\n(?:.*\n)*no eval of a stable file/);
});
