/**
 * What a query did and where its time went, as a tree for people: VictoriaMetrics' `trace=1`.
 *
 *   eval: query=sum(rate(m[5m])), timeRange=[…], step=60000: series=1, points=61          12.1 ms
 *   ├─ search the index: {__name__="m"}, timeRange=[…]: series=1000                         1.2
 *   ├─ read samples: series=1000, samples=240000, bytes=310112                              6.1
 *   └─ rollup rate() with sum() over 1000 series: points=61000                              4.7
 *
 * A query that is not traced has null where its trace would be and pays one comparison a node: messages are put together behind
 * `trace?.begin(…)`. Steps and texts of one trace are limited, so a query made of fifty thousand nodes costs no more to tell about than
 * a large one; what is left out is counted.
 */
import type { FilterGroups } from "../base/label-filter.ts";

/** Steps of a trace, and characters of its messages together. */
const STEPS_MAX = 1000;
const CHARS_MAX = 1 << 20;
/** Of one message; longer ones are cut. */
const MESSAGE_CHARS_MAX = 2000;

/** What JSON.stringify makes of a trace; keys are VictoriaMetrics'. */
export interface TraceJson {
  readonly duration_msec: number;
  readonly message: string;
  /** Absent when there are none. */
  readonly children?: readonly TraceJson[];
}

/** What the steps of one trace share. */
interface Allowance {
  steps: number;
  chars: number;
  leftOut: number;
}

/**
 * One step and the steps it is made of. Make one, hand it to a query, print it when the query has answered or failed:
 *
 * @example
 *   const trace = new QueryTrace("sales of today");
 *   await db.query("sum(increase(sales_total[1d]))", { trace });
 *   trace.end();
 *   console.log(JSON.stringify(trace, null, 2));
 */
export class QueryTrace {
  readonly #startMs: number;
  readonly #allowance: Allowance;
  readonly #children: QueryTrace[] = [];
  readonly #isRoot: boolean;
  #message: string;
  /** -1 while it goes on. */
  #durationMs = -1;

  /** Starts the clock, or has started it `elapsedMs` ago. */
  constructor(message: string, elapsedMs = 0, allowance: Allowance | null = null) {
    this.#startMs = performance.now() - elapsedMs;
    this.#isRoot = allowance === null;
    this.#allowance = allowance ?? { steps: STEPS_MAX, chars: CHARS_MAX, leftOut: 0 };
    this.#message = this.#take(message);
  }

  /** A step within this one, which goes on until its `end`. */
  begin(message: string): QueryTrace {
    const step = new QueryTrace(message, 0, this.#allowance);
    this.#keep(step);
    return step;
  }

  /** A step that was measured elsewhere, such as one that came in many pieces. */
  add(message: string, durationMs: number): void {
    const step = new QueryTrace(message, 0, this.#allowance);
    step.#durationMs = durationMs;
    this.#keep(step);
  }

  /** Stops the clock; `outcome` is put behind the message. Only the first call counts. */
  end(outcome = ""): void {
    if (this.#durationMs >= 0) return;
    this.#durationMs = performance.now() - this.#startMs;
    if (outcome !== "") this.#message += this.#take(`: ${outcome}`);
  }

  /** The text that `print` makes, or "…" when this trace has said too much already. For texts that are dear to make. */
  text(print: () => string): string {
    return this.#allowance.chars > 0 && this.#allowance.steps > 0 ? print() : "…";
  }

  toJSON(): TraceJson {
    const children = this.#children.map((child) => child.toJSON());
    const { leftOut } = this.#allowance;
    if (this.#isRoot && leftOut > 0) children.push({ duration_msec: 0, message: `${leftOut} more steps are left out` });
    const durationMs = this.#durationMs >= 0 ? this.#durationMs : performance.now() - this.#startMs;
    return {
      duration_msec: Math.round(durationMs * 1000) / 1000,
      message: this.#message,
      ...(children.length > 0 ? { children } : {}),
    };
  }

  #keep(step: QueryTrace): void {
    if (this.#allowance.steps > 0) {
      this.#allowance.steps--;
      this.#children.push(step);
    } else this.#allowance.leftOut++;
  }

  #take(message: string): string {
    const text = message.length > MESSAGE_CHARS_MAX ? `${message.slice(0, MESSAGE_CHARS_MAX)}…` : message;
    this.#allowance.chars -= message.length;
    return text;
  }
}

/** `[2024-01-01T00:00:00.000Z..2024-01-01T01:00:00.000Z]` */
export function printTimeRange(minMs: number, maxMs: number): string {
  return `[${printTime(minMs)}..${printTime(maxMs)}]`;
}

/** What Date can say, and milliseconds before and after that. */
export function printTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms}`;
}

/** `{__name__="m",job=~"a|b" or job="c"}` */
export function printGroups(groups: FilterGroups): string {
  const alternatives = groups.map((group) =>
    group.map(({ label, op, value }) => `${label}${op}${JSON.stringify(value)}`).join(),
  );
  return `{${alternatives.join(" or ")}}`;
}

/** `series=3, points=183`: how much a step has made. */
export function printExtent(list: readonly { readonly values: Float64Array }[]): string {
  let points = 0;
  for (const { values } of list) points += values.length;
  return `series=${list.length}, points=${points}`;
}
