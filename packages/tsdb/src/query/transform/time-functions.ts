/**
 * Times of the query, parts of dates, zones. Seconds since 1970; dates in UTC.
 */
import { Labels } from "../../base/labels.ts";
import type { Series } from "../series.ts";
import { eachColumn, entry, type TransformCall, type TransformEntry } from "./entry.ts";
import { DATE_PARTS, type DatePartName, replaceByDatePart, zoneOffsets } from "./time.ts";

/** f() or f(q): a part of the date of q, or of the output time. */
function datePart(part: DatePartName): TransformEntry {
  return entry(0, 1, (call) => {
    const list = call.count === 0 ? timeSeries(call) : call.list(0);
    return eachColumn(call, list, (values) => replaceByDatePart(values, DATE_PARTS[part]), "asked");
  });
}

function constant(value: (call: TransformCall) => number): TransformEntry {
  return entry(0, 0, (call) => call.constant(value(call)));
}

function timeSeries(call: TransformCall): Series[] {
  return [{ labels: Labels.empty, values: call.context.timestamps().map((ms) => ms / 1000) }];
}

export const timeFunctions: Readonly<Record<string, TransformEntry>> = {
  /**
   * day_of_month([q]): 1 to 31, of q as seconds since 1970, in UTC; of the output time without q.
   */
  day_of_month: datePart("day_of_month"),
  /** day_of_week([q]): 0, Sunday, to 6. */
  day_of_week: datePart("day_of_week"),
  /** day_of_year([q]): 1 to 366. */
  day_of_year: datePart("day_of_year"),
  /** days_in_month([q]): 28 to 31. */
  days_in_month: datePart("days_in_month"),
  /** end(): last time of the query, or of the subquery around it, in seconds since 1970. */
  end: constant((call) => call.context.endMs / 1000),
  /** hour([q]): 0 to 23. */
  hour: datePart("hour"),
  /** minute([q]): 0 to 59. */
  minute: datePart("minute"),
  /** month([q]): 1 to 12. */
  month: datePart("month"),
  /** now(): when the request came, seconds since 1970, at all points. */
  now: constant((call) => call.context.run.nowMs / 1000),
  /** start(): first time of the query, or of the subquery around it, in seconds since 1970. */
  start: constant((call) => call.context.startMs / 1000),
  /** step(): distance of points in seconds; in subqueries theirs. 300 in an instant query that gives none. */
  step: constant((call) => call.context.stepMs / 1000),
  /** time(): the output time, seconds since 1970. */
  time: entry(0, 0, timeSeries),
  /**
   * timezone_offset("zone"): seconds that a zone such as "Europe/Berlin" is ahead of UTC at the output time, daylight
   * saving included. An error for an unknown zone.
   */
  timezone_offset: entry(1, 1, (call) => [
    { labels: Labels.empty, values: zoneOffsets(call.text(0), call.context.timestamps()) },
  ]),
  /** year([q]): such as 2024. */
  year: datePart("year"),
};
