/**
 * docs/COMPATIBILITY.md: a frame written by hand (frame.md beside this file), and in it what the tests' own lists say, so that the page
 * cannot tell of a difference that is gone.
 *
 *   <!-- http -->    in the frame: one name of the table below; what it makes takes the comment's place
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { KNOWN_DIFFERENCES } from "../corpora/metricsql-known.ts";
import { NEWER_FORMS } from "../corpora/metricsql-newer.ts";
import { KNOWN, type KnownLines } from "../corpora/promql-known.ts";
import { readDocumentQueries } from "../corpora/support/document-queries.ts";
import { API_DIFFERENCES, PATHS_NOT_YET } from "../system/support/api-differences.ts";
import {
  type ComplianceDifference,
  PROMETHEUS_DIFFERENCES,
  VICTORIA_METRICS_DIFFERENCES,
} from "../system/support/promql-compliance-ledger.ts";
import { RANDOM_DIFFERENCES } from "../system/support/random-metricsql-ledger.ts";
import { PROMQL_DIFFERENCES } from "../system/support/random-promql-ledger.ts";

/** Compiled, this file lies in tests/dist/compatibility. */
const framePath = fileURLToPath(new URL("../../compatibility/frame.md", import.meta.url));

export const pagePath: string = fileURLToPath(new URL("../../../docs/COMPATIBILITY.md", import.meta.url));

const parts: ReadonlyMap<string, () => readonly string[]> = new Map([
  [
    "http",
    () =>
      tableOf(
        ["what", "here", "there", "why"],
        Object.values(API_DIFFERENCES).map(({ what, here, there, reason }) => [what, here, there, reason]),
      ),
  ],
  ["promql-scripts", () => KNOWN.flatMap(linesOf).slice(0, -1)],
  ["promql-compliance", () => complianceOf(PROMETHEUS_DIFFERENCES)],
  [
    "metricsql-known",
    () =>
      tableOf(
        ["query", "why"],
        [...KNOWN_DIFFERENCES.values()].map(({ query, reason }) => [code(query), reason]),
      ),
  ],
  ["metricsql-compliance", () => complianceOf(VICTORIA_METRICS_DIFFERENCES)],
  [
    "metricsql-newer",
    () =>
      tableOf(
        ["here", "to 1.79.5"],
        NEWER_FORMS.map((texts) => texts.map(code)),
      ),
  ],
  ["promql-random", () => reasonsOf(PROMQL_DIFFERENCES)],
  ["metricsql-random", () => reasonsOf(RANDOM_DIFFERENCES)],
  ["guide", () => tableOf(["query", "of", "why"], guideRows())],
  ["paths-not-yet", () => [PATHS_NOT_YET.map(code).join(", ")]],
]);

/** @throws Error if the frame leaves a part out, or names one that does not exist */
export function makePage(): string {
  const left = new Set(parts.keys());
  const page = readFileSync(framePath, "utf8").replace(/^<!-- (.+) -->$/gm, (_, name: string) => {
    const make = parts.get(name);
    if (make === undefined || !left.delete(name)) throw new Error(`frame.md: no part ${name}, or named twice`);
    return make().join("\n");
  });
  if (left.size > 0) throw new Error(`frame.md: want a place for ${[...left].join(", ")}`);
  return page;
}

/** A reason, how many evals it holds for, and which. */
function linesOf({ reason, lines }: KnownLines): string[] {
  const files = Object.entries(lines);
  const count = files.reduce((sum, [, numbers]) => sum + numbers.length, 0);
  return [
    `**${count} evals: ${reason}.**`,
    "",
    ...files.map(([file, numbers]) => `- ${file}: ${numbers.join(", ")}`),
    "",
  ];
}

function complianceOf(ledger: readonly ComplianceDifference[]): string[] {
  return tableOf(
    ["queries", "why"],
    ledger.map(({ queries, reason }) => [[...queries.values()].map(code).join("<br>"), reason]),
  );
}

/** Queries of the Go guide, and right forms of them, that a Debian program answers otherwise. */
function guideRows(): string[][] {
  return readDocumentQueries().queries.flatMap(({ query, differs = {} }) =>
    Object.entries(differs).map(([program, reason]) => [code(query), program, reason]),
  );
}

function reasonsOf(ledger: readonly { readonly reason: string }[]): string[] {
  return ledger.map(({ reason }) => `- ${reason}`);
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.map(cellOf).join(" | ")} |`;
  return [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)];
}

/** A bar ends a cell, in code too. */
function cellOf(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** No query of the lists has a backquote of its own, which would end it. */
function code(text: string): string {
  if (text.includes("`")) throw new Error(`want a text without backquotes, got ${text}`);
  return `\`${text}\``;
}
