/** The functions of windows, by name. */
import { overTimeFunctions } from "./over-time.ts";
import { rateFunctions } from "./rates.ts";
import type { RangeFunction } from "./tables.ts";

export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map([...rateFunctions, ...overTimeFunctions]);
