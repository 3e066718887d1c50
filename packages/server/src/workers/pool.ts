/**
 * Query workers: threads that carry out tasks, so that the one that takes samples in and talks to clients does not.
 *
 *   task ──▶ pool ──▶ the worker with the least to do
 *                     started when one is wanted and all others are busy, up to -search.workers; replaced when it dies
 */
import type { MetricSet } from "@nyanza/metrics";
import type { Desk, TaskRunner } from "../api/task-runner.ts";
import type { ReadTask } from "../api/tasks.ts";
import type { Logger } from "../process/logger.ts";
import type { CacheBytes } from "./messages.ts";
import { type Death, QueryWorker, type QueryWorkerOptions } from "./query-worker.ts";

export interface PoolOptions {
  /** Workers at most, at least 1. */
  readonly size: number;
  readonly serveReader: QueryWorkerOptions["serveReader"];
  /** Of each worker. */
  readonly caches: CacheBytes;
  readonly heapBytesMax: number;
  readonly metrics: MetricSet;
  readonly logger: Logger;
  /** What the workers run; tests have others. */
  readonly program?: URL | undefined;
}

export class QueryPool implements TaskRunner {
  readonly #options: PoolOptions;
  readonly #workers: Set<QueryWorker> = new Set();
  #restarts = 0;
  #isStopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
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
    await this.#choose().run(task, desk);
  }

  /** What the workers' caches hold together, as far as they have told. */
  get caches(): CacheBytes {
    const sum = { indexCacheBytes: 0, partCacheBytes: 0 };
    for (const { caches } of this.#workers) {
      sum.indexCacheBytes += caches.indexCacheBytes;
      sum.partCacheBytes += caches.partCacheBytes;
    }
    return sum;
  }

  /** To be called when nothing runs any more, and before the database is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    this.#workers.clear();
  }

  /** The one place that says who does what: a task that is to be shared among several workers would get them here. */
  #choose(): QueryWorker {
    let least: QueryWorker | null = null;
    for (const worker of this.#workers) {
      if (least === null || worker.load < least.load) least = worker;
    }
    if (least !== null && (least.load === 0 || this.#workers.size >= this.#options.size)) return least;
    return this.#start();
  }

  #start(): QueryWorker {
    const { caches, heapBytesMax, serveReader, program = new URL("./worker.js", import.meta.url) } = this.#options;
    const worker = new QueryWorker({
      serveReader,
      program,
      caches,
      heapBytesMax,
      onDeath: (death) => this.#bury(death),
    });
    this.#workers.add(worker);
    return worker;
  }

  /** The next task that wants one starts another. */
  #bury({ error, isOutOfMemory, tasks, worker }: Death): void {
    this.#workers.delete(worker);
    if (this.#isStopped) return;
    this.#restarts++;
    const cause = isOutOfMemory
      ? `out of memory, of which it may have ${this.#options.heapBytesMax} bytes`
      : error.message;
    this.#options.logger.error(`a query worker died with ${tasks} requests and is replaced: ${cause}`);
  }
}
