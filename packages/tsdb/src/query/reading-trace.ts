/**
 * The steps of a selector in a trace: search, reading, and what is done with the samples. Reading and work take turns, batch by batch, so
 * their times are added up here; pauses for the event loop belong to neither.
 *
 *   search ─found─▸ next() ─read─▸ work ─worked─▸ next() ─read─▸ work ─worked─▸ … ─end
 */
import type { FilterGroups } from "../base/label-filter.ts";
import type { EvalContext, QueryRun } from "./context.ts";
import type { SampleCursor } from "./source.ts";
import { printGroups, printTimeRange, type QueryTrace } from "./trace.ts";

export class ReadingTrace {
  readonly #trace: QueryTrace;
  readonly #run: QueryRun;
  readonly #search: QueryTrace;
  #atMs = 0;
  #pausedMs = 0;
  #readMs = 0;
  #workMs = 0;
  #samples = 0;
  #series = 0;

  constructor(trace: QueryTrace, run: QueryRun, groups: FilterGroups, minMs: number, maxMs: number) {
    this.#trace = trace;
    this.#run = run;
    this.#search = trace.begin(
      `search the index: ${trace.text(() => printGroups(groups))}, timeRange=${printTimeRange(minMs, maxMs)}`,
    );
  }

  found(seriesCount: number): void {
    this.#search.end(`series=${seriesCount}`);
    this.#mark();
  }

  /** A batch has come. */
  read(series: number, samples: number): void {
    this.#readMs += this.#mark();
    this.#series += series;
    this.#samples += samples;
  }

  /** A batch is done with. */
  worked(): void {
    this.#workMs += this.#mark();
  }

  /** The last batch has been read. `work` says what was done with the samples. */
  end({ bytesRead }: SampleCursor, work: string): void {
    this.#readMs += this.#mark();
    const samples = `series=${this.#series}, samples=${this.#samples}`;
    this.#trace.add(
      `read samples: ${samples}${bytesRead === undefined ? "" : `, bytes=${bytesRead}`}, bytesUnpacked=${16 * this.#samples}`,
      this.#readMs,
    );
    this.#trace.add(`${work}: ${samples}`, this.#workMs);
  }

  /** Time since the last mark, without pauses. */
  #mark(): number {
    const nowMs = performance.now();
    const spentMs = nowMs - this.#atMs - (this.#run.pausedMs - this.#pausedMs);
    this.#atMs = nowMs;
    this.#pausedMs = this.#run.pausedMs;
    return spentMs;
  }
}

/** Null if nobody asked for a trace. */
export function traceReading(
  { run, trace }: Pick<EvalContext, "run" | "trace">,
  groups: FilterGroups,
  minMs: number,
  maxMs: number,
): ReadingTrace | null {
  return trace === null ? null : new ReadingTrace(trace, run, groups, minMs, maxMs);
}
