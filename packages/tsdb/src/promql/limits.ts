/** What a query may ask of the parser. All are far beyond what people write; they stop texts made to exhaust the process. */
export interface PromLimits {
  /** UTF-16 units of the text. */
  readonly lengthMax: number;
  /**
   * Height of the tree and nesting of the text. A JavaScript stack overflows near 8,800 small frames; this leaves every walker
   * of the tree more than ten frames a level. A step to the left side of an operator is none: see `chainOf`.
   */
  readonly depthMax: number;
  /** Operators on the way from the top to a leaf whose left side is taken: Infinity for walkers that take chains in a loop. */
  readonly chainMax: number;
}

/** Four times the default of `-search.maxQueryLen`, which callers check before they parse: the worst text of this length takes 50 ms. */
export const DEFAULT_PROM_LIMITS: PromLimits = { lengthMax: 64 * 1024, depthMax: 500, chainMax: Infinity };

/** Engine instructions of all different regexes of a query together; each alone has its own limit. */
export const REGEX_SIZE_MAX = 20_000;
