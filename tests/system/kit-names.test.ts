/** The kit's check of names says whatever promtool says, of thousands of names made of what the rules are about. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { checkMetricName, type NameRule } from "@nyanza/metrics";

const words = (
  "total count sum bucket seconds ms bytes kilobytes by path counter gauge histogram summary days s requests milligrams kelvin celsius " +
  "metres inches m d h b kb sec nanoseconds microamperes hours HTTP userId x: tebibytes mebibytes bits"
).split(" ");

/** What of ours answers a message of promtool's, by what the message contains. */
const answers: readonly (readonly [string, readonly NameRule[]])[] = [
  [`"_total" suffix`, ["counter-total", "total-not-counter"]],
  ["suffix", ["reserved-suffix"]],
  ["use base unit", ["base-unit"]],
  ["should not include type", ["type-in-name"]],
  ["abbreviated units", ["abbreviated-unit"]],
  ["should not contain ':'", ["colon"]],
  ["camelCase", ["snake-case"]],
];

test("whatever promtool says of a name, checkMetricName says", () => {
  let seed = 5;
  const pick = (count: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * count);
  };
  const types = new Map<string, "counter" | "gauge">();
  while (types.size < 3000) {
    const picked = Array.from({ length: 1 + pick(4) }, () => words[pick(words.length)]);
    types.set(`n${types.size}_${picked.join("_")}`, pick(2) === 0 ? "counter" : "gauge");
  }
  const page = [...types].map(([name, type]) => `# HELP ${name} A name.\n# TYPE ${name} ${type}\n${name} 1\n`).join("");
  const promtool = spawnSync("promtool", ["check", "metrics"], { input: page, encoding: "utf8", maxBuffer: 1 << 26 });
  const messages = `${promtool.stdout}${promtool.stderr}`.split("\n").flatMap((line) => {
    const [name, ...message] = line.split(" ");
    const type = types.get(name as string);
    return type === undefined ? [] : [{ name: name as string, type, message: message.join(" ") }];
  });
  assert.ok(messages.length > 2000, `promtool said ${messages.length} things: ${promtool.stderr.slice(0, 500)}`);
  for (const { name, type, message } of messages) {
    const rules = answers.find(([part]) => message.includes(part))?.[1] ?? assert.fail(`unknown: ${message}`);
    const ours = checkMetricName(name, { type }).map(({ rule }) => rule);
    assert.ok(
      ours.some((rule) => rules.includes(rule)),
      `${type} ${name}: promtool says "${message}", we say ${ours.join(", ") || "nothing"}`,
    );
  }
});
