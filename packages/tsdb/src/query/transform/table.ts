/**
 * Every transform and label function by name. An entry is one function; entry.ts says what it is made of.
 * Rules: MetricsQL manual, "Transform functions" and "Label manipulation functions"; where manual and server differ, the server.
 */
import type { TransformEntry } from "./entry.ts";
import { histogramFunctions } from "./histogram-functions.ts";
import { labelFunctions } from "./label-functions.ts";
import { mathFunctions } from "./math-functions.ts";
import { rangeFunctions } from "./range-functions.ts";
import { seriesFunctions } from "./series-functions.ts";
import { timeFunctions } from "./time-functions.ts";

const families = [mathFunctions, labelFunctions, histogramFunctions, rangeFunctions, timeFunctions, seriesFunctions];

/** By lower-case name, in their order. */
export const TRANSFORMS: ReadonlyMap<string, TransformEntry> = new Map(
  families.flatMap((family) => Object.entries(family)).sort(([a], [b]) => (a < b ? -1 : 1)),
);
