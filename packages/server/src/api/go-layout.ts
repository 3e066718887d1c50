/**
 * Times written after a layout of Go's time package: the time of 2006-01-02 15:04:05 written as all times are to be.
 *
 *   2006-01-02T15:04:05.999Z07:00    2024-05-06T07:08:09.12+02:00
 *   Jan _2 03:04PM                   May  6 07:08AM
 *
 * In the zone of the process. What is asked of the calendar is asked once for a quarter of an hour, for no zone changes its
 * offset within one; the rest is arithmetic.
 */

const QUARTER_MS = 900_000;
const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

/** A moment in parts. */
interface Parts {
  year: number;
  /** 1 is January. */
  month: number;
  day: number;
  yearDay: number;
  /** 0 is Sunday. */
  weekDay: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
  /** East of Greenwich. */
  offsetMinutes: number;
  zone: string;
}

type Piece = string | ((parts: Parts) => string);

/** What the layout makes of times in milliseconds. */
export function compileGoLayout(layout: string): (timeMs: number) => string {
  const pieces = parseLayout(layout);
  const needsZone = pieces.includes(WORDS.get("MST") as Piece);
  let quarter = Number.NaN;
  let parts: Parts = partsOf(0, needsZone);
  let minuteBase = 0;
  let line: readonly Piece[] = [];
  return (timeMs) => {
    const found = Math.floor(timeMs / QUARTER_MS);
    if (found !== quarter) {
      parts = partsOf(found * QUARTER_MS, needsZone);
      minuteBase = parts.minute;
      quarter = found;
      line = settle(pieces, parts);
    }
    const rest = timeMs - found * QUARTER_MS;
    parts.minute = minuteBase + Math.floor(rest / 60_000);
    parts.second = Math.floor(rest / 1000) % 60;
    parts.ms = rest % 1000;
    let text = "";
    for (const piece of line) text += typeof piece === "string" ? piece : piece(parts);
    return text;
  };
}

/** Pieces with what stays the same for this quarter of an hour as text. */
function settle(pieces: readonly Piece[], parts: Parts): Piece[] {
  const line: Piece[] = [];
  let plain = "";
  for (const piece of pieces) {
    if (typeof piece === "string") plain += piece;
    else if (!isQuick(piece)) plain += piece(parts);
    else {
      line.push(plain, piece);
      plain = "";
    }
  }
  return [...line, plain];
}

function partsOf(timeMs: number, needsZone: boolean): Parts {
  const date = new Date(timeMs);
  const year = date.getFullYear();
  const dayMs = Date.UTC(year, date.getMonth(), date.getDate());
  const firstMs = Date.UTC(year, 0, 1);
  return {
    year,
    month: date.getMonth() + 1,
    day: date.getDate(),
    yearDay: Math.round((dayMs - firstMs) / 86_400_000) + 1,
    weekDay: date.getDay(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: 0,
    ms: 0,
    offsetMinutes: -date.getTimezoneOffset(),
    zone: needsZone ? zoneNameOf(date) : "",
  };
}

/** Its abbreviation, as far as JavaScript knows one: `UTC`, `EST`, `GMT+2`. */
function zoneNameOf(date: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
}

/** 00 to 59. */
const PAIRS: readonly string[] = Array.from({ length: 60 }, (_, i) => pad(i, 2));

/** By how they are written, longer ones before those they begin with. */
const WORDS: ReadonlyMap<string, Piece> = new Map<string, Piece>([
  ["January", ({ month }) => MONTHS[month - 1] as string],
  ["Jan", ({ month }) => (MONTHS[month - 1] as string).slice(0, 3)],
  ["Monday", ({ weekDay }) => DAYS[weekDay] as string],
  ["Mon", ({ weekDay }) => (DAYS[weekDay] as string).slice(0, 3)],
  ["MST", ({ zone }) => zone],
  ["002", ({ yearDay }) => pad(yearDay, 3)],
  ["01", ({ month }) => pad(month, 2)],
  ["02", ({ day }) => pad(day, 2)],
  ["03", ({ hour }) => pad(hour % 12 || 12, 2)],
  ["04", ({ minute }) => PAIRS[minute] as string],
  ["05", ({ second }) => PAIRS[second] as string],
  ["06", ({ year }) => pad(year % 100, 2)],
  ["15", ({ hour }) => pad(hour, 2)],
  ["1", ({ month }) => String(month)],
  ["2006", ({ year }) => pad(year, 4)],
  ["2", ({ day }) => String(day)],
  ["__2", ({ yearDay }) => String(yearDay).padStart(3)],
  // What looks like a padded day is an underscore before a year.
  ["_2006", ({ year }) => `_${pad(year, 4)}`],
  ["_2", ({ day }) => String(day).padStart(2)],
  ["3", ({ hour }) => String(hour % 12 || 12)],
  ["4", ({ minute }) => String(minute)],
  ["5", ({ second }) => String(second)],
  ["PM", ({ hour }) => (hour >= 12 ? "PM" : "AM")],
  ["pm", ({ hour }) => (hour >= 12 ? "pm" : "am")],
  ["-070000", ({ offsetMinutes }) => `${offset(offsetMinutes, "")}00`],
  ["-07:00:00", ({ offsetMinutes }) => `${offset(offsetMinutes, ":")}:00`],
  ["-0700", ({ offsetMinutes }) => offset(offsetMinutes, "")],
  ["-07:00", ({ offsetMinutes }) => offset(offsetMinutes, ":")],
  ["-07", ({ offsetMinutes }) => offset(offsetMinutes, "").slice(0, 3)],
  ["Z070000", ({ offsetMinutes }) => (offsetMinutes === 0 ? "Z" : `${offset(offsetMinutes, "")}00`)],
  ["Z07:00:00", ({ offsetMinutes }) => (offsetMinutes === 0 ? "Z" : `${offset(offsetMinutes, ":")}:00`)],
  ["Z0700", ({ offsetMinutes }) => (offsetMinutes === 0 ? "Z" : offset(offsetMinutes, ""))],
  ["Z07:00", ({ offsetMinutes }) => (offsetMinutes === 0 ? "Z" : offset(offsetMinutes, ":"))],
  ["Z07", ({ offsetMinutes }) => (offsetMinutes === 0 ? "Z" : offset(offsetMinutes, "").slice(0, 3))],
]);

/** Whether it changes within a quarter of an hour: minutes, seconds and their fractions, which are made anew for each layout. */
function isQuick(piece: Exclude<Piece, string>): boolean {
  return !SLOW.has(piece);
}

const QUICK_WORDS = new Set(["04", "05", "4", "5"]);
const SLOW: ReadonlySet<Piece> = new Set(
  [...WORDS].filter(([word]) => !QUICK_WORDS.has(word)).map(([, piece]) => piece),
);

function parseLayout(layout: string): Piece[] {
  const pieces: Piece[] = [];
  let plain = "";
  for (let at = 0; at < layout.length; ) {
    const [length, piece] = wordAt(layout, at) ?? fractionAt(layout, at) ?? [1, null];
    if (piece === null) plain += layout.slice(at, at + length);
    else {
      pieces.push(plain, piece);
      plain = "";
    }
    at += length;
  }
  return [...pieces, plain].filter((piece) => piece !== "");
}

function wordAt(layout: string, at: number): [length: number, piece: Piece] | null {
  for (const [word, piece] of WORDS) {
    if (!layout.startsWith(word, at)) continue;
    // `Month` and `Janet` are words of their own.
    const isCut = (word === "Jan" || word === "Mon") && /^[a-z]/.test(layout.slice(at + 3, at + 4));
    if (!isCut) return [word.length, piece];
  }
  return null;
}

/** `.000` has as many digits, `.999` no zeros at its end; a comma does as well. */
function fractionAt(layout: string, at: number): [length: number, piece: Piece] | null {
  const match = /^([.,])(0+|9+)(?![0-9])/.exec(layout.slice(at));
  if (match === null) return null;
  const [whole, mark, digits] = match as unknown as [string, string, string];
  const isTrimmed = digits[0] === "9";
  const texts = Array.from({ length: 1000 }, (_, ms) => {
    const all = pad(ms, 3).padEnd(digits.length, "0").slice(0, digits.length);
    const text = isTrimmed ? all.replace(/0+$/, "") : all;
    return text === "" ? "" : `${mark}${text}`;
  });
  return [whole.length, ({ ms }) => texts[ms] as string];
}

function offset(minutes: number, colon: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60), 2)}${colon}${pad(size % 60, 2)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
