/**
 * Line breaks in label values and the dots of regexes: in selectors of MetricsQL plain patterns match them, others do not, as measured of Debian's
 * VictoriaMetrics 1.79.5; in `label_match` and its kind a dot never does.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { scoped } from "./support/scope.ts";
import { askBoth, loadBoth, startTwins } from "./support/twins.ts";

const START_MS = Date.UTC(2026, 0, 31, 23, 0, 0);
const VALUES = ["a\nb", "ab", "\n", "", "x", "a\n\nb", "xa", "b\na"];
const PATTERNS = [".*", ".+", "a.*", "a.+b", ".*b", "a.*b", ".*a.*", ".+b", "(.*)", "(.+)", "(?:.*)", "a(.*)"];
const OTHER_PATTERNS = [
  ".",
  ".?",
  "a.b",
  "a[^x]b",
  "a.*|q",
  "(a|x).*",
  "(?i)a.b",
  "(?s).*",
  "(?s)a.b",
  "(?s:.+)",
  "[^x]+",
  "a\\nb",
  ".*a",
  ".+a",
];

test(
  "regexes and line breaks in label values: what VictoriaMetrics selects",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const twins = await startTwins(scope);
    const lines = VALUES.map((v, i) =>
      JSON.stringify({ metric: { __name__: "lines", v, i: String(i) }, timestamps: [START_MS], values: [i] }),
    );
    await loadBoth(twins, "/api/v1/import", `${lines.join("\n")}\n`);
    const selected = async (query: string): Promise<string[][]> => {
      const { ours, theirs } = await askBoth(
        twins,
        `/api/v1/query?nocache=1&time=${START_MS / 1000 + 1}&query=${encodeURIComponent(query)}`,
      );
      return [ours.text, theirs.text].map((text) => {
        const { data } = JSON.parse(text) as { data: { result: { metric: Record<string, string> }[] } };
        return data.result.map(({ metric }) => JSON.stringify([metric["i"], metric["z"] ?? ""])).sort();
      });
    };
    for (const pattern of [...PATTERNS, ...OTHER_PATTERNS]) {
      const text = JSON.stringify(pattern);
      const queries = [
        `lines{v=~${text}}`,
        `label_match(lines, "v", ${text})`,
        `label_replace(lines, "z", "<$1>", "v", ${text})`,
      ];
      // 1.79.5 takes `!~".*"` for what has no such label; here it is nothing, as the documentation of both has it.
      if (pattern !== ".*") queries.push(`lines{v!~${text}}`);
      for (const query of queries) {
        const [ours, theirs] = await selected(query);
        assert.deepEqual(ours, theirs, query);
      }
    }
  }),
);
