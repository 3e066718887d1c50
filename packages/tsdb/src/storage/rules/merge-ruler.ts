/** Writes the samples of series that rules leave to a merge's part. Series that rules have nothing to say about are left to block-joiner.ts. */
import { SampleColumns } from "../../base/columns.ts";
import type { BlockGatherer } from "../parts/block-gatherer.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { PartWriter } from "../parts/part-writer.ts";
import { orderSamples } from "../search/sample-order.ts";
import type { MergeRules, SeriesClass } from "./merge-rules.ts";
import { decodeApart, type ResultSource } from "./result-decoding.ts";
import { applyAggregates, applyRules, isAggregating, type TimeRange } from "./rule-application.ts";
import { oldestKeptMs } from "./sample-rules.ts";

export class MergeRuler {
  /** Samples that the rules have taken. */
  dropped = 0;
  private readonly gatherer: BlockGatherer;
  private readonly writer: PartWriter;
  private readonly rules: MergeRules;
  private readonly range: TimeRange;
  /** By class: parts with results, and whether the rules leave the series alone. */
  private readonly results: readonly (readonly ResultSource[])[];
  private readonly leaves: readonly boolean[];
  private readonly columns: SampleColumns = new SampleColumns(1 << 14);
  private readonly resultColumns: SampleColumns = new SampleColumns(0);

  /** Samples before `minMs` are left out whatever the rules say. */
  constructor(
    gatherer: BlockGatherer,
    writer: PartWriter,
    sources: readonly PartReader[],
    rules: MergeRules,
    minMs: number,
  ) {
    this.gatherer = gatherer;
    this.writer = writer;
    this.rules = rules;
    this.range = { minMs, maxMs: Number.MAX_SAFE_INTEGER };
    this.results = rules.classes.map(({ results }) =>
      results.flatMap((range, i) => (range === null ? [] : [{ part: sources[i] as PartReader, range }])),
    );
    this.leaves = rules.classes.map(
      ({ rules: own }) => own.dedupMs === 0 && own.steps.length === 0 && oldestKeptMs(own, rules.nowMs) <= minMs,
    );
  }

  /** Writes the series at a position of the gatherer's batch; false, with nothing written, if the rules leave it alone. @throws CorruptionError */
  addSeries(position: number, id: number): boolean {
    const { classes, classOf, nowMs, bounds, isFinal } = this.rules;
    const at = classOf === null ? 0 : (classOf[id] as number);
    if (this.leaves[at]) return false;
    const { columns, resultColumns } = this;
    const { rules } = classes[at] as SeriesClass;
    columns.length = 0;
    decodeApart(this.gatherer, position, this.range, this.results[at] as ResultSource[], columns, resultColumns);
    orderSamples(columns, 0);
    const came = columns.length + resultColumns.length;
    applyRules(columns, 0, rules, nowMs);
    if (isFinal && isAggregating(rules)) applyAggregates(columns, 0, resultColumns, rules, nowMs, bounds);
    this.dropped += came - columns.length;
    this.writer.add(id, columns.timestamps, columns.values, 0, columns.length);
    return true;
  }
}
