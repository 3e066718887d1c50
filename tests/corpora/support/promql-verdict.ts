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

/** What differs from promql-known.ts, a line each. `isWhole`: every eval was run, so a listed one that is missing does not exist. */
export function findSurprises(outcomes: readonly Outcome[], isWhole = true): string[] {
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
  if (!isWhole) return problems;
  for (const place of known.keys()) problems.push(`${place}: in promql-known.ts, and no such eval`);
  return problems;
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
