/** The thread that merges: one task at a time, as merge-thread.ts sends them. */
import { parentPort } from "node:worker_threads";
import { assert, CorruptionError } from "../../base/errors.ts";
import { ThreadDisk } from "../../disk/thread-disk.ts";
import { Tombstones } from "../deletes/tombstones.ts";
import type { Pace } from "../pacer.ts";
import { PartReader } from "../parts/part-reader.ts";
import { mergeParts } from "./merge.ts";
import { CANCEL_AT, type MergeReport, type MergeTask, ROWS_AT } from "./merge-thread.ts";
import { MergeCancelledError } from "./merger.ts";

assert(parentPort !== null, "this is a worker's program");
const port = parentPort;
port.on("message", (task: MergeTask) => {
  void runTask(task).then((report) => port.postMessage(report));
});

/** Nobody waits for this thread, but it must hear soon that its work is not wanted any more. */
class WorkerPace implements Pace {
  private readonly shared: Int32Array;
  private calls = 0;

  constructor(shared: Int32Array) {
    this.shared = shared;
  }

  get isDue(): boolean {
    return (++this.calls & 31) === 0;
  }

  async pause(rows = 0): Promise<void> {
    Atomics.store(this.shared, ROWS_AT, rows);
    if (Atomics.load(this.shared, CANCEL_AT) === 1) throw new MergeCancelledError("the database is closing");
  }
}

async function runTask(task: MergeTask): Promise<MergeReport> {
  const disk = new ThreadDisk(task.root);
  const sources: PartReader[] = [];
  try {
    for (const { path, fileNumber } of task.sources) sources.push(await PartReader.open(disk, path, fileNumber));
    const tombstones = task.tombstones === null ? null : Tombstones.ofColumns(task.tombstones);
    const pace = new WorkerPace(task.shared);
    const { path, fileNumber, minMs, rules } = task;
    const { part, dropped } = await mergeParts(disk, sources, path, fileNumber, minMs, tombstones, pace, rules);
    part?.retire();
    return { end: "merged", isEmpty: part === null, dropped };
  } catch (error) {
    if (error instanceof MergeCancelledError) return { end: "cancelled" };
    if (error instanceof CorruptionError) {
      // The constructor puts the place in front again.
      const message = error.message.slice(`${error.path}: at byte ${error.offset}: `.length);
      return { end: "corrupt", path: error.path, offset: error.offset, message };
    }
    const { message, code } = error as NodeJS.ErrnoException;
    return { end: "failed", message, code };
  } finally {
    for (const source of sources) source.retire();
  }
}
