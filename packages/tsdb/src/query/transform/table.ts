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

/** By lower-case name. */
export const TRANSFORMS: ReadonlyMap<string, TransformEntry> = new Map(
  [mathFunctions, labelFunctions, histogramFunctions, rangeFunctions, timeFunctions, seriesFunctions].flatMap(
    (family) => Object.entries(family),
  ),
);
