/**
 * What a PromQL expression evaluates to on a grid of times. A NaN is a value there, so a missing point needs a place of its own: `present`.
 *
 * Whoever is handed a list owns it and may change it in place.
 */
import type { Labels } from "../../base/labels.ts";

export interface PromSeries {
  labels: Labels;
  /** One slot a point of the grid; what stands where no value is present means nothing. */
  values: Float64Array;
  /** 1 where there is a value; null: everywhere. */
  present: Uint8Array | null;
}

export type PromValue =
  | { readonly kind: "vector"; readonly series: PromSeries[] }
  /** One value a point, always present. */
  | { readonly kind: "scalar"; readonly values: Float64Array }
  | { readonly kind: "string"; readonly value: string };

/** Warnings and infos of an answer: texts, each once, in order of their first appearance. */
export class Annotations {
  readonly warnings: Set<string> = new Set();
  readonly infos: Set<string> = new Set();
}
