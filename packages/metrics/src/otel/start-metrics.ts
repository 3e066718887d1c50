/**
 * OpenTelemetry metrics in one call:
 *
 *     instruments ──► SDK ─┬─► pull reader ─► families ─┐
 *     native sets ─────────┼────────────────────────────┴► joined ─► endpoint  http://host:9090/metrics
 *     process metrics ─────┴─► periodic reader ─► OTLP exporter
 *
 *     const kit = await startMetrics({ serviceName: "boathouse", otlp: { url: "http://127.0.0.1:8428" } });
 *     const trips = kit.getMeter("lake").createCounter("trips_total");
 *     trips.add(1, { boat: "ferry" });
 *     await kit.shutdown();
 *
 * Once it has started, nothing that goes wrong reaches the application: it is counted (self-metrics.ts) and told to `onError`.
 */
import cluster from "node:cluster";
import { createNoopMeter, diag, type Meter, type MeterOptions, type MeterProvider, metrics } from "@opentelemetry/api";
import type { MeterProviderOptions, MetricReader, ViewOptions } from "@opentelemetry/sdk-metrics";
import { joinProcessGroup, type ProcessGroup, type ProcessGroupOptions } from "../cluster/process-group.ts";
import { type Endpoint, EndpointError, type EndpointOptions, startEndpoint } from "../exposition/endpoint.ts";
import type { Family } from "../exposition/family.ts";
import { joinForScrape } from "../exposition/join.ts";
import { defaultSet } from "../native/default-set.ts";
import type { FamilySource } from "../native/metric-set.ts";
import { collectProcessMetrics, startProcessMetrics } from "../process/process-metrics.ts";
import { MeterGuard } from "./meter-guard.ts";
import { NativeProducer } from "./native-producer.ts";
import { createOtlpReader } from "./otlp-reader.ts";
import { loadPeers, type SdkModule } from "./peers.ts";
import { hookProcess } from "./process-hooks.ts";
import { describeTarget, FamilyMapper } from "./prometheus-families.ts";
import { SelfMetrics } from "./self-metrics.ts";
import {
  type OtlpOptions,
  type PrometheusOptions,
  type ResourceOptions,
  readSettings,
  type Settings,
} from "./settings.ts";

/** What {@link startMetrics} starts. What is left out is as the environment says (`OTEL_*`), and else the default. */
export interface MetricsOptions extends ResourceOptions {
  /** The address scrapers read; false for none. Default: as OTEL_METRICS_EXPORTER says, on if it is not set. */
  readonly prometheus?: PrometheusOptions | boolean;
  /** Push over OTLP; false for none. Default: as OTEL_METRICS_EXPORTER says, on if an OTLP endpoint is set. */
  readonly otlp?: OtlpOptions | boolean;
  /** Native metrics that are shown and pushed too: sets, or whatever else gives families. Default: the default set. */
  readonly sets?: readonly FamilySource[];
  /** `process_*` and `nodejs_*`. Default: true. */
  readonly processMetrics?: boolean;
  /**
   * The endpoint answers for all processes of this application (node:cluster, PM2), whichever of them has the port; see
   * {@link joinProcessGroup}. Callbacks then run about once a second. What is pushed is each process's own. Default: false.
   */
  readonly processGroup?: boolean | Omit<ProcessGroupOptions, "collect" | "processMetrics" | "onError">;
  /** Other aggregations, names or attributes for chosen instruments, as the SDK takes them. */
  readonly views?: readonly ViewOptions[];
  /** Series an instrument may have; what comes later is counted under `otel.metric.overflow`. Default: the SDK's 2000. */
  readonly cardinalityLimit?: number;
  /** Makes it the provider behind `metrics.getMeter` of @opentelemetry/api. Default: true. */
  readonly global?: boolean;
  /** Pushes the last values at SIGTERM and SIGINT, then lets the signal do what it does. Default: false. */
  readonly shutdownOnSignal?: boolean;
  /** What went wrong without stopping anything: a push, a callback, a variable ignored. Default: a warning of OpenTelemetry's `diag`. */
  readonly onError?: (error: Error) => void;
}

/** What {@link startMetrics} started. */
export interface MetricsKit {
  /** Where to scrape; null without an endpoint, and where another process of the group has it. */
  readonly url: string | null;
  readonly meterProvider: MeterProvider;
  /** Instruments belong to a meter, named after the library or module that measures. */
  getMeter(name: string, version?: string): Meter;
  /** Pushes now. Resolves when that has come to an end; failures are counted. Without OTLP it does nothing. */
  flush(): Promise<void>;
  /**
   * Pushes the last values, closes the endpoint, unsets the global provider. Never rejects; calling again waits for the first call.
   * `timeoutMs` bounds the waiting for the push; default: 5000. One over HTTP that has had no answer by then is broken off.
   */
  shutdown(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/** A callback that takes longer has no value in this scrape; Prometheus gives up after 10 s. */
const CALLBACK_TIMEOUT_MS = 5_000;
const SHUTDOWN_TIMEOUT_MS = 5_000;

/**
 * Starts the endpoint and the push, and becomes the global meter provider: call it before anything makes instruments, for those made
 * earlier from `metrics.getMeter` measure nothing. (`node --import @nyanza/metrics/register` does so from outside.)
 *
 * With OTEL_SDK_DISABLED=true nothing is started, and instruments measure nothing.
 *
 * @throws MissingPeerError if the SDK or an exporter is not installed; EndpointError if the port is taken;
 *   TypeError, RangeError for an option that makes no sense; Error if there is a global meter provider already. Nothing is left running then.
 */
export async function startMetrics(options: MetricsOptions = {}): Promise<MetricsKit> {
  const report = makeReporter(options.onError);
  const settings = readSettings(options, process.env, (message) => report(new Error(message)));
  if (settings === null || (settings.prometheus === null && settings.otlp === null)) return idleKit;
  const kit = new RunningKit(report);
  try {
    await kit.start(options, settings);
  } catch (error) {
    await kit.shutdown();
    throw error;
  }
  return kit;
}

const idleKit: MetricsKit = {
  url: null,
  meterProvider: { getMeter: () => createNoopMeter() },
  getMeter: () => createNoopMeter(),
  flush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

type SdkMeterProvider = InstanceType<SdkModule["MeterProvider"]>;

class RunningKit implements MetricsKit {
  readonly #report: (error: Error) => void;
  #provider: SdkMeterProvider | null = null;
  #endpoint: Endpoint | null = null;
  #group: ProcessGroup | null = null;
  #abandonPushes: () => void = () => {};
  #unhook: (() => void) | null = null;
  #isGlobal = false;
  #ended: Promise<void> | null = null;

  constructor(report: (error: Error) => void) {
    this.#report = report;
  }

  get url(): string | null {
    return this.#endpoint?.url ?? null;
  }

  get meterProvider(): MeterProvider {
    return this.#provider ?? idleKit.meterProvider;
  }

  getMeter(name: string, version?: string): Meter {
    return this.meterProvider.getMeter(name, version);
  }

  async start(options: MetricsOptions, { resource, prometheus, otlp }: Settings): Promise<void> {
    const { sdk, resources, exporter } = await loadPeers(otlp === null ? null : otlp.protocol);
    const own = new SelfMetrics(otlp !== null);
    const sets = options.sets ?? [defaultSet];
    const processMetrics = options.processMetrics ?? true;
    if (processMetrics) startProcessMetrics();
    const collectNative = (withProcess: boolean): Family[] => {
      const sources: (readonly Family[])[] = [own.collect()];
      for (const set of sets) {
        try {
          sources.push(set.collect());
        } catch (error) {
          // A set never throws; another source may.
          this.#report(toError("a source of metrics failed", error));
        }
      }
      if (withProcess) sources.push(collectProcessMetrics());
      return joinForScrape(sources);
    };
    const onCollectErrors = (errors: readonly unknown[]): void => {
      own.callbackErrors += errors.length;
      for (const error of errors) this.#report(toError("a callback of an instrument failed", explainTimeout(error)));
    };

    const readers: MetricReader[] = [];
    const pull = prometheus === null ? null : createPullReader(sdk, options.cardinalityLimit);
    if (pull !== null) readers.push(pull);
    if (otlp !== null && exporter !== null) {
      const onExport = (error: Error | null): void => {
        own.exports++;
        if (error === null) return;
        own.exportErrors++;
        this.#report(toError(`a push to ${hideSecrets(otlp.url)} failed`, error));
      };
      const producers = [new NativeProducer(sdk, resources, () => collectNative(processMetrics))];
      const { cardinalityLimit } = options;
      const otlpReader = createOtlpReader(sdk, exporter, otlp, {
        producers,
        callbackTimeoutMs: CALLBACK_TIMEOUT_MS,
        cardinalityLimit,
        onExport,
        onCollectErrors,
      });
      readers.push(otlpReader.reader);
      this.#abandonPushes = otlpReader.abandon;
    }
    const guard = new MeterGuard({
      onDropped: () => own.droppedValues++,
      onRefused: (error) => this.#report(toError("an instrument was refused", error)),
    });
    this.#provider = createProvider(sdk, guard, {
      resource: resources.defaultResource().merge(resources.resourceFromAttributes(resource)),
      readers,
      ...(options.views === undefined ? {} : { views: [...options.views] }),
    });

    if (prometheus !== null && pull !== null) {
      const { processGroup = false } = options;
      const isGroup = processGroup !== false;
      const mapper = new FamilyMapper(prometheus);
      const collect = shareRuns(async (): Promise<Family[]> => {
        const { resourceMetrics, errors } = await pull.collect({ timeoutMillis: CALLBACK_TIMEOUT_MS });
        if (errors.length > 0) onCollectErrors(errors);
        const { attributes } = resourceMetrics.resource;
        // Of a group one sample is enough, or a join with it would find several.
        const target = describeTarget(attributes, isGroup ? new Set(["service.instance.id"]) : new Set());
        // A group has its own way of showing what is the process's.
        return joinForScrape([[target], mapper.map(resourceMetrics), collectNative(processMetrics && !isGroup)]);
      });
      if (isGroup) {
        const groupOptions = processGroup === true ? {} : processGroup;
        const onError = (error: unknown): void => this.#report(toError("the group of processes", error));
        this.#group = await joinProcessGroup({ ...groupOptions, collect, processMetrics, onError });
      }
      const { host, port, path } = prometheus;
      await this.#open(collect, { port, path, ...(host === undefined ? {} : { host }) });
    }
    if (options.global ?? true) this.#becomeGlobal(this.#provider);
    this.#unhook = hookProcess({
      onIdle: otlp === null ? null : () => this.#flushAtEnd(),
      onSignal: options.shutdownOnSignal === true ? () => this.shutdown() : null,
    });
  }

  flush(): Promise<void> {
    return this.#flush({});
  }

  async #flush(options: { readonly timeoutMillis?: number }): Promise<void> {
    if (this.#ended !== null) return;
    try {
      await this.#provider?.forceFlush(options);
    } catch (error) {
      this.#report(toError("flushing failed", explainTimeout(error)));
    }
  }

  /** A process that has nothing left to do does not wait longer than it would for a shutdown. */
  async #flushAtEnd(): Promise<void> {
    await this.#flush({ timeoutMillis: SHUTDOWN_TIMEOUT_MS });
    this.#abandonPushes();
  }

  shutdown(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#ended ??= this.#end(options.timeoutMs ?? SHUTDOWN_TIMEOUT_MS);
    return this.#ended;
  }

  async #open(collect: () => Promise<Family[]>, address: EndpointOptions): Promise<void> {
    const group = this.#group;
    if (group === null && cluster.isWorker) {
      this.#report(
        new Error(
          "metrics: workers of node:cluster share the endpoint's port, so that each scrape sees another one of them: " +
            "pass processGroup: true, or set NYANZA_METRICS_DIR for @nyanza/metrics/register",
        ),
      );
    }
    try {
      this.#endpoint = await startEndpoint(group === null ? collect : () => group.collect(), address);
    } catch (error) {
      const isTaken = error instanceof EndpointError && error.code === "EADDRINUSE";
      // By another of the group, which answers for this process too.
      if (!isTaken || group === null || group.workers().length < 2) throw error;
    }
  }

  #becomeGlobal(provider: MeterProvider): void {
    if (metrics.setGlobalMeterProvider(provider)) {
      this.#isGlobal = true;
      return;
    }
    throw new Error(
      "startMetrics: a global meter provider is set already, by another startMetrics or SDK or for another version of " +
        "@opentelemetry/api: shut that one down first, or pass global: false",
    );
  }

  async #end(timeoutMs: number): Promise<void> {
    this.#unhook?.();
    // Its last snapshot is of the readers, so it goes before them.
    const left = await Promise.allSettled([this.#group?.close()]);
    const endings = await Promise.allSettled([
      this.#provider?.shutdown({ timeoutMillis: timeoutMs }),
      this.#endpoint?.close(),
    ]);
    this.#abandonPushes();
    for (const ending of [...left, ...endings]) {
      if (ending.status === "rejected") this.#report(toError("shutting down", explainTimeout(ending.reason)));
    }
    // Somebody else may have taken its place by now.
    if (this.#isGlobal && metrics.getMeterProvider() === this.#provider) metrics.disable();
  }
}

/** The SDK's provider, whose meters are guarded for whoever asks for one: also by way of the global provider. */
function createProvider(sdk: SdkModule, guard: MeterGuard, options: MeterProviderOptions): SdkMeterProvider {
  class GuardedProvider extends sdk.MeterProvider {
    override getMeter(name: string, version?: string, meterOptions?: MeterOptions): Meter {
      return guard.guard(super.getMeter(typeof name === "string" ? name : "", version, meterOptions));
    }
  }
  return new GuardedProvider(options);
}

/** Collects when a scrape asks. Values are cumulative, which is a reader's standard. */
function createPullReader(sdk: SdkModule, cardinalityLimit: number | undefined): MetricReader {
  class PullReader extends sdk.MetricReader {
    protected override onForceFlush(): Promise<void> {
      return Promise.resolve();
    }
    protected override onShutdown(): Promise<void> {
      return Promise.resolve();
    }
  }
  return new PullReader(cardinalityLimit === undefined ? {} : { cardinalitySelector: () => cardinalityLimit });
}

/** Who asks while a run is under way gets its result: callbacks run once for many scrapers. */
function shareRuns<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= run().finally(() => {
      running = null;
    });
    return running;
  };
}

/** Errors of `onError` itself end here. */
function makeReporter(onError: ((error: Error) => void) | undefined): (error: Error) => void {
  return (error) => {
    try {
      if (onError === undefined) diag.warn(error.message);
      else onError(error);
    } catch {
      // There is nobody left to tell.
    }
  };
}

/** The SDK says "Operation timed out." of whatever has not come to its end. */
function explainTimeout(error: unknown): unknown {
  const isTimeout = error instanceof Error && error.message === "Operation timed out.";
  return isTimeout ? new Error("it has not come to its end in time", { cause: error }) : error;
}

function toError(what: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Error(`metrics: ${what}: ${why}`, { cause });
}

/** A URL may carry a password, and messages end up in logs. */
function hideSecrets(url: string): string {
  if (!URL.canParse(url)) return url;
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.search = "";
  return shown.href;
}
