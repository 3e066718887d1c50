import type { Family, FamilyType, ProcessAggregation, Sample } from "../exposition/family.ts";

/** Families in the making, in the order they are added. Their units are read off their names. */
export class FamilyList {
  readonly families: Family[] = [];

  /** A family of one series without labels. */
  add(name: string, type: FamilyType, help: string, value: number, aggregation: ProcessAggregation = "sum"): void {
    this.addFamily(name, type, help, [{ suffix: "", labels: "", value }], aggregation);
  }

  addFamily(
    name: string,
    type: FamilyType,
    help: string,
    samples: readonly Sample[],
    aggregation: ProcessAggregation = "sum",
  ): void {
    this.families.push({ name, type, help, unit: UNIT.exec(name)?.[1] ?? "", aggregation, samples });
  }
}

const UNIT = /_(bytes|seconds)(?:_total)?$/;
