/** Functions of dates. Values are seconds since the epoch, read as UTC and cut to whole seconds. */
import { InputError } from "../../base/errors.ts";

/** One part of the date; the date itself is `cycles` times 400 years from `date`, which only years show. */
export type DatePart = (date: Date, cycles: number) => number;

export type DatePartName =
  | "minute"
  | "hour"
  | "day_of_week"
  | "day_of_month"
  | "day_of_year"
  | "days_in_month"
  | "month"
  | "year";

export const DATE_PARTS: Readonly<Record<DatePartName, DatePart>> = {
  minute: (date) => date.getUTCMinutes(),
  hour: (date) => date.getUTCHours(),
  /** Sunday is 0. */
  day_of_week: (date) => date.getUTCDay(),
  day_of_month: (date) => date.getUTCDate(),
  /** From 1. */
  day_of_year: (date) =>
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - yearStart(date)) / 86_400_000 + 1,
  days_in_month: (date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  /** From 1. */
  month: (date) => date.getUTCMonth() + 1,
  year: (date, cycles) => date.getUTCFullYear() + 400 * cycles,
};

function yearStart(date: Date): number {
  return Date.UTC(date.getUTCFullYear(), 0, 1);
}

/** The calendar repeats after 400 years, weekdays and all. */
const CYCLE_SECONDS = 146_097 * 86_400;

/** Replaces times by a part of their dates, in place. NaN for NaN, and for what is no int64: there is no such second. */
export function replaceByDatePart(values: Float64Array, part: DatePart): void {
  for (let k = 0; k < values.length; k++) {
    const seconds = Math.trunc(values[k] as number);
    if (!(seconds >= -(2 ** 63) && seconds < 2 ** 63)) {
      values[k] = Number.NaN;
      continue;
    }
    // A Date reaches 285,000 years, an int64 of seconds a million times as far.
    const rest = seconds % CYCLE_SECONDS;
    values[k] = part(new Date(rest * 1000), Math.round((seconds - rest) / CYCLE_SECONDS));
  }
}

/** Seconds that a time zone is ahead of UTC at each time. @throws InputError 422 for an unknown zone. */
export function zoneOffsets(zone: string, timestampsMs: Float64Array): Float64Array {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone === "" ? "UTC" : zone, timeZoneName: "longOffset" });
  } catch {
    throw new InputError(`timezone_offset: want a time zone such as "Europe/Kyiv", got ${JSON.stringify(zone)}`, 422);
  }
  const offsets = new Float64Array(timestampsMs.length);
  let hour = Number.NaN;
  let offset = 0;
  for (let k = 0; k < offsets.length; k++) {
    // Zones change their clocks at quarters of an hour at the finest.
    const quarter = Math.floor((timestampsMs[k] as number) / 900_000);
    if (quarter !== hour) {
      hour = quarter;
      offset = offsetAt(format, timestampsMs[k] as number);
    }
    offsets[k] = offset;
  }
  return offsets;
}

/** From the "GMT+03:00" at the end of the printed date. */
function offsetAt(format: Intl.DateTimeFormat, timestampMs: number): number {
  const text = format.formatToParts(new Date(timestampMs)).find((part) => part.type === "timeZoneName")?.value ?? "";
  const match = /([+-])(\d{1,2}):?(\d{2})?(?::(\d{2}))?$/.exec(text);
  if (match === null) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
  return match[1] === "-" ? -seconds : seconds;
}
