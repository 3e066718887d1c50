/**
 * Query workers: threads that carry out tasks, so that the one that takes samples in and talks to clients does not.
 *
 *   task ──▶ pool ──▶ the worker with the least to do ◀──shares──▶ those that have nothing to do
 *                     started when one is wanted and all others are busy, or a query is heavy, up to -search.workers; replaced when it dies
 *
 * Whether one helps another with a query they settle among themselves (docs/decisions/0013-shares.md); here they only get to know each other.
 */
import type { MetricSet } from "@nyanza/metrics";
import type { RollupCacheStats } from "@nyanza/tsdb";
import { addRollupStats, NO_ROLLUP_STATS } from "../api/rollup-cache.ts";
import type { Desk } from "../api/task-runner.ts";
import type { ReadTask } from "../api/tasks.ts";
import type { WatchedThread } from "../process/cpu-profile.ts";
import type { Logger } from "../process/logger.ts";
import type { Workers } from "./dispatcher.ts";
import type { CacheBytes, CacheLimits } from "./messages.ts";
import { type Death, QueryWorker, type QueryWorkerOptions } from "./query-worker.ts";

/** A query that takes longer is worth another worker's help, which costs its memory. */
const HEAVY_MS = 10;

/** By so many tasks a worker may be busier than another, and still gets the queries of which it has kept something. */
const BUSIER_MAX = 2;

export interface PoolOptions {
  /** Workers at most, at least 1. */
  readonly size: number;
  readonly serveReader: QueryWorkerOptions["serveReader"];
  /** Of each worker. */
  readonly caches: CacheLimits;
  readonly heapBytesMax: number;
  readonly metrics: MetricSet;
  readonly logger: Logger;
  /** What the workers run; tests have others. */
  readonly program?: URL | undefined;
}

export class QueryPool implements Workers {
  readonly #options: PoolOptions;
  readonly #workers: Set<QueryWorker> = new Set();
  /** WorkerSettings.working of all of them. */
  readonly #working: Int32Array;
  #restarts = 0;
  /** How what was kept by workers that died has served. */
  #buriedStats: RollupCacheStats = NO_ROLLUP_STATS;
  #isStopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#working = new Int32Array(new SharedArrayBuffer(4 * options.size));
    const { metrics } = options;
    metrics.getOrCreateGauge("nyanza_query_workers", () => this.#workers.size);
    metrics.getOrCreateGauge("nyanza_query_workers_max", () => options.size);
    metrics.getOrCreateGauge(
      "nyanza_query_workers_busy",
      () => [...this.#workers].filter(({ load }) => load > 0).length,
    );
    metrics.getOrCreateGauge("nyanza_query_workers_snapshots", () => {
      let sum = 0;
      for (const { openSnapshots } of this.#workers) sum += openSnapshots;
      return sum;
    });
    metrics.getOrCreateGauge("nyanza_query_workers_restarts_total", () => this.#restarts);
  }

  async run(task: ReadTask, desk: Desk): Promise<void> {
    const worker = this.#choose(task);
    const stopWatching = this.#watch(worker, task);
    try {
      await worker.run(task, desk);
    } finally {
      stopWatching();
    }
  }

  prepare(): boolean {
    for (const { isReady } of this.#workers) if (isReady) return true;
    if (this.#workers.size === 0 && !this.#isStopped) this.#start();
    return false;
  }

  /** Those that there are now. */
  get threads(): WatchedThread[] {
    return [...this.#workers]
      .sort((a, b) => a.seat - b.seat)
      .map((worker) => ({
        name: `query-${worker.seat + 1}`,
        watch: (durationMs, signal) => worker.profile(durationMs, signal),
      }));
  }

  /** What the workers' caches hold together, as far as they have told. */
  get caches(): CacheBytes {
    let sum: CacheBytes = { indexCacheBytes: 0, partCacheBytes: 0, rollupCache: this.#buriedStats };
    for (const { caches } of this.#workers) {
      sum = {
        indexCacheBytes: sum.indexCacheBytes + caches.indexCacheBytes,
        partCacheBytes: sum.partCacheBytes + caches.partCacheBytes,
        rollupCache: addRollupStats(sum.rollupCache, caches.rollupCache),
      };
    }
    return sum;
  }

  /** Forgets what the workers keep of answers. */
  resetRollupCache(): void {
    for (const worker of this.#workers) worker.resetRollupCache();
  }

  /** To be called when nothing runs any more, and before the database is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    this.#workers.clear();
  }

  /** The one place that says who does what: the least busy worker, or a new one; of queries that are asked again and again the one who had them before, if it is not much busier. */
  #choose(task: ReadTask): QueryWorker {
    let least: QueryWorker | null = null;
    let own: QueryWorker | null = null;
    let isOneFree = false;
    const seat = seatOf(task, this.#options.size);
    for (const worker of this.#workers) {
      if (least === null || waitBefore(worker) < waitBefore(least)) least = worker;
      if (worker.seat === seat) own = worker;
      if (worker.load === 0) isOneFree = true;
    }
    if (own !== null && least !== null && waitBefore(own) <= waitBefore(least) + BUSIER_MAX) return own;
    if (!isOneFree && !this.#isFull) {
      const fresh = this.#start();
      if (least === null || waitBefore(fresh) < waitBefore(least)) least = fresh;
    }
    return least ?? this.#start();
  }

  get #isFull(): boolean {
    return this.#isStopped || this.#workers.size >= this.#options.size;
  }

  /** If the worker is busy for long from now on, another is started: not to wait for, but to be there for what is read later, by this query or the next. */
  #watch(worker: QueryWorker, { kind }: ReadTask): () => void {
    // Of anything else than a query no other takes a share.
    if (this.#isFull || kind !== "query") return () => {};
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    void worker.ready.then(() => {
      if (isOver) return;
      timer = setTimeout(() => {
        if (!this.#isFull) this.#start();
      }, HEAVY_MS);
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  #start(): QueryWorker {
    const { caches, heapBytesMax, serveReader, program = new URL("./worker.js", import.meta.url) } = this.#options;
    const taken = new Set([...this.#workers].map(({ seat }) => seat));
    let seat = 0;
    while (taken.has(seat)) seat++;
    const worker = new QueryWorker({
      serveReader,
      program,
      caches,
      seat,
      working: this.#working,
      heapBytesMax,
      onDeath: (death) => this.#bury(death),
    });
    for (const other of this.#workers) other.meet(worker);
    this.#workers.add(worker);
    return worker;
  }

  /** The next task that wants one starts another. */
  #bury({ error, isOutOfMemory, tasks, worker }: Death): void {
    this.#workers.delete(worker);
    if (this.#isStopped) return;
    this.#restarts++;
    this.#buriedStats = addRollupStats(this.#buriedStats, { ...worker.caches.rollupCache, entries: 0, bytes: 0 });
    const cause = isOutOfMemory
      ? `out of memory, of which it may have ${this.#options.heapBytesMax} bytes`
      : error.message;
    this.#options.logger.error(`a query worker died with ${tasks} requests and is replaced: ${cause}`);
  }
}

/** In tasks. One that is still starting is as good as one that has something to do: most tasks are over before it is up. */
function waitBefore({ isReady, load }: QueryWorker): number {
  return load + (isReady ? 0 : 1);
}

/** Where a range query's answers are kept: always the same seat for a text. -1 for what nothing is kept of. */
function seatOf(task: ReadTask, seats: number): number {
  if (task.kind !== "query" || !task.isRange || !task.query.mayCache) return -1;
  let hash = 0x811c9dc5;
  for (let i = 0; i < task.text.length; i++) hash = Math.imul(hash ^ task.text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % seats;
}
