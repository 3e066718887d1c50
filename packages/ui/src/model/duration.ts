/** Durations as MetricsQL writes them: `1h30m`, `1.5d`, `90`. A bare number is seconds. */

const UNITS: readonly (readonly [string, number])[] = [
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[wdhms]))+$/;
const PIECE = /(\d+(?:\.\d+)?)(ms|[wdhms])/g;

/** Milliseconds, or null if `text` is no duration above zero. */
export function parseDurationMs(text: string): number | null {
  const trimmed = text.trim();
  let ms = 0;
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    ms = Number(trimmed) * 1000;
  } else {
    if (!WHOLE.test(trimmed)) return null;
    for (const [, count, unit] of trimmed.matchAll(PIECE)) {
      ms += Number(count) * (UNITS.find(([name]) => name === unit)?.[1] ?? 0);
    }
  }
  ms = Math.round(ms);
  return ms > 0 && Number.isSafeInteger(ms) ? ms : null;
}

/** The largest units first, none of them zero: `1h30m`. Weeks are written as days, which more people read. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  let text = "";
  for (const [unit, unitMs] of UNITS) {
    if (unit === "w" || rest < unitMs) continue;
    const count = Math.floor(rest / unitMs);
    text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text === "" ? "0s" : text;
}
