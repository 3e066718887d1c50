/**
 * Merges on another thread: the one that writes and answers goes on meanwhile.
 *
 *   this thread                                   merge-worker.ts
 *   MergeTask, plain data        ──message──►     opens the sources by their names, merges them, syncs the new file
 *   opens the new part           ◄──message──     how it ended
 *              └── shared: [give up?, rows written] ──┘
 *
 * The worker is started when there is something to merge and ended when there was nothing for a while, so that a server at rest does not keep its
 * memory. If it dies, its half file goes, the merge fails, and the next merge gets another worker.
 */
import { Worker } from "node:worker_threads";
import { CorruptionError } from "../../base/errors.ts";
import type { Disk } from "../../disk/disk.ts";
import type { TombstoneColumns } from "../deletes/tombstones.ts";
import { PartReader } from "../parts/part-reader.ts";
import type { MergeRules } from "../rules/merge-rules.ts";
import type { MergedPart } from "./merge.ts";
import { MergeCancelledError, type MergeJob, type Merger, SlicedMerger } from "./merger.ts";

/** A merge as a message. Paths are relative to the root, as everywhere. */
export interface MergeTask {
  readonly root: string;
  readonly sources: readonly { readonly path: string; readonly fileNumber: number }[];
  readonly path: string;
  readonly fileNumber: number;
  readonly minMs: number;
  readonly tombstones: TombstoneColumns | null;
  readonly rules: MergeRules | null;
  /** [1 if the merge is to be given up, samples written]. */
  readonly shared: Int32Array;
}

export type MergeReport =
  | { readonly end: "merged"; readonly isEmpty: boolean; readonly dropped: number }
  | { readonly end: "cancelled" }
  | { readonly end: "corrupt"; readonly path: string; readonly offset: number; readonly message: string }
  | { readonly end: "failed"; readonly message: string; readonly code: string | undefined };

export const CANCEL_AT = 0;
export const ROWS_AT = 1;

/** Less than this is merged here: a worker takes longer to start than the merge takes. */
const THREAD_BYTES_MIN = 8 << 20;
/** A worker without work ends after this. */
const IDLE_MS = 10_000;
/** A merge lives off arrays, not objects: more room for young ones would only fill with garbage before anybody looks. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4 };
/** A worker that was told to give up and does not is ended after this. */
const CANCEL_MS = 500;

export interface MergeThreadOptions {
  /** Sources of fewer bytes in all are merged on this thread. */
  readonly bytesMin?: number;
  readonly idleMs?: number;
  /** The worker's program. */
  readonly program?: URL;
}

export class ThreadMerger implements Merger {
  private readonly disk: Disk;
  private readonly bytesMin: number;
  private readonly idleMs: number;
  private readonly options: MergeThreadOptions;
  private readonly sliced: SlicedMerger;
  private readonly shared: Int32Array = new Int32Array(new SharedArrayBuffer(8));
  private worker: Worker | null = null;
  private idleTimer: NodeJS.Timeout | null = null;
  private isCancelled = false;
  /** Of the merge under way; settles, never rejects. */
  private running: Promise<unknown> = Promise.resolve();

  /** `disk` must be a folder of the file system: the worker opens `disk.root` by its name. */
  constructor(disk: Disk, options: MergeThreadOptions = {}) {
    this.disk = disk;
    this.sliced = new SlicedMerger(disk);
    this.bytesMin = options.bytesMin ?? THREAD_BYTES_MIN;
    this.idleMs = options.idleMs ?? IDLE_MS;
    this.options = options;
  }

  get rowsDone(): number {
    return this.sliced.rowsDone + (Atomics.load(this.shared, ROWS_AT) >>> 0);
  }

  async merge(job: MergeJob): Promise<MergedPart> {
    if (this.isCancelled) throw new MergeCancelledError("the database is closing");
    const bytes = job.sources.reduce((sum, { info }) => sum + info.bytes, 0);
    if (bytes < this.bytesMin) return await this.sliced.merge(job);
    Atomics.store(this.shared, ROWS_AT, 0);
    const report = this.ask({
      root: this.disk.root,
      sources: job.sources.map(({ path, fileNumber }) => ({ path, fileNumber })),
      path: job.path,
      fileNumber: job.fileNumber,
      minMs: job.minMs,
      tombstones: job.tombstones?.columns ?? null,
      rules: job.rules,
      shared: this.shared,
    });
    this.running = report.catch(() => {});
    try {
      return await this.resultOf(job, await report);
    } catch (error) {
      // The worker removes what it gives up; a worker that died could not.
      await this.disk.remove(job.path).catch(() => {});
      throw error;
    } finally {
      Atomics.store(this.shared, ROWS_AT, 0);
      this.endWhenIdle();
    }
  }

  async cancel(): Promise<void> {
    this.isCancelled = true;
    await this.sliced.cancel();
    Atomics.store(this.shared, CANCEL_AT, 1);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CANCEL_MS);
    });
    await Promise.race([this.running, late]);
    clearTimeout(timer);
    await this.endWorker();
    await this.running;
  }

  private async resultOf(job: MergeJob, report: MergeReport): Promise<MergedPart> {
    if (report.end === "merged") {
      const part = report.isEmpty ? null : await PartReader.open(this.disk, job.path, job.fileNumber);
      return { part, dropped: report.dropped };
    }
    if (report.end === "cancelled") throw new MergeCancelledError("the database is closing");
    if (report.end === "corrupt") throw new CorruptionError(report.path, report.offset, report.message);
    throw Object.assign(new Error(report.message), report.code === undefined ? {} : { code: report.code });
  }

  /** Hands the task to the worker. Rejects if the worker ends without an answer. */
  private ask(task: MergeTask): Promise<MergeReport> {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
    this.worker ??= this.startWorker();
    const { worker } = this;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        worker.unref();
      };
      const onMessage = (report: MergeReport): void => {
        settle();
        resolve(report);
      };
      const onError = (error: Error): void => {
        settle();
        if (this.worker === worker) this.worker = null;
        reject(new Error(`the merge thread failed: ${error.message}`, { cause: error }));
      };
      const onExit = (code: number): void => {
        settle();
        if (this.worker === worker) this.worker = null;
        reject(
          this.isCancelled
            ? new MergeCancelledError("the database is closing")
            : new Error(`the merge thread ended with code ${code}`),
        );
      };
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      // A merge somebody waits for keeps the process running; a worker that waits does not.
      worker.ref();
      worker.postMessage(task);
    });
  }

  private startWorker(): Worker {
    const program = this.options.program ?? new URL("./merge-worker.js", import.meta.url);
    const worker = new Worker(program, { name: "merge", execArgv: [], stdin: false, resourceLimits: RESOURCE_LIMITS });
    // Without a listener an error of a worker nobody waits for would end the process.
    worker.on("error", () => {
      if (this.worker === worker) this.worker = null;
    });
    return worker;
  }

  private endWhenIdle(): void {
    if (this.worker === null || this.isCancelled) return;
    this.idleTimer = setTimeout(() => void this.endWorker(), this.idleMs);
    this.idleTimer.unref();
  }

  private async endWorker(): Promise<void> {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
    const { worker } = this;
    this.worker = null;
    await worker?.terminate();
  }
}
