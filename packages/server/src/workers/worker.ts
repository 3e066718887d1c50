/** The program of a query worker: reads the database that the main thread has open, writes answers, and helps others with their queries while it has none. */
import { constants, getPriority, setPriority } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { parentPort, workerData } from "node:worker_threads";
import { connectReader, type Peer } from "@nyanza/tsdb";
import { type ReadTask, runTask } from "../api/tasks.ts";
import { givePiece } from "../http/pieces.ts";
import { takeCpuProfile } from "../process/cpu-profile.ts";
import { settleBuffers } from "../process/v8-flags.ts";
import { type CacheBytes, type FromWorker, type ToWorker, type WorkerSettings, writeError } from "./messages.ts";
import { PortAnswer } from "./port-answer.ts";

interface Running {
  /** Null of a profile. */
  readonly answer: PortAnswer | null;
  readonly stop: AbortController;
}

/** A thread with this much more of niceness gets a third of the time of one that wants the same core. docs/decisions/0011-query-workers.md has the figures. */
const NICE = 5;

settleBuffers();
const { port, seat, working, ...caches } = workerData as WorkerSettings;
const main = parentPort as NonNullable<typeof parentPort>;
const reader = connectReader(port, caches);
const running: Map<number, Running> = new Map();
/** The other workers. All queries look at this list, also those that began before a worker came. */
const peers: Peer[] = [];

main.on("message", (message: ToWorker) => {
  switch (message.kind) {
    case "meet":
      meet(message.seat, message.port);
      return;
    case "task":
      void run(message.number, message.task);
      return;
    case "cancel":
      running.get(message.number)?.stop.abort();
      return;
    case "resetRollupCache":
      reader.resetRollupCache();
      return;
    case "profile":
      void takeProfile(message.number, message.durationMs);
      return;
    case "taken":
      if (message.memory !== null) givePiece(Buffer.from(message.memory));
      running.get(message.number)?.answer?.taken();
  }
});
giveWay();
post({ kind: "ready" });

/** Where all cores are busy, the thread that takes samples in goes first. Linux has priorities for threads; elsewhere they are the process', which is not to be slower. */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(Math.min(getPriority() + NICE, constants.priority.PRIORITY_LOW));
  } catch {
    // Not allowed in some containers: then all are equal.
  }
}

async function run(number: number, task: ReadTask): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const answer = new PortAnswer(main, number, signal, cacheBytes, tellWorking);
  running.set(number, { answer, stop });
  tellWorking();
  try {
    await runTask(task, reader, {
      answer,
      signal,
      helpers: peers,
      onEvaluated: (evaluated) => answer.tellEvaluated(evaluated),
      onImplicit: (message) => post({ kind: "implicit", number, message }),
    });
  } catch (error) {
    post({ kind: "failed", number, error: writeError(error), evaluated: answer.takeEvaluated() });
  } finally {
    running.delete(number);
    tellWorking();
  }
}

/** Who sits there now takes the place of one that has died. */
function meet(otherSeat: number, otherPort: MessagePort): void {
  for (let i = peers.length; i-- > 0; ) if (!(peers[i] as Peer).isOpen) peers.splice(i, 1);
  const isFree = (): boolean => Atomics.load(working, otherSeat) === 0;
  // What is asked of this worker itself comes first.
  const hasTime = (): boolean => Atomics.load(working, seat) === 0;
  peers.push(reader.meet(otherPort, { isFree, hasTime }));
}

function tellWorking(): void {
  let count = 0;
  for (const { answer } of running.values()) if (answer?.isWaiting === false) count++;
  Atomics.store(working, seat, count);
}

async function takeProfile(number: number, durationMs: number): Promise<void> {
  const stop = new AbortController();
  running.set(number, { answer: null, stop });
  try {
    post({ kind: "profile", number, profile: await takeCpuProfile(durationMs, stop.signal) });
  } catch (error) {
    post({ kind: "failed", number, error: writeError(error), evaluated: null });
  } finally {
    running.delete(number);
  }
}

function cacheBytes(): CacheBytes {
  const { indexCacheBytes, partCacheBytes } = reader.stats();
  return { indexCacheBytes, partCacheBytes, rollupCache: reader.rollupCache };
}

function post(message: FromWorker): void {
  main.postMessage(message);
}
