/**
 * Times and steps as arguments of a request. In this API a number is milliseconds; the wire has seconds.
 *
 *     formatTime("start", 1_700_000_000_123)  "1700000000.123"
 *     formatTime("start", new Date(0))        "0"
 *     formatTime("start", "now-1h")           "now-1h"       text goes as it is: the server knows more forms than we do
 *     formatStep(15_000)                      "15"
 *     formatStep("5m")                        "5m"
 */

/** A Date, milliseconds since the epoch, or a text the server understands: RFC 3339 everywhere, `now-1h` not in Prometheus. */
export type TimeInput = Date | number | string;

/** Milliseconds, or a duration such as `15s` or `1h30m`. */
export type StepInput = number | string;

/** What a Date can hold, in ms either side of the epoch. */
const TIME_MAX_MS = 8.64e15;

/** @throws RangeError for an invalid Date, a number that is no time, an empty text */
export function formatTime(name: string, time: TimeInput): string {
  if (typeof time === "string") return wantText(name, time, "a time");
  const ms = time instanceof Date ? time.getTime() : time;
  if (typeof ms !== "number" || !(Math.abs(ms) <= TIME_MAX_MS)) {
    throw new RangeError(`${name}: want a Date, milliseconds since the epoch or a text, got ${String(time)}`);
  }
  return String(ms / 1000);
}

/** @throws RangeError for a number that is not positive, an empty text */
export function formatStep(step: StepInput): string {
  if (typeof step === "string") return wantText("step", step, "a duration");
  if (typeof step !== "number" || !(step > 0 && step <= TIME_MAX_MS)) {
    throw new RangeError(`step: want positive milliseconds or a duration such as "15s", got ${String(step)}`);
  }
  return String(step / 1000);
}

function wantText(name: string, text: string, what: string): string {
  if (text.trim() === "") throw new RangeError(`${name}: want ${what}, got an empty text`);
  return text;
}
