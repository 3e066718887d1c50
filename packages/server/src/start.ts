/**
 * Puts a server together from its flags: memory, database, endpoints, listener, own metrics; and takes it apart again.
 * `main.ts` adds what belongs to the process (command line, signals, exit codes); tests start servers without it.
 */

import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { MetricSet, startProcessMetrics } from "@nyanza/metrics";
import type { Dialect, RollupCacheStats, ServedReader } from "@nyanza/tsdb";
import { createActiveQueriesHandlers } from "./api/active-queries.ts";
import { createCardinalityHandlers } from "./api/cardinality.ts";
import { createCommandHandlers } from "./api/commands.ts";
import type { ServedDatabase } from "./api/database.ts";
import { createDeleteHandler } from "./api/delete.ts";
import { createExportHandler } from "./api/export.ts";
import { createBlockExportHandler } from "./api/export-blocks.ts";
import { createCsvExportHandler } from "./api/export-csv.ts";
import { createFederateHandler } from "./api/federate.ts";
import { Inserter } from "./api/insert.ts";
import { createLabelsHandlers } from "./api/labels.ts";
import { createMetadataHandler, MetadataStore } from "./api/metadata.ts";
import { createNativeHandlers } from "./api/native.ts";
import { OwnMetrics, SelfScraper } from "./api/own-metrics.ts";
import { createPageHandlers, loadPage } from "./api/page.ts";
import { createProfileHandlers } from "./api/profiles.ts";
import { createPromqlTextHandlers } from "./api/promql-text.ts";
import { createQueryHandlers } from "./api/query.ts";
import { QueryHistory } from "./api/query-history.ts";
import { measureQueries } from "./api/query-metrics.ts";
import { createQueryTextHandlers } from "./api/query-text.ts";
import { addRollupStats, createRollupCacheHandlers, NO_ROLLUP_STATS } from "./api/rollup-cache.ts";
import { watchSlowQueries } from "./api/slow-queries.ts";
import { createSnapshotHandlers } from "./api/snapshots.ts";
import { createStatusHandlers } from "./api/status.ts";
import type { TaskRunner } from "./api/task-runner.ts";
import { runTask } from "./api/tasks.ts";
import { createTopQueriesHandler } from "./api/top-queries.ts";
import type { Flags, ParsedServerFlags } from "./flags/table.ts";
import { ActiveRequests } from "./http/active-requests.ts";
import type { AuthOptions } from "./http/auth.ts";
import { type BodyContext, ByteBudget } from "./http/body.ts";
import type { Handlers } from "./http/context.ts";
import { RequestQueue } from "./http/queue.ts";
import { HttpServer } from "./http/server.ts";
import { type LoggerFor, limitWarnings } from "./process/logger.ts";
import {
  allowedMemoryBytes,
  availableMemoryBytes,
  divideCache,
  divideMemory,
  type MemoryShares,
} from "./process/memory.ts";
import { VERSION } from "./process/version.ts";
import { Dispatcher, type SmallLimits } from "./workers/dispatcher.ts";
import { QueryPool } from "./workers/pool.ts";

/** A database the server can run on and close. */
export interface OwnedDatabase extends ServedDatabase {
  /** Lets a thread read it. Without this, everything is read on the main thread. */
  readonly serveReader?: (port: MessagePort) => ServedReader;
  /** Flat numbers for /metrics, by metric name with labels. */
  metrics(): ReadonlyMap<string, number>;
  /** What is kept of answers where the database is open; nothing, where these are absent. */
  readonly rollupCache?: () => RollupCacheStats;
  readonly resetRollupCache?: () => void;
  close(): Promise<void>;
}

export interface DatabaseSettings {
  readonly path: string;
  readonly retentionMs: number;
  readonly futureRetentionMs: number;
  readonly fsync: "always" | "interval" | "never";
  readonly fsyncIntervalMs: number;
  readonly snapshotsMaxAgeMs: number;
  readonly minFreeDiskBytes: number;
  readonly maxDiskBytes: number;
  readonly dedupIntervalMs: number;
  readonly settleMs: number;
  readonly downsampling: readonly string[];
  readonly retentionFilters: readonly string[];
  readonly seriesLimits: {
    readonly maxLabels: number;
    readonly maxLabelNameBytes: number;
    readonly maxLabelValueBytes: number;
    readonly maxHourlySeries: number;
    readonly maxDailySeries: number;
  };
  readonly memory: MemoryShares;
  readonly logger: ReturnType<LoggerFor>;
  readonly logsNewSeries: boolean;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

export interface StartOptions {
  readonly flags: ParsedServerFlags;
  readonly loggers: LoggerFor;
  /** Counts log messages and everything else; the server's own set. */
  readonly metrics?: MetricSet;
  /** Ends a start that replays a long log: startServer then rejects with its reason. */
  readonly signal?: AbortSignal;
  readonly openDatabase: (settings: DatabaseSettings) => Promise<OwnedDatabase>;
  /** Done before the server is ready; one that fails is only logged. */
  readonly warmUp?: () => Promise<void>;
  /** Called when something is read for the first time. */
  readonly onFirstRead?: () => void;
  /** For tests: what stays on the main thread, and another program for query workers. */
  readonly workers?: { readonly small?: SmallLimits; readonly program?: URL };
}

export interface RunningServer {
  /** `host:port` of each listener, with the ports the system chose. */
  readonly addresses: readonly string[];
  /** Drains, stores what is under way, closes. Never throws. */
  stop(): Promise<void>;
}

/** Bad lines logged a second, of each protocol's sender. */
const BAD_INPUT_WARNINGS_PER_SECOND = 5;
const BODY_STALL_MS = 30_000;

/** @throws Error with a line for the terminal when the database cannot be opened or an address not be listened at */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { loggers } = options;
  const flags = options.flags.values;
  const log = loggers("main.ts");
  const metrics = options.metrics ?? new MetricSet();
  startProcessMetrics();

  const available = availableMemoryBytes();
  const allowed = allowedMemoryBytes(flags["memory.allowedBytes"], flags["memory.allowedPercent"], available);
  const requestBytes = Math.max(flags.maxInsertRequestSize, flags["opentelemetry.maxRequestSize"]);
  const memory = divideMemory(allowed, requestBytes);
  for (const [name, bytes] of Object.entries(memory)) {
    metrics.getOrCreateGauge(`vm_memory_share_bytes{for="${name.replace("Bytes", "")}"}`).set(bytes);
  }
  const cpuCores = availableParallelism();
  const workers = flags["search.workers"] < 0 ? cpuCores : flags["search.workers"];
  const indexCache = divideCache(flags["storage.cacheSizeIndexDBDataBlocks"] || memory.indexCacheBytes, workers);
  const partCache = divideCache(memory.partCacheBytes, workers);
  const rollupCacheBytes = flags["search.disableCache"] ? 0 : memory.rollupCacheBytes;
  const dataPath = resolve(flags.storageDataPath);
  const openStorage = async (): Promise<OwnedDatabase> =>
    await openAt(dataPath, options, {
      path: dataPath,
      retentionMs: flags.retentionPeriod,
      futureRetentionMs: flags.futureRetention,
      fsync: flags["wal.fsync"] as DatabaseSettings["fsync"],
      fsyncIntervalMs: flags["wal.fsyncInterval"],
      snapshotsMaxAgeMs: flags.snapshotsMaxAge,
      minFreeDiskBytes: flags["storage.minFreeDiskSpaceBytes"],
      maxDiskBytes: flags["retention.maxDiskSpaceUsageBytes"],
      dedupIntervalMs: flags["dedup.minScrapeInterval"],
      downsampling: flags["downsampling.period"],
      retentionFilters: flags.retentionFilter,
      seriesLimits: {
        maxLabels: flags.maxLabelsPerTimeseries,
        maxLabelNameBytes: flags.maxLabelNameLen,
        maxLabelValueBytes: flags.maxLabelValueLen,
        maxHourlySeries: orCountOnly(flags["storage.maxHourlySeries"]),
        maxDailySeries: orCountOnly(flags["storage.maxDailySeries"]),
      },
      memory: {
        ...memory,
        indexCacheBytes: indexCache.mainBytes,
        partCacheBytes: partCache.mainBytes,
        // Small queries, which are answered here where there are workers, are quick enough.
        rollupCacheBytes: workers === 0 ? rollupCacheBytes : 0,
      },
      settleMs: flags["search.cacheTimestampOffset"],
      logger: loggers("storage"),
      logsNewSeries: flags.logNewSeries,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });

  let database: OwnedDatabase | null = null;
  let pool: QueryPool | null = null;
  const ownMetrics = new OwnMetrics({
    set: metrics,
    version: VERSION,
    flagTexts: options.flags.texts,
    givenFlags: options.flags.given,
    allowedMemoryBytes: allowed,
    availableMemoryBytes: available,
    cpuCores,
    readStorage: () => withWorkers(database?.metrics(), pool),
  });
  const body: BodyContext = {
    budget: new ByteBudget(memory.bodyBytes),
    stallMs: BODY_STALL_MS,
  };
  metrics.getOrCreateGauge('vm_memory_used_bytes{for="body"}', () => body.budget.used);
  const pageDuration = metrics.getOrCreateHistogram('vm_http_request_duration_seconds{path="/metrics"}');
  const queues = createQueues(flags, cpuCores, metrics);
  const activeRequests = new ActiveRequests();
  const { ready, readyWord, ...statusHandlers } = createStatusHandlers({
    isDraining: () => server.isDraining,
    writeMetrics: () => {
      const startMs = performance.now();
      const page = ownMetrics.write();
      pageDuration.update((performance.now() - startMs) / 1000);
      return page;
    },
    flagTexts: new Map([...options.flags.texts].filter(([name]) => options.flags.given.has(name))),
    version: VERSION,
  });
  // Also while the storage is being opened: that may be what is slow.
  const early = {
    ...statusHandlers,
    ...createActiveQueriesHandlers({ requests: activeRequests, logger: loggers("api/active-queries.ts") }),
    ...createProfileHandlers({
      isProtected: () => flags.pprofAuthKey.get() !== "" || flags["httpAuth.username"] !== "",
      threads: () => pool?.threads ?? [],
      logger: loggers("api/profiles.ts"),
    }),
  };
  const server: HttpServer = new HttpServer({
    addresses: flags.httpListenAddr,
    isIpv6Enabled: flags.enableTCP6,
    pathPrefix: flags["http.pathPrefix"],
    maxConnections: flags["http.maxConnections"],
    connTimeoutMs: flags["http.connTimeout"],
    idleTimeoutMs: flags["http.idleConnTimeout"],
    maxShutdownMs: flags["http.maxGracefulShutdownDuration"],
    isCompressionEnabled: !flags["http.disableResponseCompression"],
    isCorsEnabled: !flags["http.disableCORS"],
    auth: createAuth(flags),
    body,
    queryQueue: queues.query,
    activeRequests,
    handlers: early,
    metrics,
    logger: loggers("http/server.ts"),
  });
  let addresses: string[];
  try {
    addresses = await server.listen();
  } catch (error) {
    await server.close();
    throw listenError(error);
  }
  // The log may take a while to replay: until then health is answered, everything else refused with 503.
  log.info(`listening at ${addresses.join(", ")}; opening the storage at ${JSON.stringify(dataPath)}`);
  const openedMs = Date.now();
  const opened = await openStorage().catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  database = opened;
  log.info(
    `opened the storage at ${JSON.stringify(dataPath)} in ${((Date.now() - openedMs) / 1000).toFixed(3)} seconds`,
  );
  await options.warmUp?.().catch((error: Error) => log.warn(`warming up failed: ${error.message}`));
  const { serveReader } = opened;
  if (workers > 0 && serveReader !== undefined) {
    pool = new QueryPool({
      size: workers,
      serveReader,
      caches: {
        indexCacheBytes: indexCache.workerBytes,
        partCacheBytes: partCache.workerBytes,
        rollupCacheBytes: Math.floor(rollupCacheBytes / workers),
      },
      heapBytesMax: memory.workerHeapBytes,
      metrics,
      logger: loggers("workers/pool.ts"),
      program: options.workers?.program,
    });
  }
  const runner = tellFirst(
    pool === null
      ? { run: (task, desk) => runTask(task, opened, desk) }
      : new Dispatcher(opened, pool, options.workers?.small),
    options.onFirstRead,
  );
  const rollupCacheHandlers = createRollupCacheHandlers({
    stats: () => addRollupStats(opened.rollupCache?.() ?? NO_ROLLUP_STATS, pool?.caches.rollupCache ?? NO_ROLLUP_STATS),
    reset: () => {
      opened.resetRollupCache?.();
      pool?.resetRollupCache();
    },
    maxBytes: rollupCacheBytes,
    metrics,
    logger: loggers("api/rollup-cache.ts"),
  });
  const handlers = createHandlers(options, opened, runner, body, queues.insert, metrics, memory);
  server.open({
    ...handlers,
    ...rollupCacheHandlers,
    ...early,
    ready,
    readyWord,
  });

  const scraper = new SelfScraper({
    write: () => ownMetrics.write(),
    database: opened,
    intervalMs: flags.selfScrapeInterval,
    job: flags.selfScrapeJob,
    instance: flags.selfScrapeInstance,
    logger: loggers("api/own-metrics.ts"),
  });
  if (flags.selfScrapeInterval > 0) scraper.start();

  let stopped: Promise<void> | null = null;
  return {
    addresses,
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
  };

  async function stopAll(): Promise<void> {
    const startMs = Date.now();
    server.startDraining();
    const delayMs = flags["http.shutdownDelay"];
    if (delayMs > 0) {
      log.info(`waiting ${delayMs / 1000} seconds for load balancers to notice (-http.shutdownDelay)`);
      await new Promise((done) => setTimeout(done, delayMs));
    }
    log.info(`shutting down the listeners at ${addresses.join(", ")}`);
    await server.close();
    await scraper.stop();
    await pool?.stop();
    try {
      await opened.close();
      log.info(`the server has been stopped in ${((Date.now() - startMs) / 1000).toFixed(3)} seconds`);
    } catch (error) {
      log.error(
        `closing the storage failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  }
}

/** The storage's numbers with those of the workers' caches in them. */
function withWorkers(
  storage: ReadonlyMap<string, number> = new Map(),
  pool: QueryPool | null,
): ReadonlyMap<string, number> {
  if (pool === null) return storage;
  const all = new Map(storage);
  const { indexCacheBytes, partCacheBytes } = pool.caches;
  for (const [share, bytes] of [
    ["indexCache", indexCacheBytes],
    ["partCache", partCacheBytes],
  ] as const) {
    const name = `vm_memory_used_bytes{for="${share}"}`;
    all.set(name, (all.get(name) ?? 0) + bytes);
  }
  return all;
}

/** -1 stands for a limit so large that it only counts. */
function orCountOnly(limit: number): number {
  return limit < 0 ? 2 ** 31 - 1 : limit;
}

/** Errors say what was being done, whoever they come from. */
async function openAt(path: string, options: StartOptions, settings: DatabaseSettings): Promise<OwnedDatabase> {
  try {
    return await options.openDatabase(settings);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot open the storage at ${path}: ${message}`, { cause: error });
  }
}

/** Those that are made elsewhere: most of them need no database. */
type EarlyHandlers =
  | keyof ReturnType<typeof createStatusHandlers>
  | keyof ReturnType<typeof createActiveQueriesHandlers>
  | keyof ReturnType<typeof createProfileHandlers>
  | keyof ReturnType<typeof createRollupCacheHandlers>;

/** The runner, that calls `onFirst` once, before its first task. */
function tellFirst(runner: TaskRunner, onFirst: (() => void) | undefined): TaskRunner {
  let isFirst = true;
  return {
    run: (task, desk) => {
      if (isFirst) onFirst?.();
      isFirst = false;
      return runner.run(task, desk);
    },
  };
}

function createHandlers(
  options: StartOptions,
  database: OwnedDatabase,
  runner: TaskRunner,
  body: BodyContext,
  insertQueue: RequestQueue,
  metrics: MetricSet,
  memory: MemoryShares,
): Omit<Handlers, EarlyHandlers> {
  const { loggers } = options;
  const flags = options.flags.values;
  const metadata = new MetadataStore();
  const inserter = new Inserter({
    database,
    metrics,
    metadata,
    logger: limitWarnings(loggers("api/insert.ts"), BAD_INPUT_WARNINGS_PER_SECOND),
    body,
    queue: insertQueue,
    isNamingSanitized: flags.usePromCompatibleNaming,
    maxRequestBytes: flags.maxInsertRequestSize,
    maxOtlpRequestBytes: flags["opentelemetry.maxRequestSize"],
    maxLineBytes: flags["import.maxLineLen"],
    otlp: {
      usePrometheusNaming: flags["opentelemetry.usePrometheusNaming"],
      convertMetricNamesToPrometheus: flags["opentelemetry.convertMetricNamesToPrometheus"],
      promoteScopeMetadata: flags["opentelemetry.promoteScopeMetadata"],
      promoteAllResourceAttributes: flags["opentelemetry.promoteAllResourceAttributes"],
      promoteResourceAttributes: flags["opentelemetry.promoteResourceAttributes"],
      ignoreResourceAttributes: flags["opentelemetry.ignoreResourceAttributes"],
    },
  });
  const slowQueriesTotal = metrics.getOrCreateCounter("vm_slow_queries_total");
  const slowQueries = {
    slowMs: flags["search.logSlowQueryDuration"],
    logger: loggers("api/slow-queries.ts"),
    onSlow: () => slowQueriesTotal.inc(),
  };
  const exports = {
    runner,
    maxDurationMs: flags["search.maxExportDuration"],
    maxSeries: flags["search.maxExportSeries"],
  };
  metrics.getOrCreateGauge("vm_search_max_unique_timeseries").set(flags["search.maxUniqueTimeseries"]);
  const history = new QueryHistory({
    recordsMax: flags["search.queryStats.lastQueriesCount"],
    minDurationMs: flags["search.queryStats.minQueryDuration"],
    minMemoryBytes: flags["search.queryStats.minQueryMemoryUsage"],
  });
  const readers = {
    ...createQueryHandlers({
      runner,
      onEvaluated: measureQueries({
        metrics,
        history,
        largeBytes: flags["search.logQueryMemoryUsage"],
        logger: loggers("api/query-metrics.ts"),
      }),
      dialect: flags["search.dialect"] as Dialect,
      logger: loggers("api/query.ts"),
      maxQueryBytes: flags["search.maxQueryLen"],
      maxDurationMs: flags["search.maxQueryDuration"],
      maxPointsPerSeries: flags["search.maxPointsPerTimeseries"],
      maxSeries: flags["search.maxUniqueTimeseries"],
      maxSamples: flags["search.maxSamplesPerQuery"],
      maxLookbackMs: flags["search.maxLookback"] || flags["search.maxStalenessInterval"],
      isLookbackStep: flags["search.setLookbackToStep"],
      isCacheDisabled: flags["search.disableCache"],
      isTracingDenied: flags.denyQueryTracing,
      logsImplicit: flags["search.logImplicitConversion"],
      limits: {
        maxSubqueryPoints: flags["search.maxPointsSubqueryPerTimeseries"],
        maxSamplesPerSeries: flags["search.maxSamplesPerSeries"] || Infinity,
        maxAggregateSeries: flags["search.maxSeriesPerAggrFunc"] || Infinity,
        maxResponseSeries: flags["search.maxResponseSeries"],
        maxMemoryBytes: flags["search.maxMemoryPerQuery"] || memory.queryBytes,
        maxPushdownValues: flags["search.maxBinaryOpPushdownLabelValues"],
        minStalenessMs: flags["search.minStalenessInterval"],
        latencyStepMaxMs: flags["search.maxStepForPointsAdjustment"],
        refusesImplicit: flags["search.disableImplicitConversion"],
      },
      latencyOffsetMs: flags["search.latencyOffset"],
    }),
    ...createLabelsHandlers({
      runner,
      maxDurationMs: flags["search.maxLabelsAPIDuration"],
      maxSeries: flags["search.maxSeries"],
      maxLabelNames: flags["search.maxTagKeys"],
      maxLabelValues: flags["search.maxTagValues"],
      isTracingDenied: flags.denyQueryTracing,
    }),
    ...createCardinalityHandlers({
      database,
      maxDurationMs: flags["search.maxStatusRequestDuration"],
      isTracingDenied: flags.denyQueryTracing,
    }),
    export: createExportHandler({ ...exports, isTracingDenied: flags.denyQueryTracing }),
    exportBlocks: createBlockExportHandler(exports),
    exportCsv: createCsvExportHandler(exports),
    federate: createFederateHandler({
      runner,
      maxDurationMs: flags["search.maxQueryDuration"],
      maxSeries: flags["search.maxFederateSeries"],
      maxLookbackMs: flags["search.maxLookback"] || flags["search.maxStalenessInterval"],
      isLookbackStep: flags["search.setLookbackToStep"],
    }),
  };
  return {
    writeRemote: inserter.writeRemote,
    writeOtlp: inserter.writeOtlp,
    importJson: inserter.importJson,
    importBlocks: inserter.importBlocks,
    importText: inserter.importText,
    ...watchSlowQueries(readers, slowQueries),
    ...createTopQueriesHandler({
      history,
      flagTexts: new Map([...options.flags.texts].filter(([name]) => name.startsWith("search.queryStats."))),
    }),
    ...createNativeHandlers(),
    ...createQueryTextHandlers({ maxQueryBytes: flags["search.maxQueryLen"] }),
    ...createPromqlTextHandlers({ maxQueryBytes: flags["search.maxQueryLen"] }),
    metadata: createMetadataHandler(metadata),
    deleteSeries: createDeleteHandler({
      database,
      maxDurationMs: flags["search.maxDeleteDuration"],
      maxSeries: flags["search.maxDeleteSeries"],
      logger: loggers("api/delete.ts"),
    }),
    ...createCommandHandlers({ database, logger: loggers("api/commands.ts") }),
    ...createSnapshotHandlers({ database, logger: loggers("api/snapshots.ts") }),
    ...createPageHandlers(loadPage()),
  };
}

function createQueues(
  flags: Flags,
  cpuCores: number,
  metrics: MetricSet,
): { insert: RequestQueue; query: RequestQueue } {
  const insert = new RequestQueue({
    capacity: flags.maxConcurrentInserts || 8 * cpuCores,
    maxWaitMs: flags["insert.maxQueueDuration"],
    status: 503,
    flags: "-maxConcurrentInserts and -insert.maxQueueDuration",
  });
  const queryCapacity = flags["search.maxConcurrentRequests"] || Math.min(2 * cpuCores, 16);
  const query = new RequestQueue({
    capacity: queryCapacity,
    // Ranges gain nothing from more places than there are cores, but small queries would wait for one of them to end.
    reserved: Math.floor(queryCapacity / 4),
    maxWaitMs: flags["search.maxQueueDuration"],
    status: 429,
    flags: "-search.maxConcurrentRequests and -search.maxQueueDuration",
  });
  for (const [name, queue] of [
    ["insert", insert],
    ["select", query],
  ] as const) {
    metrics.getOrCreateGauge(`vm_concurrent_${name}_capacity`, () => queue.capacity);
    metrics.getOrCreateGauge(`vm_concurrent_${name}_current`, () => queue.running);
    metrics.getOrCreateGauge(`vm_concurrent_${name}_waiting`, () => queue.waiting);
    metrics.getOrCreateGauge(`vm_concurrent_${name}_limit_reached_total`, () => queue.limitReached);
    metrics.getOrCreateGauge(`vm_concurrent_${name}_limit_timeout_total`, () => queue.limitTimeouts);
  }
  return { insert, query };
}

function createAuth(flags: Flags): AuthOptions {
  return {
    username: flags["httpAuth.username"],
    password: () => flags["httpAuth.password"].get(),
    keys: {
      metricsAuthKey: () => flags.metricsAuthKey.get(),
      flagsAuthKey: () => flags.flagsAuthKey.get(),
      forceFlushAuthKey: () => flags.forceFlushAuthKey.get(),
      deleteAuthKey: () => flags.deleteAuthKey.get(),
      "search.resetCacheAuthKey": () => flags["search.resetCacheAuthKey"].get(),
      snapshotAuthKey: () => flags.snapshotAuthKey.get(),
      forceMergeAuthKey: () => flags.forceMergeAuthKey.get(),
      pprofAuthKey: () => flags.pprofAuthKey.get(),
      logNewSeriesAuthKey: () => flags.logNewSeriesAuthKey.get(),
    },
  };
}

/** The system's errors in words. */
function listenError(error: unknown): Error {
  const { address, code, message, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === "EADDRINUSE")
    return new Error(`cannot listen at ${address}:${port}: the port is in use; see -httpListenAddr`);
  if (code === "EACCES") return new Error(`cannot listen at ${address}:${port}: not allowed; see -httpListenAddr`);
  if (code === "EADDRNOTAVAIL")
    return new Error(`cannot listen at ${address}:${port}: no such address on this machine`);
  return new Error(`cannot listen: ${message}`);
}
