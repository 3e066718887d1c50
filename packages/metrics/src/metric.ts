import type { MetricName } from "./metric-name.ts";

/** What a set asks of each kind of metric. */
export interface Metric {
  readonly name: MetricName;
  /** The word a `# TYPE` line has for it. */
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  /** Appends its lines in Prometheus text format. Never throws; false if the value could not be had. */
  write(lines: string[]): boolean;
}
