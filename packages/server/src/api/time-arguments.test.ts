import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "@nyanza/tsdb";
import { RequestArguments } from "../http/arguments.ts";
import { getDuration, getTime, parseDuration, parsePromTime, parseTime, TIME_MAX_MS } from "./time-arguments.ts";

const NOW_MS = 1_700_000_000_123;

function argsOf(text: string): RequestArguments {
  return new RequestArguments(new URLSearchParams({ t: text }));
}

test("parseTime", () => {
  const same = (text: string, ms: number | null) => assert.equal(parseTime(text, NOW_MS), ms, text);
  same("1700000000", 1_700_000_000_000);
  same("1700000000.5", 1_700_000_000_500);
  same("1.7e9", 1_700_000_000_000);
  same("1700000000123", 1_700_000_000_123);
  same("1700000000123456", 1_700_000_000_123);
  same("1700000000123456789", 1_700_000_000_123);
  same("0", 0);
  same("now", NOW_MS);
  same("now-5m", NOW_MS - 300_000);
  same("now-1h30m", NOW_MS - 5_400_000);
  same("-1h", NOW_MS - 3_600_000);
  same("1h", NOW_MS - 3_600_000);
  same("-1.5d", NOW_MS - 129_600_000);
  same("2024", Date.UTC(2024, 0));
  same("2024Z", Date.UTC(2024, 0));
  same("2024-05Z", Date.UTC(2024, 4));
  same("2024-05-06Z", Date.UTC(2024, 4, 6));
  same("2024-05-06T07Z", Date.UTC(2024, 4, 6, 7));
  same("2024-05-06T07:08Z", Date.UTC(2024, 4, 6, 7, 8));
  same("2024-05-06T07:08:09Z", Date.UTC(2024, 4, 6, 7, 8, 9));
  same("2024-05-06T07:08:09.1234567891234Z", Date.UTC(2024, 4, 6, 7, 8, 9, 123));
  same("2024-05-06T07:08:09.25Z", Date.UTC(2024, 4, 6, 7, 8, 9, 250));
  same("2024-05-06T07:08:09.123456789+02:00", Date.UTC(2024, 4, 6, 5, 8, 9, 123));
  same("2024-05-06T07:08:09-03:30", Date.UTC(2024, 4, 6, 10, 38, 9));
  same("2024-05-06T07:08:09", new Date(2024, 4, 6, 7, 8, 9).getTime());
  for (const text of [
    "abc",
    "2024-02-31Z",
    "2024-13Z",
    "2024-05-06T25:00Z",
    "0x10",
    "1e400",
    "now+x",
    "now+5m",
    "+1h",
    "9223372036854775808",
    "-",
    "NaN",
    "1 ",
  ]) {
    same(text, null);
  }
});

test("getTime", () => {
  const get = (text: string) => getTime(argsOf(text), "t", NOW_MS, NOW_MS);
  assert.equal(get(""), NOW_MS);
  assert.equal(get("-292273086-05-16T16:47:06Z"), 0);
  assert.equal(get("292277025-08-18T07:12:54.999999999Z"), TIME_MAX_MS);
  assert.equal(get("1960-01-01T00:00:00Z"), 0);
  assert.throws(() => get("9999999999999999999999"), InputError);
  assert.throws(() => get("yesterday"), InputError);
  assert.throws(
    () => get("x".repeat(1e6)),
    (error: Error) => error.message.length < 500,
  );
});

test("getDuration", () => {
  const get = (text: string) => getDuration(argsOf(text), "t", 7);
  assert.equal(get(""), 7);
  assert.equal(get("undefined"), 7);
  assert.equal(get("15"), 15_000);
  assert.equal(get("0.5"), 500);
  assert.equal(get("15s"), 15_000);
  assert.equal(get("1h30m"), 5_400_000);
  assert.equal(get("1H30m"), 5_400_000);
  assert.equal(get("1h-30m"), 1_800_000);
  for (const text of ["0", "-5", "1ns", "1M", "+15s", "1i", "x", "101y", "NaN", "Infinity", "1e30", "-1m", "0.0001"]) {
    assert.throws(() => get(text), InputError, text);
  }
});

test("parseDuration", () => {
  assert.equal(parseDuration("5"), 5000);
  assert.equal(parseDuration("1w2d"), 9 * 86_400_000);
  assert.equal(parseDuration("-1.5h"), -5_400_000);
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration(""), null);
  assert.equal(parseDuration("5x"), null);
});

test("parsePromTime", () => {
  const same = (text: string, ms: number | null) => assert.equal(parsePromTime(text, NOW_MS), ms, text);
  same("2024", 2_024_000);
  same("-60.5", -60_500);
  same("1700000000.123", 1_700_000_000_123);
  same("1970-01-01T00:50:00Z", 3_000_000);
  same("292277025-08-18T07:12:54.999999999Z", TIME_MAX_MS);
  same("soon", null);
  same("", null);
});
