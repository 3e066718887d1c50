/**
 * A dashboard that is looked at again and again while samples arrive: scraped series that begin, pause, restart and end, late and repeated samples, deletes, flushes and merges. What
 * is shown is asked for twice each time, with what is kept of earlier answers and without.
 */
import assert from "node:assert/strict";
import type { ManualClock } from "../../base/clock.ts";
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Random } from "../../base/random.ts";
import type { QueryResult } from "../../query/result.ts";
import type { Database } from "../database.ts";
import type { Dialect, Queries } from "../queries.ts";

export const START_MS: number = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;

interface Panel {
  readonly text: string;
  readonly dialect: Dialect;
  readonly points: number;
  readonly stepMs: number;
  /** How far before now it ends. */
  readonly backMs: number;
}

/** A target that is scraped. */
interface Target {
  readonly labels: Record<string, string>;
  readonly intervalMs: number;
  /** By how much scrapes may be off. */
  readonly jitterMs: number;
  readonly isCounter: boolean;
  value: number;
  nextMs: number;
  /** It answers no scrapes before. */
  silentUntilMs: number;
}

export class Dashboards {
  /** Series and points that were compared. */
  comparedPoints = 0;
  readonly #random: Random;
  readonly #db: Database;
  readonly #clock: ManualClock;
  /** Where panels are asked for. */
  readonly #queries: Pick<Queries, "queryRange">;
  readonly #targets: Target[] = [];
  readonly #panels: Panel[] = [];
  #names = 0;

  constructor(random: Random, db: Database, clock: ManualClock, queries: Pick<Queries, "queryRange">) {
    this.#random = random;
    this.#db = db;
    this.#clock = clock;
    this.#queries = queries;
  }

  /** Some targets with their past, and some panels. */
  async begin(texts: readonly { text: string; dialect: Dialect }[], panels: number): Promise<void> {
    for (let i = 0; i < 8; i++) this.#addTarget(this.#clock.nowMs() - this.#below(3) * 25 * MINUTE);
    await this.#scrape();
    for (let i = 0; i < panels; i++) {
      const { text, dialect } = this.#pick(texts);
      this.#panels.push({
        text,
        dialect,
        points: 20 + this.#below(50),
        stepMs: this.#pick([5_000, 15_000, 15_000, 20_000, 60_000]),
        backMs: this.#pick([0, 0, 0, 0, 4 * MINUTE]),
      });
    }
  }

  /** Something happens, some time passes, and all panels are looked at. */
  async round(): Promise<void> {
    const chance = this.#below(100);
    if (chance < 12) await this.#late(1 + this.#below(3));
    else if (chance < 16) await this.#late(70);
    else if (chance < 20) this.#addTarget(this.#clock.nowMs());
    else if (chance < 26)
      this.#pick(this.#targets).silentUntilMs = this.#clock.nowMs() + this.#pick([1, 3, 8, 500]) * MINUTE;
    else if (chance < 29) await this.#delete();
    else if (chance < 33) await this.#db.flush();
    else if (chance < 35) await this.#db.merge();
    this.#clock.advance(this.#pick([1_000, 5_000, 5_000, 15_000, 15_000, 40_000, 7 * MINUTE]));
    await this.#scrape();
    for (const panel of this.#panels) await this.#compare(panel);
  }

  #addTarget(fromMs: number): void {
    const names = this.#names++;
    this.#targets.push({
      labels: { __name__: this.#pick(["m", "m", "n"]), job: `${names % 3}`, instance: `${names}` },
      intervalMs: this.#pick([5_000, 15_000, 15_000, 15_000, 60_000]),
      jitterMs: this.#pick([0, 0, 2, 900]),
      isCounter: this.#below(2) === 0,
      value: this.#below(100),
      nextMs: fromMs + this.#below(15_000),
      silentUntilMs: 0,
    });
  }

  /** What was scraped up to now, some of it a little late. */
  async #scrape(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    for (const target of this.#targets) {
      const timestamps: number[] = [];
      const values: number[] = [];
      for (; target.nextMs <= nowMs; target.nextMs += target.intervalMs) {
        if (target.nextMs < target.silentUntilMs || this.#below(40) === 0) continue;
        if (target.isCounter) target.value = this.#below(60) === 0 ? this.#below(3) : target.value + this.#below(20);
        else target.value = this.#below(2000) - 1000;
        timestamps.push(target.nextMs + this.#below(target.jitterMs + 1));
        values.push(this.#below(80) === 0 ? Number.NaN : target.value);
      }
      const order = timestamps.map((_, i) => i);
      if (this.#below(10) === 0) order.reverse();
      if (order.length === 0) continue;
      await this.#append(
        target,
        order.map((i) => timestamps[i] as number),
        order.map((i) => values[i] as number),
      );
    }
  }

  async #append({ labels }: Target, timestamps: readonly number[], values: readonly number[]): Promise<void> {
    const column = Float64Array.from(values);
    const words = new Uint32Array(column.buffer);
    // A target that says nothing says so.
    for (let i = 0; i < column.length; i++) if (values[i] !== values[i]) words.set([2, 0x7ff00000], 2 * i);
    await this.#db.append([{ labels, timestamps, values: column }]);
  }

  /** Samples of the past, of targets that are there and of new ones. */
  async #late(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (this.#below(4) === 0) this.#addTarget(this.#clock.nowMs() + 500 * MINUTE);
      const target = this.#pick(this.#targets);
      const agoMs = this.#pick([2, 5, 20, 60]) * MINUTE;
      await this.#append(target, [this.#clock.nowMs() - this.#below(agoMs)], [this.#below(1000)]);
    }
  }

  async #delete(): Promise<void> {
    const { labels } = this.#pick(this.#targets);
    const groups: FilterGroups = [[{ label: "instance", op: "=", value: labels.instance as string }]];
    const minMs = this.#clock.nowMs() - this.#below(60) * MINUTE;
    await this.#db.delete({ groups, minMs, maxMs: minMs + this.#below(20) * MINUTE });
  }

  async #compare({ text, dialect, points, stepMs, backMs }: Panel): Promise<void> {
    const lastMs = Math.floor((this.#clock.nowMs() - backMs) / stepMs) * stepMs;
    // Somebody looks at what was before.
    const endMs = this.#below(12) === 0 ? lastMs - this.#below(30) * stepMs : lastMs;
    const range = { dialect, startMs: endMs - (points - 1) * stepMs, endMs, stepMs, nowMs: this.#clock.nowMs() };
    const kept = await this.#queries.queryRange(text, range);
    const computed = await this.#queries.queryRange(text, { ...range, mayCache: false });
    this.#assertSame(kept, computed, `${dialect} ${text} by ${stepMs} ms, ${points} points up to ${endMs}`);
  }

  #assertSame(got: QueryResult, want: QueryResult, what: string): void {
    assert.deepEqual(
      got.series.map(({ labels }) => `${labels}`),
      want.series.map(({ labels }) => `${labels}`),
      what,
    );
    assert.deepEqual([got.warnings, got.infos, got.isPartial], [want.warnings, want.infos, want.isPartial], what);
    got.series.forEach(({ labels, timestamps, values }, i) => {
      const other = want.series[i] as QueryResult["series"][number];
      assert.deepEqual([...timestamps], [...other.timestamps], `${what}: ${labels}`);
      values.forEach((value, k) => {
        const wanted = other.values[k] as number;
        // Sums are added up in another order, and counters have restarted more or less often before.
        const isSame = Object.is(value, wanted) || Math.abs(value - wanted) <= 1e-12 * Math.max(1e5, Math.abs(wanted));
        assert.ok(isSame, `${what}: ${labels} at ${timestamps[k]}: ${value}, computed ${wanted}`);
      });
      this.comparedPoints += values.length;
    });
  }

  #below(count: number): number {
    return this.#random.below(count);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }
}
