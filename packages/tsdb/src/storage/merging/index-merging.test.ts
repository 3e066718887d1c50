/** Merges of index segments beside flushes. The segment that is built is a promise here that the test keeps in its hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptionError } from "../../base/errors.ts";
import type { IndexSegment } from "../../index/segment-reader.ts";
import { Partition } from "../parts/partition.ts";
import { type IndexMergeHost, mergeIndex } from "./index-merging.ts";
import { MergeCancelledError } from "./merger.ts";

function fakeSegment(fileNumber: number) {
  const segment = {
    fileNumber,
    bytes: 1_000,
    hashKey: new Uint32Array(4),
    file: { path: `${fileNumber}.idx` },
    users: 0,
    isRetired: false,
    acquire: () => segment.users++,
    release: () => segment.users--,
    retire: () => {
      segment.isRetired = true;
    },
  };
  return segment;
}

const asSegment = (segment: ReturnType<typeof fakeSegment>): IndexSegment => segment as unknown as IndexSegment;

/** A month with three segments. */
function world() {
  const partition = new Partition("2026_06", 0);
  const sources = [1, 2, 3].map(fakeSegment);
  const merged = fakeSegment(100);
  partition.segments = sources.map(asSegment);
  const state = {
    partition,
    sources,
    merged,
    partitions: [partition],
    build: null as { resolve: () => void; reject: (error: Error) => void } | null,
    replaced: 0,
    removed: [] as string[],
    warnings: [] as string[],
    damaged: [] as IndexSegment[],
    stopping: new AbortController(),
  };
  let inTurn: Promise<unknown> = Promise.resolve();
  const host = {
    options: { logger: { info: () => {}, warn: (line: string) => state.warnings.push(line), error: () => {} } },
    space: { hasRoomFor: (bytes: number) => bytes === 3_000 },
    run: <T>(work: () => Promise<T>): Promise<T> => {
      const done = inTurn.then(work);
      inTurn = done.catch(() => {});
      return done;
    },
    sortedPartitions: () => state.partitions,
    nextFileNumber: () => 100,
    buildSegment: (_partition: Partition, _sources: unknown, _fileNumber: number, signal: AbortSignal) =>
      new Promise<IndexSegment>((resolve, reject) => {
        state.build = { resolve: () => resolve(asSegment(merged)), reject };
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
    replaceSegments: async () => {
      state.replaced++;
    },
    reportIndexCorruption: (segment: IndexSegment) => state.damaged.push(segment),
    removeUnused: async (path: string) => {
      state.removed.push(path);
    },
  } as unknown as IndexMergeHost;
  return { ...state, host, state };
}

/** Begins a merge, and waits until its segment is being built. */
async function begin(of: ReturnType<typeof world>) {
  const done = mergeIndex(of.host, of.partition, (segments) => segments, of.state.stopping.signal);
  while (of.state.build === null) await new Promise(setImmediate);
  return { done, ...of.state.build };
}

test("while a segment is built others have their turn; it is put in place in turn", async () => {
  const of = world();
  const { done, resolve } = await begin(of);
  assert.deepEqual(
    of.sources.map(({ users }) => users),
    [1, 1, 1],
  );
  let isFlushed = false;
  await of.host.run(async () => {
    isFlushed = true;
  });
  assert.ok(isFlushed);
  assert.equal(of.state.replaced, 0);
  resolve();
  await done;
  assert.equal(of.state.replaced, 1);
  assert.deepEqual(
    of.sources.map(({ users }) => users),
    [0, 0, 0],
  );
});

test("what was dropped meanwhile is not replaced: the new file goes", async () => {
  for (const drop of ["month", "segment"]) {
    const of = world();
    const { done, resolve } = await begin(of);
    if (drop === "month") of.state.partitions = [];
    else of.partition.segments = of.partition.segments.slice(1);
    resolve();
    await done;
    assert.deepEqual([of.state.replaced, of.state.removed, of.merged.isRetired], [0, ["100.idx"], true], drop);
  }
});

test("given up when the database closes; damage and a full disk are told; what else fails is thrown", async () => {
  const cases: [string, (of: ReturnType<typeof world>) => Error | null, (of: ReturnType<typeof world>) => void][] = [
    ["closing", () => null, (of) => assert.deepEqual([of.state.warnings, of.state.damaged], [[], []])],
    [
      "damage",
      () => new CorruptionError("2.idx", 8, "its checksum is wrong"),
      (of) => assert.deepEqual(of.state.damaged, [of.sources[1]]),
    ],
    [
      "no room",
      () => Object.assign(new Error("full"), { code: "ENOSPC" }),
      (of) => assert.match(of.state.warnings.join(), /the index segments stay as they are/),
    ],
  ];
  for (const [name, errorOf, check] of cases) {
    const of = world();
    const { done, reject } = await begin(of);
    const error = errorOf(of);
    if (error === null) of.state.stopping.abort(new MergeCancelledError("closing"));
    else reject(error);
    await done;
    assert.equal(of.state.replaced, 0, name);
    check(of);
  }
  const of = world();
  const { done, reject } = await begin(of);
  reject(new Error("EIO"));
  await assert.rejects(done, /EIO/);
  assert.equal(of.sources[0]?.users, 0);
});

test("nothing is begun without room, without a choice, or once the database is closing", async () => {
  const of = world();
  const { signal } = of.state.stopping;
  await mergeIndex(of.host, of.partition, () => null, signal);
  await mergeIndex(of.host, of.partition, (segments) => segments.slice(1), signal);
  of.state.stopping.abort(new MergeCancelledError("closing"));
  await mergeIndex(of.host, of.partition, (segments) => segments, signal);
  assert.equal(of.state.build, null);
});
