import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { chooseDue, chooseQuiet } from "./merge-plan.ts";

const HOUR_MS = 3_600_000;
const MONTH_MS = 30 * 24 * HOUR_MS;

interface Part {
  readonly info: { readonly bytes: number };
}

interface Month {
  readonly endMs: number;
  lastPartMs: number;
  parts: Part[];
}

const part = (bytes: number): Part => ({ info: { bytes } });
const sum = (parts: readonly Part[]): number => parts.reduce((all, { info }) => all + info.bytes, 0);

/** Flushes every so often into the present month, some of them into old ones, too; merges what is due and what is quiet. */
function simulate(seed: number, flushes: number, everyMs: number, backfill: number, isBusy: () => boolean) {
  const random = new Random(seed);
  const months: Month[] = [];
  const figures = { flushed: 0, merged: 0, quiet: 0, most: 0, largest: 0 };
  const replace = (month: Month, merged: readonly Part[]): number => {
    const bytes = sum(merged);
    month.parts = [...month.parts.filter((one) => !merged.includes(one)), part(bytes)];
    figures.largest = Math.max(figures.largest, bytes);
    return bytes;
  };
  const settle = (nowMs: number): void => {
    for (const month of months) {
      for (let due = chooseDue(month.parts, isBusy()); due !== null; due = chooseDue(month.parts, isBusy())) {
        figures.merged += replace(month, due);
      }
      const quiet = isBusy() ? null : chooseQuiet(month.parts, month, nowMs);
      if (quiet !== null) figures.quiet += replace(month, quiet);
    }
  };
  let nowMs = 0;
  for (let i = 0; i < flushes; i++) {
    nowMs = i * everyMs;
    while (months.length <= nowMs / MONTH_MS) {
      months.push({ endMs: (months.length + 1) * MONTH_MS, lastPartMs: 0, parts: [] });
    }
    const months_ = [months[months.length - 1] as Month];
    if (random.chance(backfill)) months_.push(months[Math.floor(random.next() * months.length)] as Month);
    for (const [k, month] of months_.entries()) {
      const bytes = Math.round(2 ** (k === 0 ? 20 + random.next() * 4 : 8 + random.next() * 15));
      figures.flushed += bytes;
      month.parts.push(part(bytes));
      month.lastPartMs = nowMs;
    }
    settle(nowMs);
    figures.most = Math.max(figures.most, ...months.map(({ parts }) => parts.length));
  }
  // Nothing comes any more.
  for (let hour = 0; hour < 24 * 45; hour += 6) settle(nowMs + hour * HOUR_MS);
  return { ...figures, left: months.map(({ parts }) => parts.length) };
}

test("10,000 flushes, many of them into old months: each byte is written a few times, parts are few, old months end as one", () => {
  for (const backfill of [0, 0.05, 0.5]) {
    const random = new Random(7);
    const { flushed, merged, quiet, most, left } = simulate(1, 10_000, HOUR_MS, backfill, () => random.chance(0.3));
    assert.ok(
      merged <= 8 * flushed,
      `backfill ${backfill}: as parts came, each byte was rewritten ${merged / flushed} times`,
    );
    assert.ok(
      quiet <= 4 * flushed,
      `backfill ${backfill}: in quiet months, each byte was rewritten ${quiet / flushed} times`,
    );
    assert.ok(most <= 56, `backfill ${backfill}: ${most} parts in a month`);
    assert.deepEqual(new Set(left), new Set([1]), `backfill ${backfill}`);
  }
});

test("a thread that is always busy merges what is small, and the rest when there is too much of it", () => {
  const { flushed, merged, quiet, most, largest } = simulate(2, 2_000, 60_000, 0.1, () => true);
  assert.ok(most <= 64, `${most} parts`);
  assert.ok(largest > 16 << 20, "never merged anything large");
  assert.ok(merged <= 8 * flushed);
  assert.equal(quiet, 0);
  const large = Array.from({ length: 8 }, () => part(10 << 20));
  assert.equal(chooseDue(large, true), null);
  assert.deepEqual(chooseDue(large, false), large);
  const small = Array.from({ length: 8 }, () => part(1 << 20));
  assert.deepEqual(chooseDue([...large, ...small], true), small);
});

test("a month that is over becomes one part after an hour, later if what came late is little", () => {
  const month = { endMs: 0, lastPartMs: 0 };
  const even = [part(100), part(100)];
  assert.equal(chooseQuiet([part(100)], month, 1e12), null, "one part is one part");
  assert.equal(chooseQuiet(even, { endMs: 5 * HOUR_MS, lastPartMs: 0 }, 5 * HOUR_MS), null, "the month is not over");
  assert.equal(
    chooseQuiet(even, { endMs: 0, lastPartMs: 5 * HOUR_MS }, 6 * HOUR_MS - 1),
    null,
    "something came just now",
  );
  assert.deepEqual(chooseQuiet(even, month, HOUR_MS), even);
  const light = [part(9_900), part(100)];
  assert.deepEqual(chooseQuiet(light, month, HOUR_MS), light, "what came as the month ended is not late");
  const late = { endMs: 0, lastPartMs: 50 * HOUR_MS };
  assert.deepEqual(chooseQuiet(even, late, 51 * HOUR_MS), even);
  assert.equal(chooseQuiet(light, late, 99 * HOUR_MS), null);
  assert.deepEqual(chooseQuiet(light, late, 100 * HOUR_MS), light);
  const old = { endMs: 0, lastPartMs: 10_000 * HOUR_MS };
  assert.equal(chooseQuiet(light, old, 10_719 * HOUR_MS), null);
  assert.deepEqual(chooseQuiet(light, old, 10_720 * HOUR_MS), light);
});
