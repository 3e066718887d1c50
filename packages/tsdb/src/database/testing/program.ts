/**
 * Random programs of database operations. An operation is one entry of a table (operations.ts): how often it is drawn, its arguments as plain data,
 * and what it does to a World. A program is therefore JSON: it can be printed, kept, cut down and run again.
 */
import { Random } from "../../base/random.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { OPERATIONS } from "./operations.ts";
import { agesOf, drawStages, hasAggregates } from "./rule-programs.ts";
import { type Settings, World } from "./world.ts";

/** Name of an operation and its arguments. */
export type Step = readonly [name: string, ...args: unknown[]];

export interface Program {
  readonly settings: Settings;
  readonly steps: readonly Step[];
}

/** Plain ones; on a disk that fails now and then; with rules for deduplication, downsampling and retention. */
export type ProgramKind = "plain" | "faults" | "rules";

export const PROGRAM_KINDS: readonly ProgramKind[] = ["plain", "faults", "rules"];

/** What generators of arguments may use. */
export interface Draw {
  readonly random: Random;
  readonly kind: ProgramKind;
  /** Values are whole numbers and staleness markers: whatever the order, they add up to the same. */
  readonly isExact: boolean;
  /** Ages at which rules do something to a sample, ms; none in programs without rules. */
  readonly ages: readonly number[];
  /** About what time it is at this point of the program, and times that were written to before. */
  nowMs: number;
  readonly times: number[];
}

export interface Operation {
  /** How often it is drawn, compared with the others. */
  readonly weight: number;
  /** In which programs; in all of them if this is left out. */
  readonly kinds?: readonly ProgramKind[];
  draw(draw: Draw): unknown[];
  // biome-ignore lint/suspicious/noExplicitAny: arguments come from JSON; `draw` beside it says what they are.
  run(world: World, ...args: any[]): Promise<void>;
}

export const START_MS: number = Date.UTC(2026, 5, 15, 12);
const DAY = 86_400_000;
const STEPS_MAX = 60;

/** The same program for the same seed. */
export function drawProgram(seed: number, kind: ProgramKind): Program {
  const random = new Random(seed);
  const retentionMs = random.pick([3, 40, 400]) * DAY;
  const settings: Settings = {
    retentionMs,
    headBytes: random.chance(kind === "rules" ? 0.5 : 0.25) ? 1 : 1 << 24,
    fsync: kind === "faults" || random.chance(0.7) ? "always" : random.pick(["interval", "never"]),
    ...(kind === "rules" ? { stages: drawStages(random, retentionMs) } : {}),
  };
  const names: string[] = [];
  for (const [name, { weight, kinds = PROGRAM_KINDS }] of Object.entries(OPERATIONS)) {
    if (kinds.includes(kind)) for (let i = 0; i < weight; i++) names.push(name);
  }
  const { stages = [] } = settings;
  const ages = stages.length === 0 ? [] : [0, retentionMs, ...stages.flatMap(agesOf)];
  const draw: Draw = { random, kind, isExact: stages.some(hasAggregates), ages, nowMs: START_MS, times: [] };
  const steps: Step[] = [];
  for (let count = 5 + random.below(STEPS_MAX - 5); count > 0; count--) {
    const name = random.pick(names);
    steps.push([name, ...(OPERATIONS[name] as Operation).draw(draw)]);
  }
  return { settings, steps };
}

/** @throws whatever goes wrong: an AssertionError where the database differs from its model */
export async function runProgram({ settings, steps }: Program): Promise<void> {
  const world = await World.create(settings, new MemoryDisk(), START_MS);
  for (const [i, [name, ...args]] of steps.entries()) {
    try {
      await (OPERATIONS[name] as Operation).run(world, ...args);
    } catch (error) {
      (error as Error).message = `step ${i}, ${name}: ${(error as Error).message}`;
      throw error;
    }
  }
  await world.heal();
  await world.readHeld();
  await world.reopen("close", 0);
  await world.searchAll();
}

/** The program without the steps it fails without. Tries at most `triesMax` programs. */
export async function shrink(program: Program, triesMax = 300): Promise<Program> {
  let { steps } = program;
  let tries = 0;
  for (let length = steps.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at < steps.length && tries < triesMax; ) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + length)];
      tries++;
      if (await fails({ ...program, steps: fewer })) steps = fewer;
      else at += length;
    }
  }
  return { ...program, steps };
}

async function fails(program: Program): Promise<boolean> {
  return await runProgram(program).then(
    () => false,
    () => true,
  );
}

export function printProgram({ settings, steps }: Program): string {
  return `{"settings":${JSON.stringify(settings)},"steps":[\n${steps.map((step) => `  ${JSON.stringify(step)}`).join(",\n")}]}`;
}
