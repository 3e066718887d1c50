import type { MetadataListener } from "../row-sink.ts";

/** The `-opentelemetry.*` flags, with VictoriaMetrics' defaults where absent, and bounds that only hostile bodies meet. */
export interface OtlpOptions {
  /** Metric and label names as Prometheus would have them (naming.ts). Default false: names stay as they are. */
  readonly usePrometheusNaming?: boolean | undefined;
  /** Only metric names as Prometheus would have them. Default false. */
  readonly convertMetricNamesToPrometheus?: boolean | undefined;
  /** With `usePrometheusNaming`, `_x` becomes `key_x`. Default true. */
  readonly labelNameUnderscoreSanitization?: boolean | undefined;
  /** Labels `scope.name`, `scope.version`, `scope.attributes.*`. Default true. */
  readonly promoteScopeMetadata?: boolean | undefined;
  /** Every resource attribute becomes a label. Default true. */
  readonly promoteAllResourceAttributes?: boolean | undefined;
  /** The resource attributes that become labels when not all do. */
  readonly promoteResourceAttributes?: readonly string[] | undefined;
  /** The resource attributes that do not become labels when all others do. */
  readonly ignoreResourceAttributes?: readonly string[] | undefined;
  readonly onMetadata?: MetadataListener | undefined;

  /** parseOtlpInSteps pauses when the batch has so many samples more than at the last pause. Default 65,536. */
  readonly stepSamples?: number | undefined;
  /** … or so many bytes of labels. Default 32 MiB. */
  readonly stepLabelBytes?: number | undefined;
  /**
   * What one body's labels may multiply to (each sample repeats those of its resource, a bucket is a sample). Samples
   * beyond are skipped and counted. Default 2 GiB, of which at most 256 MiB between two pauses.
   */
  readonly labelBytesMax?: number | undefined;
}

/** Which resource attributes become labels. */
export interface ResourcePromotion {
  /** Whether those become labels that are not in `names`; those in `names` are treated the other way. */
  readonly isAll: boolean;
  readonly names: ReadonlySet<string>;
  readonly isScopePromoted: boolean;
}

export function resourcePromotionOf(options: OtlpOptions): ResourcePromotion {
  const isAll = options.promoteAllResourceAttributes ?? true;
  const names = isAll ? options.ignoreResourceAttributes : options.promoteResourceAttributes;
  return { isAll, names: new Set(names ?? []), isScopePromoted: options.promoteScopeMetadata ?? true };
}
