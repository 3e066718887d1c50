/** New series as an index segment takes them: their texts have numbers, so that sorting and comparing them is done once, by whoever numbers them. */
import type { Tenant } from "../base/tenant.ts";

/** Stands for the name `__name__`. */
export const NO_SYMBOL = 0xffff_ffff;

/** A tenant's series, by ascending id, whose texts have numbers in byte order. */
export interface NumberedSeries {
  readonly tenant: Tenant;
  readonly symbolCount: number;
  symbolBytes(symbol: number): Uint8Array;
  readonly seriesCount: number;
  idOf(i: number): number;
  countLabels(i: number): number;
  /** Symbols of name and value of each label of series `i`, `__name__` (NO_SYMBOL) first, the others by name. */
  copyLabels(i: number, target: Uint32Array): void;
}
