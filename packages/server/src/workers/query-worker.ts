/**
 * One query worker as the main thread sees it: hands it tasks, passes the pieces of its answers on at the pace of the clients, ends with everything it
 * was at when its thread ends.
 */
import { MessageChannel, type MessagePort, type Transferable, Worker } from "node:worker_threads";
import { InputError, type ServedReader } from "@nyanza/tsdb";
import { NO_ROLLUP_STATS } from "../api/rollup-cache.ts";
import type { Desk } from "../api/task-runner.ts";
import type { ReadTask } from "../api/tasks.ts";
import { OverloadError } from "../http/errors.ts";
import type { CpuProfile } from "../process/cpu-profile.ts";
import { Errand } from "./errand.ts";
import {
  type CacheBytes,
  type CacheLimits,
  type FromWorker,
  readError,
  type ToWorker,
  type WorkerSettings,
} from "./messages.ts";

/** A worker that was told to stop a task and does not in this time hangs: it is ended. */
const STOP_MS = 5_000;

/** By then another worker has started. */
const RETRY_S = 1;

export interface QueryWorkerOptions {
  /** Makes the database readable behind a port. */
  readonly serveReader: (port: MessagePort) => ServedReader;
  readonly program: URL;
  readonly caches: CacheLimits;
  readonly seat: WorkerSettings["seat"];
  readonly working: WorkerSettings["working"];
  /** Of JavaScript's heap; columns are outside of it. */
  readonly heapBytesMax: number;
  /** Its thread has ended and nobody asked it to. */
  readonly onDeath: (death: Death) => void;
}

/** How a worker ended, and what with it. */
export interface Death {
  readonly worker: QueryWorker;
  readonly error: Error;
  readonly isOutOfMemory: boolean;
  readonly tasks: number;
}

interface AskedProfile {
  resolve(profile: CpuProfile | null): void;
  reject(error: unknown): void;
}

export class QueryWorker {
  readonly #options: QueryWorkerOptions;
  readonly #thread: Worker;
  readonly #served: ServedReader;
  readonly #errands: Map<number, Errand> = new Map();
  readonly #profiles: Map<number, AskedProfile> = new Map();
  /** Resolves when it can carry out tasks; never, if it dies before. */
  readonly ready: Promise<void>;
  isReady = false;
  #becomeReady: () => void = () => {};
  #lastNumber = 0;
  #caches: CacheBytes = { indexCacheBytes: 0, partCacheBytes: 0, rollupCache: NO_ROLLUP_STATS };
  #error: Error | null = null;
  #isStopping = false;

  constructor(options: QueryWorkerOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => {
      this.#becomeReady = () => {
        this.isReady = true;
        resolve();
      };
    });
    const { port1, port2 } = new MessageChannel();
    this.#served = options.serveReader(port1);
    const { seat, working } = options;
    // Who had the seat before may have died at work.
    Atomics.store(working, seat, 0);
    const workerData: WorkerSettings = { port: port2, seat, working, ...options.caches };
    this.#thread = new Worker(options.program, {
      name: "query",
      execArgv: [],
      stdin: false,
      workerData,
      transferList: [port2],
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(options.heapBytesMax / 2 ** 20) },
    });
    // What keeps the process alive is others' to decide.
    this.#thread.unref();
    this.#thread.on("message", (message: FromWorker) => this.#hear(message));
    this.#thread.on("error", (error: Error) => {
      this.#error = error;
    });
    this.#thread.once("exit", (code) => this.#end(code));
  }

  /** Among the workers, from 0. */
  get seat(): number {
    return this.#options.seat;
  }

  /** Tasks it is at: not those of which only the client has not taken everything. */
  get load(): number {
    let load = 0;
    for (const { isOver } of this.#errands.values()) if (!isOver) load++;
    return load;
  }

  /** Snapshots of the database that it has: as long as it does, their files stay. */
  get openSnapshots(): number {
    return this.#served.openSnapshots;
  }

  /** As it was when the latest task ended. */
  get caches(): CacheBytes {
    return this.#caches;
  }

  /** Forgets what it keeps of answers, before it begins another task. */
  resetRollupCache(): void {
    this.#post({ kind: "resetRollupCache" });
    const { rollupCache, ...others } = this.#caches;
    this.#caches = { ...others, rollupCache: { ...rollupCache, entries: 0, bytes: 0 } };
  }

  /** From now on each may help the other with its queries. The ports close when one of them ends. */
  meet(other: QueryWorker): void {
    const { port1, port2 } = new MessageChannel();
    this.#post({ kind: "meet", seat: other.seat, port: port1 }, [port1]);
    other.#post({ kind: "meet", seat: this.seat, port: port2 }, [port2]);
  }

  /** What its thread does for so long; null if it dies meanwhile. @throws the signal's reason, and what the profiler says */
  async profile(durationMs: number, signal: AbortSignal): Promise<CpuProfile | null> {
    signal.throwIfAborted();
    const number = ++this.#lastNumber;
    const profile = new Promise<CpuProfile | null>((resolve, reject) => {
      this.#profiles.set(number, { resolve, reject });
    });
    const onAbort = (): void => {
      this.#post({ kind: "cancel", number });
      this.#profiles.get(number)?.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#post({ kind: "profile", number, durationMs });
      return await profile;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#profiles.delete(number);
    }
  }

  /** @throws as runTask does, what the signal was aborted with, OverloadError and InputError when the thread dies */
  async run(task: ReadTask, { answer, onEvaluated, onImplicit, signal }: Desk): Promise<void> {
    signal.throwIfAborted();
    const number = ++this.#lastNumber;
    const errand = new Errand({ onEvaluated, onImplicit });
    this.#errands.set(number, errand);
    const onAbort = (): void => this.#post({ kind: "cancel", number });
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#post({ kind: "task", number, task });
      for (;;) {
        const { bytes, isLast } = await errand.next();
        const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        // Back where it comes from: this thread has no use for it.
        const onSent = (): void => this.#giveBack(number, piece);
        if (!isLast) {
          await answer.write(piece, onSent);
          continue;
        }
        await answer.end(piece, onSent);
        return;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      await this.#settle(number, errand);
    }
  }

  /** Ends the thread, and what it has of the database. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#thread.terminate();
    this.#served.close();
  }

  /** Waits until the worker has nothing to do with the errand any more. */
  async #settle(number: number, errand: Errand): Promise<void> {
    if (!errand.isOver) {
      this.#post({ kind: "cancel", number });
      const timer = setTimeout(() => {
        this.#error = new Error(`did not stop within ${STOP_MS / 1000} seconds`);
        void this.#thread.terminate();
      }, STOP_MS);
      await errand.over();
      clearTimeout(timer);
    }
    this.#errands.delete(number);
  }

  #hear(message: FromWorker): void {
    if (message.kind === "ready") {
      this.#becomeReady();
      return;
    }
    if (message.kind === "profile") {
      this.#profiles.get(message.number)?.resolve(message.profile);
      return;
    }
    if (message.kind === "failed") this.#profiles.get(message.number)?.reject(readError(message.error));
    if (message.kind === "piece" && message.caches !== null) this.#caches = message.caches;
    this.#errands.get(message.number)?.hear(message);
  }

  #giveBack(number: number, piece: Buffer): void {
    const memory = piece.buffer as ArrayBuffer;
    const isHanded = memory.byteLength > piece.length || piece.byteOffset > 0;
    this.#post({ kind: "taken", number, memory: isHanded ? memory : null }, isHanded ? [memory] : []);
  }

  #post(message: ToWorker, transfer: readonly Transferable[] = []): void {
    this.#thread.postMessage(message, transfer);
  }

  #end(code: number): void {
    this.#served.close();
    const error = this.#error ?? new Error(`ended with code ${code}`);
    const isOutOfMemory = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
    const tasks = this.#errands.size;
    for (const { resolve } of this.#profiles.values()) resolve(null);
    for (const errand of this.#errands.values()) errand.fail(errorOf(isOutOfMemory, tasks, this.#options.heapBytesMax));
    if (!this.#isStopping) this.#options.onDeath({ worker: this, error, isOutOfMemory, tasks });
  }
}

/** What the clients of a dead worker's tasks hear. Which of several tasks needed the memory nobody knows. */
function errorOf(isOutOfMemory: boolean, tasks: number, heapBytesMax: number): Error {
  if (!isOutOfMemory)
    return new OverloadError(
      503,
      "the thread that carried out the request ended unexpectedly; see the server's log",
      RETRY_S,
    );
  const limit = `${Math.ceil(heapBytesMax / 2 ** 20)} MiB`;
  if (tasks === 1) {
    return new InputError(
      `the request needs more memory than a query worker may have for labels and the like (${limit}); narrow its selectors or its time range, or raise -memory.allowedBytes`,
      422,
    );
  }
  return new OverloadError(
    503,
    `one of ${tasks} requests that a query worker carried out needed more memory than it may have (${limit}), and all of them ended; see -memory.allowedBytes`,
    RETRY_S,
  );
}
