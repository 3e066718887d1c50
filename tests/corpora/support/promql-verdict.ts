/** Outcomes of scripts against the list of what is not passed. */
import { KNOWN } from "../promql-known.ts";
import type { Outcome } from "./promql-runner.ts";

/** Files of experimental language: every other one must be passed whole, native histograms apart. */
export const experimentalScripts: ReadonlySet<string> = new Set(
  [
    ...["extended_vectors", "start_timestamps", "type_and_unit", "info", "name_label_dropping", "duration_expression"],
    ...["fill-modifier", "limit"],
  ].map((name) => `${name}.test`),
);

/** Experimental files of which most must be passed. */
const mostlyPassed: readonly string[] = ["fill-modifier.test", "limit.test", "info.test", "duration_expression.test"];
const MOST = 0.85;

/** What differs from promql-known.ts, a line each, when every eval was run. */
export function findSurprises(outcomes: readonly Outcome[]): string[] {
  const known = new Map<string, { reason: string; isNative: boolean }>();
  for (const { reason, isNative = false, lines } of KNOWN) {
    for (const [file, numbers] of Object.entries(lines)) {
      for (const line of numbers) known.set(`${file}:${line}`, { reason, isNative });
    }
  }
  const problems: string[] = [];
  for (const { file, line, query, problem, isNative } of outcomes) {
    const place = `${file}:${line}`;
    const listed = known.get(place);
    known.delete(place);
    if (listed === undefined && problem !== null) problems.push(`${place}: ${query}\n    ${problem}`);
    if (listed === undefined) continue;
    if (problem === null) problems.push(`${place}: passes by now, take it off promql-known.ts`);
    if (listed.isNative && !isNative) problems.push(`${place}: listed as native histograms, and there are none`);
    if (!listed.isNative && !experimentalScripts.has(file))
      problems.push(`${place}: stable and not native: want it passed`);
  }
  for (const place of known.keys()) problems.push(`${place}: in promql-known.ts, and no such eval`);
  return problems;
}

/**
 * How much is passed of what must be: every eval of the stable files without native histograms; most of those of the four
 * experimental files together, and most of each file's without native histograms. `shortfalls` says which of these fails.
 */
export function accountFor(outcomes: readonly Outcome[]): { figures: string; shortfalls: readonly string[] } {
  const rows: string[] = [];
  const shortfalls: string[] = [];
  const account = (what: string, some: readonly Outcome[], share: number): void => {
    const passed = some.filter(({ problem }) => problem === null).length;
    const percent = some.length === 0 ? "none" : `${((100 * passed) / some.length).toFixed(1)} %`;
    const row = `${what}: ${passed} of ${some.length}, ${percent}`;
    rows.push(row);
    if (passed < share * some.length) shortfalls.push(`${row}, want ${100 * share} %`);
  };
  const isFloats = ({ isNative }: Outcome): boolean => !isNative;
  const stable = outcomes.filter(({ file }) => !experimentalScripts.has(file));
  account("stable files without native histograms", stable.filter(isFloats), 1);
  const four = outcomes.filter(({ file }) => mostlyPassed.includes(file));
  account(`${mostlyPassed.join(", ")} together`, four, MOST);
  for (const name of mostlyPassed) {
    const ofFile = four.filter(({ file }) => file === name);
    if (ofFile.length === 0) shortfalls.push(`${name}: no eval was run`);
    account(`${name} without native histograms`, ofFile.filter(isFloats), MOST);
  }
  if (!stable.some(isFloats)) shortfalls.push("no eval of a stable file was run");
  return { figures: rows.join("\n"), shortfalls };
}

/** A line a file: how many evals are passed, those of native histograms counted apart. */
export function summarize(outcomes: readonly Outcome[]): string {
  const files = [...new Set(outcomes.map(({ file }) => file))];
  const passed = (some: readonly Outcome[]): string =>
    `${String(some.filter(({ problem }) => problem === null).length).padStart(4)} of ${String(some.length).padStart(4)}`;
  const row = (name: string, some: readonly Outcome[]): string => {
    const floats = some.filter(({ isNative }) => !isNative);
    const native = some.filter(({ isNative }) => isNative);
    return `${name.padEnd(26)} ${passed(floats)}, native histograms ${passed(native)}`;
  };
  const ofFile = (file: string): Outcome[] => outcomes.filter((one) => one.file === file);
  return [...files.map((file) => row(file, ofFile(file))), row("all", outcomes)].join("\n");
}
