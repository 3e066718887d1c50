/** Queries made to exhaust the process: each is refused, in words that say what is too much, before it has cost anything. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";
import { evaluateInstant } from "./eval.ts";
import type { QueryLimits } from "./limits.ts";
import { evaluatePromInstant } from "./prom/eval.ts";
import { MemorySource } from "./testing/memory-source.ts";

const NOW_MS = 1_704_067_200_000;
const source = new MemorySource();
for (let i = 0; i < 10; i++) {
  const labels = Labels.from([
    ["__name__", "m"],
    ["i", `${i}`],
    ["s", "a".repeat(1000)],
  ]);
  source.add(labels, [NOW_MS - 15_000, NOW_MS], Float64Array.of(i, i + 1));
}

const DIALECTS = {
  metricsql: (query: string, limits: Partial<QueryLimits> = {}) =>
    evaluateInstant(query, { source, nowMs: NOW_MS, timeMs: NOW_MS, stepMs: 60_000, limits }),
  promql: (query: string, limits: Partial<QueryLimits> = {}) =>
    evaluatePromInstant(query, { source, nowMs: NOW_MS, timeMs: NOW_MS, limits }),
};

async function refused(
  query: string,
  message: RegExp,
  limits: Partial<QueryLimits> = {},
  dialects = Object.values(DIALECTS),
): Promise<void> {
  for (const evaluate of dialects) {
    await assert.rejects(evaluate(query, limits), (error: InputError) => {
      assert.equal(error.code, "INPUT", `${query.slice(0, 100)}: ${error.stack}`);
      assert.match(error.message, message, query.slice(0, 100));
      assert.ok(error.message.length < 500, "an error does not repeat the query");
      return true;
    });
  }
}

/** `call(call(… m …))` */
const nested = (times: number, head: string, tail: string): string => `${head.repeat(times)}m${tail.repeat(times)}`;

test("labels do not grow without bounds", async () => {
  const length = /want at most 65536 characters in a value|makes a text of more than 65536 characters/;
  await refused(nested(12, "label_replace(", `,"s","${"$1".repeat(16)}","s","(.*)")`), length);
  await refused(nested(20, "label_join(", `,"s",""${',"s"'.repeat(8)})`), length);
  await refused(`label_join(m,"x",""${',"s"'.repeat(3000)})`, length);
  await refused(`label_replace(m,"x","${"$1".repeat(5000)}","s","(.*)")`, length);
  const ours = [DIALECTS.metricsql];
  await refused(nested(30, "label_transform(", ',"s","a","aa")'), length, {}, ours);
  await refused(`label_graphite_group(alias(m, "${"a".repeat(1000)}")${", 0".repeat(1000)})`, length, {}, ours);
  const many = Array.from({ length: 1001 }, (_, i) => `, "l${i}", "x"`).join("");
  await refused(`label_set(m${many})`, /want at most 1000 a series/, {}, ours);
  const memory = /need more than -search\.maxMemoryPerQuery=20000 bytes/;
  await refused(`label_join(m,"x","","s","s")`, memory, { maxMemoryPerQuery: 20_000 });
});
