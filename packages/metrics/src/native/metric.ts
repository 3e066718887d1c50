import type { FamilyType, Sample } from "../exposition/family.ts";
import type { MetricName } from "./metric-name.ts";

/** What a set asks of each kind of metric. */
export interface Metric {
  readonly name: MetricName;
  readonly type: FamilyType;
  /** Appends its samples. Never throws; false if the value could not be had. */
  collect(samples: Sample[]): boolean;
}
