/**
 * Which meter the instruments are on, and what happens to values that no instrument can take.
 *
 * A negative or NaN duration is a bug of whoever measured it. It is neither recorded (one NaN makes a histogram's sum NaN for ever) nor
 * thrown back at the request that happened to carry it, but counted: `metrics_dropped_values_total{instrument="…"}`.
 */
import {
  type Attributes,
  type Counter,
  createNoopMeter,
  diag,
  type Meter,
  metrics,
  ValueType,
} from "@opentelemetry/api";

/** Name of the scope that the kit's instruments belong to. */
export const METER_NAME = "@nyanza/metrics";

/**
 * `meter`, or the global one. The metrics API of OpenTelemetry JS has no stand-in that becomes real later (tracing's has): a meter taken
 * before a provider is set records nothing, ever. That is said to `diag`, with the cure.
 */
export function pickMeter(meter: Meter | undefined, wanting: string): Meter {
  const picked = meter ?? metrics.getMeter(METER_NAME);
  if (picked === createNoopMeter()) {
    diag.warn(`${wanting}: no meter provider is set yet, nothing will be recorded; call startMetrics() first`);
  }
  return picked;
}

/** Counts, by instrument, the values that were not recorded. */
export class DroppedValues {
  readonly #counter: Counter;
  /** Names of our own instruments only, so it stays small. */
  readonly #attributes = new Map<string, Attributes>();

  constructor(meter: Meter) {
    this.#counter = meter.createCounter("metrics_dropped_values_total", {
      description: "Values that were not recorded because no instrument can take them",
      unit: "{values}",
      valueType: ValueType.INT,
    });
  }

  count(instrument: string): void {
    let attributes = this.#attributes.get(instrument);
    if (attributes === undefined) this.#attributes.set(instrument, (attributes = { instrument }));
    this.#counter.add(1, attributes);
  }
}

/** A quantity that a counter or histogram can take: finite and not negative. */
export function isQuantity(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}
