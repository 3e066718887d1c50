/** The samples that requests of api-differential-*.test.ts ask for: those of the corpus, and series that it has not. */
import type { Scope } from "./scope.ts";
import { loadBoth, readCorpus, startTwins, type Twins } from "./twins.ts";

/** 2024-01-01T01:00:00Z, the end of the corpus. */
export const at = 1_704_070_800;
export const minute = (index: number): number => (at - 3600 + 60 * index) * 1000;

/** Both programs with all of them. */
export async function startLoadedTwins(scope: Scope): Promise<Twins> {
  const twins = await startTwins(scope);
  await loadBoth(twins, "/api/v1/import", readCorpus("metricsql-dataset.jsonl"));
  // 1.79.5 does not read the infinities that it exports.
  await loadBoth(
    twins,
    "/api/v1/import/prometheus",
    ["+Inf", "-Inf"].map((n) => `odd_float{n="${n}"} ${n} ${minute(59)}\n`).join(""),
  );
  await loadBoth(
    twins,
    "/api/v1/import",
    oddSeries()
      .map((series) => `${JSON.stringify(series)}\n`)
      .join(""),
  );
  return twins;
}

/** Series the corpus has not: values and labels that are hard to print, several days, the present. */
function oddSeries(): { metric: Record<string, string>; values: (number | string | null)[]; timestamps: number[] }[] {
  const every = (value: number | string): { values: (number | string)[]; timestamps: number[] } => ({
    values: Array.from({ length: 61 }, () => value),
    timestamps: Array.from({ length: 61 }, (_, i) => minute(i)),
  });
  const floats = [0, 1e21, 1.5e300, 1e-7, -1.25e-9, 123456789012, 0.1, -0.001, 1e15, 1e16];
  const texts = [
    '"quoted"',
    "back\\slash",
    "new\nline",
    "tab\there",
    "grün €",
    "🦆",
    "<b>",
    "a&b",
    "it's",
    "\u0001\u007f",
    "a/b c",
  ];
  const nowMs = Date.now();
  const recent = Array.from({ length: 121 }, (_, i) => nowMs - 600_000 + i * 10_000);
  return [
    ...floats.map((value, i) => ({ metric: { __name__: "odd_float", n: String(i) }, ...every(value) })),
    ...texts.map((text, i) => ({ metric: { __name__: "odd_text", n: String(i), text }, ...every(i) })),
    { metric: { __name__: "odd:name.with-dots", "label.with-dots": "x" }, ...every(1) },
    {
      metric: { __name__: "odd_uneven" },
      values: [1, 2, 3],
      timestamps: [minute(50) + 1, minute(55) + 120, minute(60) - 7],
    },
    ...[1, 2].map((day) => ({
      metric: { __name__: "odd_day", day: String(day) },
      values: [day],
      timestamps: [minute(0) + (day - 1) * 86_400_000],
    })),
    { metric: { __name__: "odd_recent" }, values: recent.map(() => 7), timestamps: recent },
  ];
}
