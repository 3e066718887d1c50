/** What programs are made of. A new capability of the database joins here with one entry. */
import type { FilterGroups, LabelFilter } from "../../base/label-filter.ts";
import type { Random } from "../../base/random.ts";
import { type Point, REGEXES, SERIES, TENANTS } from "./model.ts";
import type { Draw, Operation, ProgramKind } from "./program.ts";
import { bitsOf } from "./rule-model.ts";
import type { Ending, World } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

/** Series, time and bits of a sample, as programs have it. */
type Row = readonly [series: number, ms: number, bits: string];

const SPECIAL = [
  "0000000000000000", // 0
  "8000000000000000", // -0
  "7ff0000000000000", // +Inf
  "fff0000000000000",
  "7ff0000000000002", // the staleness marker
  "7ff8000000000001", // a NaN
  "fff8000000000000",
  "0000000000000001", // the smallest number there is
];

/** A whole number, or a staleness marker. */
const drawExactBits = (random: Random): string =>
  random.chance(0.1) ? "7ff0000000000002" : bitsOf(random.below(50) - 10 || 1);

function drawBits({ random, isExact }: Draw): string {
  if (isExact) return drawExactBits(random);
  if (random.chance(0.15)) return random.pick(SPECIAL);
  if (random.chance(0.5)) return bitsOf(random.below(50) - 10);
  return bitsOf((random.next() - 0.5) * 10 ** random.below(12));
}

/** Now, late, in another month, twice at one time, too old, or in the future. */
function drawTime(draw: Draw): number {
  const { random, nowMs, times } = draw;
  if (draw.ages.length > 0 && random.chance(0.6)) return drawTimeOfAge(draw);
  const kind = random.below(10);
  let ms = nowMs - random.below(10) * MINUTE;
  if (kind === 0) ms = nowMs - random.below(60 * DAY);
  else if (kind === 1) ms = nowMs + random.below(3 * DAY) - DAY / 2;
  else if (kind === 2) ms = nowMs - random.below(500) * DAY;
  else if (kind === 3)
    ms = Date.UTC(2026, random.below(12)) - random.below(2); // The edges of months.
  else if (kind < 7 && times.length > 0) ms = random.pick(times);
  times.push(ms);
  return ms;
}

/** Near others of about the age at which something becomes of them, some of them at the ends of intervals and next to them. */
function drawTimeOfAge({ random, nowMs, times, ages }: Draw): number {
  const hours = Math.floor((nowMs - random.pick(ages)) / HOUR) - random.below(9);
  let ms = (hours + 2) * HOUR + random.below(3) - 1;
  if (random.chance(0.7)) ms = hours * HOUR + random.below(40) * 7 * MINUTE + random.below(1000);
  times.push(ms);
  return ms;
}

function drawRows(draw: Draw): Row[] {
  const { random } = draw;
  if (random.chance(0.2)) {
    // A scrape: a run of even times for some series.
    const firstMs = drawTime(draw);
    const length = 2 + random.below(30);
    const series = random.below(SERIES.length);
    return Array.from({ length }, (_, i) => [series, firstMs + i * 15_000, drawBits(draw)]);
  }
  return Array.from({ length: 1 + random.below(6) }, () => [
    random.below(SERIES.length),
    drawTime(draw),
    drawBits(draw),
  ]);
}

/** Some series at times that are near one of those that were drawn before. */
function drawNeighbours(draw: Draw): Row[] {
  const { random, times, nowMs } = draw;
  const ms = (times[0] ?? nowMs) - random.below(12) * 10 * MINUTE;
  return Array.from({ length: 3 }, (_, i) => [random.below(SERIES.length), ms + i * 1_000, drawBits(draw)]);
}

const drawTenant = (random: Random): number => (random.chance(0.8) ? 0 : random.below(TENANTS.length));

function drawFilter(random: Random): LabelFilter {
  const op = random.pick(["=", "!=", "=~", "!~"] as const);
  const label = random.pick(["__name__", "job", "instance", "zone", "dev", "none"]);
  const value =
    op === "=" || op === "!=" ? random.pick(["cpu", "mem", "a", "b", "1", "2", ""]) : random.pick(Object.keys(REGEXES));
  return { label, op, value };
}

function drawGroups(random: Random): FilterGroups {
  return Array.from({ length: random.chance(0.8) ? 1 : 2 }, () =>
    Array.from({ length: 1 + random.below(3) }, () => drawFilter(random)),
  );
}

function drawRange(draw: Draw): [minMs: number, maxMs: number] {
  const { random, nowMs } = draw;
  if (random.chance(0.3)) return [0, nowMs + 10 * DAY];
  const ends = [drawTime(draw), drawTime(draw)].sort((a, b) => a - b);
  return [Math.max(0, ends[0] as number), ends[1] as number];
}

/** A time that something was written for, and what is around it. */
function drawSurroundings({ random, nowMs, times }: Draw): [minMs: number, maxMs: number] {
  const ms = times.length === 0 ? nowMs : random.pick(times);
  const distance = (): number => random.below(random.pick([2, 20 * MINUTE, 3 * HOUR, 2 * DAY]));
  return [Math.max(0, ms - distance()), ms + distance()];
}

const drawEnding = (random: Random): Ending => random.pick(["close", "kill", "power", "lucky power"]);

function pointsOf(rows: readonly Row[]): Point[] {
  return rows.map(([series, ms, bits]) => ({ series, ms, bits }));
}

const EVERYTHING: FilterGroups = [[{ label: "__name__", op: "!=", value: "" }]];

/** Where the disk is well, or fails only while nothing is written: there all that is stored is certain. */
const CERTAIN: readonly ProgramKind[] = ["rules"];
const UNCERTAIN: readonly ProgramKind[] = ["plain", "faults"];
const FAILING: readonly ProgramKind[] = ["faults"];

/** Long work of the database, by name. */
const WORKS: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  flush: (world) => world.db.flush(),
  merge: (world) => world.db.merge(),
  snapshot: (world) => world.takeSnapshot(),
  rules: (world) => world.db.applyRules(),
};

const UNRULED_WORKS: readonly string[] = ["flush", "merge", "snapshot"];
const RULED_WORKS: readonly string[] = ["flush", "merge", "rules"];
const drawWork = ({ random, kind }: Draw): string => random.pick(kind === "rules" ? RULED_WORKS : UNRULED_WORKS);
const start = (world: World, work: string): Promise<boolean> =>
  world.attempt(() => (WORKS[work] as (world: World) => Promise<unknown>)(world));

/** Which calls of the disk fail, and how. */
function drawFault(random: Random): unknown[] {
  return [
    random.below(12),
    random.pick([1, 1, 1, 2, 5, 1_000]),
    random.pick(["", "", "sync", "append", "create", "rename", "remove", "wal/", "data/", "MANIFEST"]),
    random.pick(["EIO", "ENOSPC"]),
    random.pick(["before", "half", "after", "lost"]),
  ];
}

/** Lets what was started go on for some steps. */
async function letRun(ticks: number): Promise<void> {
  for (let i = 0; i < ticks; i++) await Promise.resolve();
}

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  write: {
    weight: 24,
    draw: (draw) => [drawTenant(draw.random), drawRows(draw)],
    run: (world, tenant: number, rows: Row[]) => world.write(tenant, pointsOf(rows)),
  },
  // So many parts that the background merges some of them.
  writeParts: {
    weight: 2,
    kinds: CERTAIN,
    draw: (draw) => [drawTenant(draw.random), Array.from({ length: 9 }, () => drawNeighbours(draw))],
    run: async (world, tenant: number, parts: Row[][]) => {
      for (const rows of parts) {
        await world.write(tenant, pointsOf(rows));
        await start(world, "flush");
      }
      await world.searchAll();
    },
  },
  search: {
    weight: 8,
    draw: (draw) => [drawTenant(draw.random), drawGroups(draw.random), ...drawRange(draw)],
    run: (world, tenant: number, groups: FilterGroups, minMs: number, maxMs: number) =>
      world.search(tenant, groups, minMs, maxMs),
  },
  searchAround: {
    weight: 12,
    kinds: CERTAIN,
    draw: (draw) => [drawTenant(draw.random), ...drawSurroundings(draw)],
    run: (world, tenant: number, minMs: number, maxMs: number) => world.search(tenant, EVERYTHING, minMs, maxMs),
  },
  searchAll: { weight: 2, draw: () => [], run: (world) => world.searchAll() },
  labels: {
    weight: 4,
    draw: (draw) => [
      drawTenant(draw.random),
      draw.random.chance(0.3) ? [] : drawGroups(draw.random),
      ...drawRange(draw),
    ],
    run: (world, tenant: number, groups: FilterGroups, minMs: number, maxMs: number) =>
      world.labels(tenant, groups, minMs, maxMs),
  },
  flush: { weight: 5, draw: () => [], run: async (world) => void (await start(world, "flush")) },
  merge: { weight: 3, draw: () => [], run: async (world) => void (await start(world, "merge")) },
  remove: {
    weight: 4,
    draw: (draw) => [drawTenant(draw.random), drawGroups(draw.random), ...drawRange(draw)],
    run: (world, tenant: number, groups: FilterGroups, minMs: number, maxMs: number) =>
      world.remove(tenant, groups, minMs, maxMs),
  },
  crashInRemove: {
    weight: 1,
    kinds: UNCERTAIN,
    draw: (draw) => [
      draw.random.below(150),
      draw.random.pick(["kill", "power", "lucky power"]),
      draw.random.below(1e6),
      drawTenant(draw.random),
      drawGroups(draw.random),
      ...drawRange(draw),
    ],
    run: async (
      world,
      ticks: number,
      ending: Exclude<Ending, "close">,
      luck: number,
      tenant: number,
      groups: FilterGroups,
      minMs: number,
      maxMs: number,
    ) => {
      world.beginRemove(tenant, groups, minMs, maxMs);
      await letRun(ticks);
      await world.restart(ending, luck);
    },
  },
  snapshot: { weight: 2, draw: () => [], run: (world) => world.takeSnapshot() },
  restore: {
    weight: 1,
    draw: ({ random }) => [random.below(10)],
    run: (world, which: number) => world.restore(which),
  },
  deleteSnapshot: {
    weight: 1,
    draw: ({ random }) => [random.below(10)],
    run: (world, which: number) => world.deleteSnapshot(which),
  },
  pass: {
    weight: 3,
    draw: (draw) => {
      const ms = draw.random.pick([1_000, 10_000, 2 * 3_600_000, DAY, 20 * DAY]);
      draw.nowMs += ms;
      return [ms];
    },
    run: async (world, ms: number) => world.pass(ms),
  },
  reopen: {
    weight: 3,
    draw: ({ random }) => [drawEnding(random), random.below(1e6)],
    run: (world, ending: Ending, luck: number) => world.reopen(ending, luck),
  },
  // A write and a search in the middle of long work.
  writeDuring: {
    weight: 4,
    draw: (draw) => [drawWork(draw), draw.random.below(60), drawTenant(draw.random), drawRows(draw)],
    run: async (world, work: string, ticks: number, tenant: number, rows: Row[]) => {
      const done = start(world, work);
      await letRun(ticks);
      await world.write(tenant, pointsOf(rows));
      await world.searchAll();
      await done;
      await world.searchAll();
    },
  },
  // A crash in the middle of long work.
  crashDuring: {
    weight: 3,
    draw: (draw) => [
      drawWork(draw),
      draw.random.below(120),
      draw.random.pick(["kill", "power", "lucky power"]),
      draw.random.below(1e6),
    ],
    run: async (world, work: string, ticks: number, ending: Exclude<Ending, "close">, luck: number) => {
      const old = start(world, work).catch(() => {});
      await letRun(ticks);
      await world.restart(ending, luck);
      await old;
    },
  },
  rules: { weight: 4, kinds: CERTAIN, draw: () => [], run: async (world) => void (await start(world, "rules")) },
  nextRules: { weight: 2, kinds: CERTAIN, draw: () => [], run: (world) => world.reopenWithNextRules() },
  // Work on a disk that fails while it lasts.
  failingWork: {
    weight: 3,
    kinds: CERTAIN,
    draw: (draw) => [drawWork(draw), ...drawFault(draw.random)],
    run: async (
      world,
      work: string,
      skip: number,
      count: number,
      kind: string,
      code: "EIO" | "ENOSPC",
      when: string,
    ) => {
      world.failCalls({ skip, count, kind, code, when: when as "before" });
      await start(world, work);
      await world.heal();
    },
  },
  holdSearch: {
    weight: 2,
    kinds: UNCERTAIN,
    draw: ({ random }) => [drawTenant(random)],
    run: (world, tenant: number) => world.holdSearch(tenant),
  },
  readHeld: { weight: 2, kinds: UNCERTAIN, draw: () => [], run: (world) => world.readHeld() },
  // From the `skip`th call on the next `count` writing calls of the disk fail, if they are of the kind.
  fail: {
    weight: 8,
    kinds: FAILING,
    draw: ({ random }) => drawFault(random),
    run: async (world, skip: number, count: number, kind: string, code: "EIO" | "ENOSPC", when: string) =>
      world.failCalls({ skip, count, kind, code, when: when as "before" }),
  },
  heal: { weight: 4, kinds: FAILING, draw: () => [], run: (world) => world.heal() },
};
