import assert from "node:assert/strict";
import { test } from "node:test";
import { completeName } from "./completion.ts";

const NAMES = ["go_threads", "process_cpu_seconds_total", "process_open_fds", "up"];

/** `|` is the cursor. */
function complete(text: string): string[] | null {
  const cursor = text.indexOf("|");
  return completeName(text.replace("|", ""), cursor, NAMES)?.names.slice() ?? null;
}

test("names that start with the word come before those that contain it", () => {
  assert.deepEqual(complete("pro|"), ["process_cpu_seconds_total", "process_open_fds"]);
  assert.deepEqual(complete("sum(rate(pro|"), ["process_cpu_seconds_total", "process_open_fds"]);
  assert.deepEqual(complete("SECONDS|"), ["process_cpu_seconds_total"]);
  assert.deepEqual(complete('x{a="b"} + pro|'), ["process_cpu_seconds_total", "process_open_fds"]);
});

test("nothing is offered where no name belongs", () => {
  assert.equal(complete("p|"), null);
  assert.equal(complete("|"), null);
  assert.equal(complete("nothing|"), null);
  assert.equal(complete("x{pro|"), null);
  assert.equal(complete('x{a="pro|"}'), null);
  assert.equal(complete(`label_set(q, "pro|`), null);
  assert.equal(complete('"a\\"pro|'), null);
  assert.equal(complete("go_threads|"), null);
  assert.equal(complete("rate(x[pro|"), null);
});

test("the whole word is replaced", () => {
  const found = completeName("sum(process_op)", 11, NAMES);
  assert.equal(found?.lo, 4);
  assert.equal(found?.hi, 14);
});
