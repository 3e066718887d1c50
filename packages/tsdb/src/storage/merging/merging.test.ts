/** Merges beside flushes, as the database does them. The work of a merge is a promise here that the test keeps in its hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { CorruptionError } from "../../base/errors.ts";
import { defaultStorageOptions } from "../options.ts";
import type { PartReader } from "../parts/part-reader.ts";
import { Partition } from "../parts/partition.ts";
import { RuleBook } from "../rules/sample-rules.ts";
import { DAY, NOW, testOptions } from "../testing/harness.ts";
import type { MergedPart } from "./merge.ts";
import { MergeCancelledError, type MergeJob } from "./merger.ts";
import { type MergedParts, type MergeHost, Merging } from "./merging.ts";

interface FakePart {
  readonly path: string;
  readonly fileNumber: number;
  readonly info: { readonly bytes: number };
  users: number;
  isRetired: boolean;
}

function fakePart(fileNumber: number, bytes: number): PartReader {
  const part = {
    path: `${fileNumber}.part`,
    fileNumber,
    info: { bytes },
    users: 0,
    isRetired: false,
    acquire: () => part.users++,
    release: () => part.users--,
    retire: () => {
      part.isRetired = true;
    },
  };
  return part as unknown as PartReader;
}

/** A month with eight parts, and a merger that does what it is told. */
function world(month = "2026_06") {
  const clock = new ManualClock(NOW);
  const partition = new Partition(month, 0);
  for (let i = 1; i <= 8; i++) partition.parts.push(fakePart(i, 100_000));
  const state = {
    clock,
    partition,
    partitions: [partition],
    jobs: [] as { job: MergeJob; resolve: (part: PartReader | null) => void; reject: (error: Error) => void }[],
    removed: [] as string[],
    errors: [] as string[],
    corrupt: [] as string[],
    hasRoom: true,
    isCancelled: false,
    nextFile: 100,
  };
  let inTurn: Promise<unknown> = Promise.resolve();
  const host = {
    options: testOptions({
      clock,
      logger: { info: () => {}, warn: () => {}, error: (message) => state.errors.push(message) },
    }),
    book: new RuleBook(defaultStorageOptions.rules, 365 * DAY),
    retentionClock: { nowMs: () => clock.nowMs() },
    space: { hasRoomFor: () => state.hasRoom },
    merger: {
      rowsDone: 0,
      merge: (job: MergeJob) =>
        new Promise<MergedPart>((resolve, reject) =>
          state.jobs.push({ job, resolve: (part) => resolve({ part, dropped: 0 }), reject }),
        ),
      cancel: async () => {
        state.isCancelled = true;
        for (const { reject } of state.jobs) reject(new MergeCancelledError("closing"));
      },
    },
    run: <T>(work: () => Promise<T>): Promise<T> => {
      const done = inTurn.then(work);
      inTurn = done.catch(() => {});
      return done;
    },
    sortedPartitions: () => state.partitions,
    nextFileNumber: () => state.nextFile++,
    oldestKeptMs: () => 0,
    replaceParts: async ({ sources, part: merged }: MergedParts) => {
      partition.parts = [...partition.parts.filter((part) => !sources.includes(part)), ...(merged ? [merged] : [])];
    },
    buildSegment: () => Promise.reject(new Error("there are no segments")),
    replaceSegments: async () => {},
    reportIndexCorruption: () => {},
    reportCorruption: (part: PartReader) => {
      state.corrupt.push(part.path);
      partition.damagedParts.add(part);
    },
    removeUnused: async (path: string) => {
      state.removed.push(path);
    },
  };
  return { ...state, state, host, merging: new Merging(host as unknown as MergeHost) };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("flushes go on while a merge takes its time, and what they bring stays beside its result", async () => {
  const { merging, host, partition, jobs } = world();
  merging.mergeWhatIsDue();
  merging.mergeWhatIsDue();
  await settle();
  assert.equal(jobs.length, 1);
  assert.equal(merging.active, 1);
  const late = fakePart(200, 1_000);
  await host.run(async () => {
    partition.parts = [...partition.parts, late];
  });
  const result = fakePart(100, 800_000);
  jobs[0]?.resolve(result);
  await settle();
  assert.deepEqual(partition.parts, [late, result]);
  assert.equal(merging.active, 0);
});

test("a month that is dropped meanwhile takes the merge's result with it", async () => {
  const { merging, state, jobs } = world();
  merging.mergeWhatIsDue();
  await settle();
  const sources = [...state.partition.parts];
  state.partitions.pop();
  const result = fakePart(100, 800_000) as unknown as FakePart;
  jobs[0]?.resolve(result as unknown as PartReader);
  await settle();
  assert.ok(result.isRetired);
  assert.deepEqual(state.removed, [state.partition.partPath(100)]);
  assert.deepEqual(state.partition.parts, sources);
  assert.ok(sources.every((part) => (part as unknown as FakePart).users === 0));
  assert.deepEqual(state.errors, []);
});

test("a failure is told, costs nothing, and is tried again a minute later", async () => {
  const { merging, state, clock, jobs } = world();
  merging.mergeWhatIsDue();
  await settle();
  jobs[0]?.reject(new Error("the merge thread ended with code 7"));
  await settle();
  assert.equal(state.errors.length, 1);
  assert.match(state.errors[0] as string, /^merge: the merge thread ended with code 7; .* in a minute$/);
  assert.equal(state.partition.parts.length, 8);
  clock.advance(59_000);
  merging.tick();
  merging.mergeWhatIsDue();
  await settle();
  assert.equal(jobs.length, 1);
  clock.advance(1_000);
  merging.tick();
  await settle();
  assert.equal(jobs.length, 2);
  await merging.stop();
});

test("damage is reported and its part left alone; without room nothing begins", async () => {
  const { merging, state, jobs } = world();
  state.hasRoom = false;
  merging.mergeWhatIsDue();
  merging.tick();
  await settle();
  assert.equal(jobs.length, 0);
  state.hasRoom = true;
  merging.tick();
  await settle();
  jobs[0]?.reject(new CorruptionError("3.part", 17, "its checksum does not fit"));
  await settle();
  assert.deepEqual(state.corrupt, ["3.part"]);
  assert.equal(jobs.length, 1, "seven parts are not due");
  assert.deepEqual(state.errors, []);
});

test("stopping gives up the merge under way and begins no other", async () => {
  const { merging, state, jobs } = world();
  const all = merging.mergeEverything();
  merging.mergeWhatIsDue();
  await settle();
  await merging.stop();
  await all;
  assert.equal(jobs.length, 1);
  assert.ok(state.isCancelled);
  merging.mergeWhatIsDue();
  merging.tick();
  await settle();
  assert.equal(jobs.length, 1);
  assert.deepEqual(state.errors, []);
});

test("a month that is over becomes one part once an hour has passed without a new one; merging them is nothing new", async () => {
  const { merging, state, clock, jobs } = world("2026_05");
  state.partition.parts = state.partition.parts.slice(0, 3);
  merging.tick();
  clock.advance(3_599_000);
  merging.tick();
  await settle();
  assert.equal(jobs.length, 0);
  clock.advance(1_000);
  merging.tick();
  await settle();
  assert.equal(jobs[0]?.job.sources.length, 3);
  jobs[0]?.resolve(fakePart(100, 300_000));
  await settle();
  assert.equal(state.partition.parts.length, 1);
  clock.advance(30 * DAY);
  merging.tick();
  await settle();
  assert.equal(jobs.length, 1);
});
