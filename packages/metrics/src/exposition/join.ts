/**
 * Makes one exposition out of several sources: the sets of one process, its own metrics, those of other processes. Each source is
 * well-formed by itself; together they may name the same things. A scraper throws a whole scrape away for one
 * repeated sample, so here the first who says something is heard and the rest is left out and counted.
 */
import type { Family, Sample } from "./family.ts";
import { listSampleNames, stripOwnLabel } from "./sample-names.ts";

export interface JoinedFamilies {
  /** Sorted by name. */
  readonly families: Family[];
  readonly droppedSamples: number;
}

/**
 * One family a name, one series a label set; help and unit from the first source that has them. Dropped and counted are:
 * a family whose name an earlier one has with another type; one whose samples would be named like an earlier one's (a counter
 * `x_count` beside a histogram `x`); a series whose labels an earlier one has (for histograms and summaries whole:
 * buckets of two series are never mixed). Families without samples leave no trace.
 */
export function joinFamilies(sources: readonly (readonly Family[])[]): JoinedFamilies {
  const joins = new Map<string, FamilyJoin>();
  const owners = new Map<string, string>();
  let droppedSamples = 0;
  for (const source of sources) {
    for (const family of source) {
      if (family.samples.length === 0) continue;
      const names = listSampleNames(family);
      let join = joins.get(family.name);
      const collides =
        (join !== undefined && join.type !== family.type) ||
        names.some((name) => owners.has(name) && owners.get(name) !== family.name);
      if (collides) {
        droppedSamples += family.samples.length;
        continue;
      }
      for (const name of names) owners.set(name, family.name);
      if (join === undefined) {
        join = new FamilyJoin(family);
        joins.set(family.name, join);
      }
      droppedSamples += join.add(family);
    }
  }
  const families = [...joins.values()].map((join) => join.finish());
  families.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { families, droppedSamples };
}

/** {@link joinFamilies} for a scrape: what was dropped is said by a family of its own, if anything was. */
export function joinForScrape(sources: readonly (readonly Family[])[]): Family[] {
  const joined = joinFamilies(sources);
  if (joined.droppedSamples === 0) return joined.families;
  const said = [{ suffix: "" as const, labels: "", value: joined.droppedSamples }];
  const family: Family = { ...DROPPED_FAMILY, samples: said };
  // First, so that nobody can push it aside.
  return joinFamilies([[family], joined.families]).families;
}

const DROPPED_FAMILY: Omit<Family, "samples"> = {
  name: "metrics_dropped_samples",
  type: "gauge",
  help: "Samples left out of this scrape, as another source had taken their name or labels.",
  unit: "",
  aggregation: "sum",
};

/** A family in the making. */
class FamilyJoin {
  readonly type: Family["type"];
  readonly #first: Family;
  #help: string;
  #unit: string;
  readonly #samples: Sample[] = [];
  /** Of each series of a histogram or summary, whose it is. */
  readonly #owners = new Map<string, Family>();
  /** Those whose sum or count came: a bucket or quantile after that would be another's. */
  readonly #ended = new Set<string>();
  readonly #keys = new Set<string>();

  constructor(first: Family) {
    this.type = first.type;
    this.#first = first;
    this.#help = first.help;
    this.#unit = first.unit;
  }

  /** Takes what is new; returns how many samples were not. */
  add(family: Family): number {
    if (this.#help === "") this.#help = family.help;
    if (this.#unit === "") this.#unit = family.unit;
    const isGrouped = family.type === "histogram" || family.type === "summary";
    let dropped = 0;
    for (const sample of family.samples) {
      const key = sample.suffix === "" ? sample.labels : `${sample.suffix}{${sample.labels}`;
      if (this.#keys.has(key) || (isGrouped && !this.#fits(sample, family))) {
        dropped++;
        continue;
      }
      this.#keys.add(key);
      this.#samples.push(sample);
    }
    return dropped;
  }

  finish(): Family {
    return { ...this.#first, help: this.#help, unit: this.#unit, samples: this.#samples };
  }

  /** Whether a member of a histogram or summary continues a series of that family, or begins one that nobody has. */
  #fits({ suffix, labels }: Sample, family: Family): boolean {
    const series = stripOwnLabel(labels);
    const owner = this.#owners.get(series);
    if (owner === undefined) this.#owners.set(series, family);
    else if (owner !== family) return false;
    if (suffix === "_sum" || suffix === "_count") this.#ended.add(series);
    else if (this.#ended.has(series)) return false;
    return true;
  }
}
