/** Conditions on labels: what selectors are made of, and what indexes answer. */
export type FilterOp = "=" | "!=" | "=~" | "!~";

/** One condition on a label. A missing label equals "". Regexes are RE2 and anchored at both ends. */
export interface LabelFilter {
  readonly label: string;
  readonly op: FilterOp;
  readonly value: string;
}

/** A series matches if it fulfils every filter of at least one group. No groups, or one empty group: matches nothing. */
export type FilterGroups = readonly (readonly LabelFilter[])[];
