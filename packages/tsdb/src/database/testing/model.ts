/**
 * What a database must answer, kept as plain maps: the other side of the model test. Nothing of the engine is used here, so its rules
 * are written down a second time: which of two samples at one time counts, what is outside the retention, what a filter means.
 *
 * Whether a write that was refused has arrived nobody knows. Its samples are possible: they may show or not, until a
 * reopened database was asked and `settle` keeps what it said.
 */
import assert from "node:assert/strict";
import type { FilterGroups, LabelFilter } from "../../base/label-filter.ts";
import type { Tenant } from "../../base/tenant.ts";
import { numberOf, type RuleModel } from "./rule-model.ts";

export const TENANTS: readonly Tenant[] = [
  { accountId: 0, projectId: 0 },
  { accountId: 7, projectId: 3 },
];

/** The series of all programs. */
export const SERIES: readonly Readonly<Record<string, string>>[] = [
  { __name__: "cpu", job: "a", instance: "1" },
  { __name__: "cpu", job: "a", instance: "2" },
  { __name__: "cpu", job: "b", instance: "1" },
  { __name__: "cpu" },
  { __name__: "mem", job: "a", instance: "1", zone: 'ö "x"' },
  { __name__: "mem", job: "b" },
  { __name__: "disk_total", job: "b", instance: "2", dev: "sda" },
  { __name__: "disk_total", job: "b", instance: "2", dev: "sdb" },
  { __name__: "up", job: "c" },
];

export interface Point {
  /** Index in SERIES. */
  readonly series: number;
  readonly ms: number;
  /** The value's 64 bits in hex. */
  readonly bits: string;
}

interface Cell {
  /** What counts of what was acknowledged; null if nothing was. */
  known: string | null;
  /** What else may count. */
  readonly possible: Set<string>;
}

export class Model {
  /** By tenant and series, then by time. */
  private readonly cells: Map<string, Map<number, Cell>> = new Map();

  /** Series of a tenant that were ever sent. */
  private readonly met: Set<string> = new Set();

  /** Samples were sent, whatever became of them. */
  meet(tenant: number, points: readonly Point[]): void {
    for (const { series } of points) this.met.add(`${tenant}/${series}`);
  }

  /** A write whose answer said stored, or one whose fate is unknown. */
  write(tenant: number, points: readonly Point[], isAcknowledged: boolean): void {
    for (const { series, ms, bits } of points) {
      const cell = this.cell(tenant, series, ms);
      if (!isAcknowledged) cell.possible.add(bits);
      else if (cell.known === null || isPreferred(bits, cell.known)) cell.known = bits;
    }
  }

  /** A delete that was carried out, or one whose fate is unknown. Of what was never acknowledged it is not known whether it was there before. */
  remove(tenant: number, groups: FilterGroups, minMs: number, maxMs: number, isAcknowledged: boolean): void {
    for (const [series, labels] of SERIES.entries()) {
      if (!matches(labels, groups)) continue;
      for (const [ms, cell] of this.cells.get(`${tenant}/${series}`) ?? []) {
        if (ms < minMs || ms > maxMs || cell.known === null) continue;
        if (!isAcknowledged) cell.possible.add(cell.known);
        cell.known = null;
      }
    }
  }

  /** Samples before this are gone. */
  expire(oldestMs: number): void {
    for (const times of this.cells.values()) for (const ms of times.keys()) if (ms < oldestMs) times.delete(ms);
  }

  /** A copy that later changes leave alone. */
  copy(): Model {
    const copy = new Model();
    for (const key of this.met) copy.met.add(key);
    for (const [key, times] of this.cells) {
      const cells = new Map<number, Cell>();
      for (const [ms, { known, possible }] of times) cells.set(ms, { known, possible: new Set(possible) });
      copy.cells.set(key, cells);
    }
    return copy;
  }

  /** Times of a series that something was written for. */
  timesOf(tenant: number, series: number): number[] {
    return [...(this.cells.get(`${tenant}/${series}`)?.keys() ?? [])];
  }

  /** Whether a sample of this series and time is there. */
  has(tenant: number, series: number, ms: number): boolean {
    return this.cells.get(`${tenant}/${series}`)?.has(ms) ?? false;
  }

  /** The series whose samples are shown as rules leave them. Of such all is certain. */
  ruled(rules: RuleModel, nowMs: number): Model {
    const ruled = new Model();
    for (const key of this.met) ruled.met.add(key);
    for (const [key, times] of this.cells) {
      const [tenant, series] = key.split("/").map(Number) as [number, number];
      const all = new Map<number, string>();
      for (const [ms, { known, possible }] of times) {
        assert.equal(possible.size, 0, "programs with rules know what is there");
        if (known !== null) all.set(ms, known);
      }
      const cells = new Map<number, Cell>();
      for (const [ms, known] of rules.shown(SERIES[series] as Labels, tenant, all, nowMs)) {
        cells.set(ms, { known, possible: new Set() });
      }
      ruled.cells.set(key, cells);
    }
    return ruled;
  }

  /** Series that match, have at least one certain sample in the range, and those that may have had one. */
  series(
    tenant: number,
    groups: FilterGroups,
    minMs: number,
    maxMs: number,
  ): { certain: number[]; possible: number[] } {
    const certain: number[] = [];
    const possible: number[] = [];
    for (const [series, labels] of SERIES.entries()) {
      const key = `${tenant}/${series}`;
      if (!this.met.has(key) || (groups.length > 0 && !matches(labels, groups))) continue;
      possible.push(series);
      const times = this.cells.get(key) ?? [];
      if ([...times].some(([ms, { known }]) => known !== null && ms >= minMs && ms <= maxMs)) certain.push(series);
    }
    return { certain, possible };
  }

  /** @throws AssertionError if this is not what a search for matching series in the range may find */
  check(tenant: number, groups: FilterGroups, minMs: number, maxMs: number, found: Found): void {
    for (const key of found.keys()) assert.ok(matches(SERIES[key] as Labels, groups), `${nameOf(key)} does not match`);
    for (const [series, labels] of SERIES.entries()) {
      if (!matches(labels, groups)) continue;
      const times = this.cells.get(`${tenant}/${series}`) ?? new Map<number, Cell>();
      const samples = found.get(series) ?? new Map<number, string>();
      for (const [ms, bits] of samples) {
        const where = `${nameOf(series)} at ${ms}`;
        assert.ok(ms >= minMs && ms <= maxMs, `${where}: outside the range asked for`);
        const cell = times.get(ms);
        assert.ok(cell !== undefined, `${where}: ${bits} was never written, or is gone`);
        if (bits === cell.known) continue;
        assert.ok(cell.possible.has(bits), `${where}: found ${bits}, want ${cell.known}`);
        assert.ok(
          cell.known === null || isPreferred(bits, cell.known),
          `${where}: found ${bits}, but ${cell.known} counts`,
        );
      }
      for (const [ms, { known }] of times) {
        if (known === null || ms < minMs || ms > maxMs) continue;
        assert.ok(samples.has(ms), `${nameOf(series)} at ${ms}: ${known} is missing`);
      }
    }
  }

  /** What a tenant has, found by a search for everything, is from now on what it must have. */
  settle(tenant: number, found: Found): void {
    for (const series of SERIES.keys()) {
      const times = this.cells.get(`${tenant}/${series}`);
      for (const [ms, cell] of times ?? []) {
        const bits = found.get(series)?.get(ms) ?? null;
        cell.known = bits;
        cell.possible.clear();
        if (bits === null) times?.delete(ms);
      }
    }
  }

  private cell(tenant: number, series: number, ms: number): Cell {
    const key = `${tenant}/${series}`;
    let times = this.cells.get(key);
    if (times === undefined) {
      times = new Map();
      this.cells.set(key, times);
    }
    let cell = times.get(ms);
    if (cell === undefined) {
      cell = { known: null, possible: new Set() };
      times.set(ms, cell);
    }
    return cell;
  }
}

type Labels = Readonly<Record<string, string>>;

/** Samples by index in SERIES and time, values as 64 bits in hex. */
export type Found = ReadonlyMap<number, ReadonlyMap<number, string>>;

const names: readonly string[] = SERIES.map((labels) => JSON.stringify(labels));
const nameOf = (series: number): string => names[series] as string;

/** The regexes of programs, and what they mean. */
export const REGEXES: Readonly<Record<string, (value: string) => boolean>> = {
  a: (value) => value === "a",
  "a|b": (value) => value === "a" || value === "b",
  ".*": () => true,
  ".+": (value) => value !== "",
  "": (value) => value === "",
  "cpu|up": (value) => value === "cpu" || value === "up",
  "[a-c]": (value) => ["a", "b", "c"].includes(value),
  "s.*": (value) => value.startsWith("s"),
  nothing: () => false,
  "d.*_total": (value) => value.startsWith("d") && value.endsWith("_total"),
};

function matches(labels: Labels, groups: FilterGroups): boolean {
  const fits = ({ label, op, value }: LabelFilter): boolean => {
    const own = labels[label] ?? "";
    if (op === "=" || op === "!=") return (own === value) === (op === "=");
    return (REGEXES[value] as (value: string) => boolean)(own) === (op === "=~");
  };
  return groups.some((group) => group.length > 0 && group.every(fits));
}

const STALE = "7ff0000000000002";

/** Staleness marker, other NaNs by their bits, numbers by size, -0 before 0. */
function isPreferred(a: string, b: string): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  const rank = (bits: string, value: number): number => (bits === STALE ? 0 : Number.isNaN(value) ? 1 : 2);
  const byRank = rank(a, x) - rank(b, y);
  if (byRank !== 0) return byRank > 0;
  if (Number.isNaN(x)) return a > b;
  return x === y ? Object.is(x, 0) && Object.is(y, -0) : x > y;
}
