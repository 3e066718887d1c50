/** The push side: an official exporter behind the SDK's periodic reader, its failures counted and reported. */
import { createRequire } from "node:module";
import type {
  CollectionResult,
  MetricProducer,
  MetricReader,
  PushMetricExporter,
  ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { ExporterModule, SdkModule } from "./peers.ts";
import { PushRequests } from "./push-requests.ts";
import type { OtlpSettings, OtlpTemporality } from "./settings.ts";

export interface OtlpReaderOptions {
  /** What is pushed beside what the SDK holds. */
  readonly producers: readonly MetricProducer[];
  /** How long callbacks of instruments may take. */
  readonly callbackTimeoutMs: number;
  /** Series an instrument may have; undefined: the SDK's 2000. */
  readonly cardinalityLimit: number | undefined;
  /** Called once for each push, when it has come to its end; null if it succeeded. Must not throw. */
  readonly onExport: (error: Error | null) => void;
  /** Callbacks of instruments that threw or took too long. Must not throw. */
  readonly onCollectErrors: (errors: readonly unknown[]) => void;
}

/** A reader that pushes. */
export interface OtlpReader {
  readonly reader: MetricReader;
  /** Gives up pushes that have not come to an end: for when their time is over and the process wants to end. */
  abandon(): void;
}

/** At the end a callback that hangs may not take the whole time that the last push has. */
const LAST_CALLBACK_TIMEOUT_MS = 1_000;

/**
 * A reader that pushes every `settings.intervalMs`. Retries are the exporter's: within `timeoutMs`, with growing pauses. A push that
 * failed is not kept: values are cumulative, the next one says it all.
 */
export function createOtlpReader(
  sdk: SdkModule,
  { OTLPMetricExporter }: ExporterModule,
  settings: OtlpSettings,
  options: OtlpReaderOptions,
): OtlpReader {
  const exporter = new OTLPMetricExporter({
    url: settings.url,
    compression: settings.compression,
    timeoutMillis: settings.timeoutMs,
    temporalityPreference: temporalityNumbers[settings.temporality],
    ...(settings.protocol === "grpc" ? grpcMetadata(settings.headers) : { headers: settings.headers }),
  });
  class PushReader extends sdk.PeriodicExportingMetricReader {
    #isEnding = false;

    // The SDK would give callbacks as long as the whole push may take.
    override async collect(): Promise<CollectionResult> {
      const timeoutMillis = this.#isEnding ? LAST_CALLBACK_TIMEOUT_MS : options.callbackTimeoutMs;
      const result = await super.collect({ timeoutMillis: Math.min(timeoutMillis, settings.exportTimeoutMs) });
      if (result.errors.length > 0) options.onCollectErrors(result.errors);
      return result;
    }

    protected override onShutdown(): Promise<void> {
      this.#isEnding = true;
      return super.onShutdown();
    }
  }
  const requests = new PushRequests();
  const reader = new PushReader({
    exporter: watchExporter(exporter, options.onExport, requests),
    exportIntervalMillis: settings.intervalMs,
    exportTimeoutMillis: settings.exportTimeoutMs,
    metricProducers: [...options.producers],
    ...(options.cardinalityLimit === undefined ? {} : { cardinalityLimits: { default: options.cardinalityLimit } }),
  });
  return { reader, abandon: () => requests.abandon() };
}

/** `AggregationTemporalityPreference` of the exporters. */
const temporalityNumbers: Readonly<Record<OtlpTemporality, number>> = { delta: 0, cumulative: 1, lowmemory: 2 };

/** `exporter`, and `onExport` hears how each push ended. The reader itself tells failures to `diag` only. */
function watchExporter(
  exporter: PushMetricExporter,
  onExport: (error: Error | null) => void,
  requests: PushRequests,
): PushMetricExporter {
  return {
    export(metrics: ResourceMetrics, done: Parameters<PushMetricExporter["export"]>[1]): void {
      requests.run((leave) => {
        const finish: typeof done = (result) => {
          leave();
          const error = result.error ?? new Error("the exporter gave no reason");
          onExport(result.code === EXPORT_SUCCESS ? null : error);
          done(result);
        };
        try {
          exporter.export(metrics, finish);
        } catch (error) {
          finish({ code: EXPORT_FAILED, error: error instanceof Error ? error : new Error(String(error)) });
        }
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    selectAggregation: (type) => exporter.selectAggregation?.(type) ?? { type: 0 },
    selectAggregationTemporality: (type) => exporter.selectAggregationTemporality?.(type) ?? 1,
  };
}

/** `ExportResultCode` of @opentelemetry/core. */
const EXPORT_SUCCESS = 0;
const EXPORT_FAILED = 1;

/**
 * gRPC has metadata in the place of headers, and wants its own class for it: that of the very copy the exporter uses, which is found
 * along the exporter's dependencies.
 */
function grpcMetadata(headers: Readonly<Record<string, string>>): { metadata?: unknown } {
  const entries = Object.entries(headers);
  if (entries.length === 0) return {};
  let require = createRequire(import.meta.url);
  for (const name of ["@opentelemetry/exporter-metrics-otlp-grpc", "@opentelemetry/otlp-grpc-exporter-base"]) {
    require = createRequire(require.resolve(name));
  }
  const { Metadata } = require("@grpc/grpc-js") as {
    Metadata: new () => { set(name: string, value: string): void };
  };
  const metadata = new Metadata();
  for (const [name, value] of entries) metadata.set(name, value);
  return { metadata };
}
