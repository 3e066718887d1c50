/** What a query may ask of the parser. All are far beyond what people write; they stop texts made to exhaust the process. */

/** Default of `-search.maxQueryLen`, bytes. Callers check it before they parse. */
export const MAX_QUERY_BYTES: number = 16 * 1024;

/**
 * Height of the finished tree, and nesting of the text. A JavaScript stack overflows near 8,800 small frames; this
 * leaves every walker of the tree more than ten frames a level. A step to the left side of an operator is none: see `chainOf`.
 */
export const MAX_DEPTH = 500;

/** Nodes and filters of the tree after templates are expanded: sixteen doublings of a template pass it. */
export const MAX_EXPANDED_NODES = 50_000;

/** UTF-16 units of a string put together from templates. */
export const MAX_STRING_LENGTH: number = 1024 * 1024;

/** Engine instructions of all different regexes of a query together; each alone has its own limit. */
export const MAX_REGEX_SIZE = 20_000;
