/**
 * Queries of the corpus whose answer differs from VictoriaMetrics 1.79.5 on purpose, by id. We follow current releases where
 * they changed.
 */
export const KNOWN_DIFFERENCES: ReadonlyMap<number, string> = new Map([
  [33, "\\u002d is the character - since parser releases after 1.79.5, which read the name differently"],
  [
    115,
    "instant queries look back one step for the previous sample since v1.108.1; 1.79.5 estimates the scrape interval",
  ],
  [270, "!= (list) is set membership since v1.101.0; 1.79.5 compares with the first member only"],
  [271, "== (list) is set membership since v1.101.0"],
  [501, "an offset beyond the last series leaves nothing now; 1.79.5 ignores it"],
  [566, "1.79.5 overwrites the name while it reads parts of it: host1.app1 becomes host1.host"],
]);
