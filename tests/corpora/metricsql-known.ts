/**
 * Queries of the corpus whose answer differs from VictoriaMetrics 1.79.5 on purpose, by id. We follow current releases where
 * they changed. docs/COMPATIBILITY.md shows this list.
 */
export interface KnownQuery {
  /** As the corpus has it, which metricsql-golden.test.ts checks. */
  readonly query: string;
  readonly reason: string;
}

export const KNOWN_DIFFERENCES: ReadonlyMap<number, KnownQuery> = new Map([
  [
    33,
    {
      query: "foo\\u002dbar",
      reason: "\\u002d is the character - since parser releases after 1.79.5, which read the name differently",
    },
  ],
  [
    115,
    {
      query: "rate(sum(http_requests_total))",
      reason:
        "instant queries look back one step for the previous sample since v1.108.1; 1.79.5 estimates the scrape interval",
    },
  ],
  [
    270,
    {
      query: "status_code != (404, 500, 200)",
      reason: "!= (list) is set membership since v1.101.0; 1.79.5 compares with the first member only",
    },
  ],
  [271, { query: "(200, 404) == status_code", reason: "== (list) is set membership since v1.101.0" }],
  [
    501,
    {
      query: "limit_offset(2, 10, sort(node_load1))",
      reason: "an offset beyond the last series leaves nothing now; 1.79.5 ignores it",
    },
  ],
  [
    566,
    {
      query: 'label_graphite_group({__graphite__="app1.*.memory_usage"}, 1, 0)',
      reason: "1.79.5 overwrites the name while it reads parts of it: host1.app1 becomes host1.host",
    },
  ],
]);
