/** What goes wrong while metrics are gathered and sent, as metrics. */
import type { Family } from "../exposition/family.ts";

export class SelfMetrics {
  callbackErrors = 0;
  droppedValues = 0;
  exports = 0;
  exportErrors = 0;
  readonly #isPushing: boolean;

  /** `isPushing`: the counters of pushes are shown. */
  constructor(isPushing: boolean) {
    this.#isPushing = isPushing;
  }

  collect(): Family[] {
    const families = [
      makeCounter(
        "metrics_otel_callback_errors_total",
        "Callbacks of OpenTelemetry instruments that threw or took too long.",
        this.callbackErrors,
      ),
      makeCounter(
        "metrics_otel_dropped_values_total",
        "Values that an OpenTelemetry instrument cannot take: no number, NaN, negative, with attributes that throw.",
        this.droppedValues,
      ),
    ];
    if (this.#isPushing) {
      families.push(
        makeCounter("metrics_otlp_exports_total", "Pushes over OTLP that came to an end, well or badly.", this.exports),
        makeCounter("metrics_otlp_export_errors_total", "Pushes over OTLP that failed.", this.exportErrors),
      );
    }
    return families;
  }
}

function makeCounter(name: string, help: string, value: number): Family {
  return { name, type: "counter", help, unit: "", aggregation: "sum", samples: [{ suffix: "", labels: "", value }] };
}
