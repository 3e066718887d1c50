/** An instant answer as a table: a column a label, the value last. Headings sort. */
import { useSignal } from "@preact/signals";
import type { Answer, AnswerSeries } from "./model/answer.ts";
import { listLabelNames } from "./model/labels.ts";
import { measureOf } from "./model/measure.ts";
import { formatExact, formatShort, type Unit } from "./model/number-format.ts";
import { formatTime } from "./model/time-format.ts";

const ROWS_SHOWN = 500;
/** Of a range of raw samples (`m[5m]`), the last ones. */
const SAMPLES_SHOWN = 100;
const VALUE = Symbol("value");

type Column = string | typeof VALUE;

interface Order {
  readonly column: Column;
  readonly direction: 1 | -1;
}

export function Table({ query, answer }: { query: string; answer: Answer }) {
  /** Null is the server's own order, which `sort_desc()` and its like have made. */
  const order = useSignal<Order | null>(null);
  const isAllShown = useSignal(false);
  const names = listLabelNames(answer.series.map(({ labels }) => labels));
  const { unit } = measureOf(
    query,
    answer.series.map(({ labels }) => labels),
  );
  const sorted = order.value === null ? answer.series : sortSeries(answer.series, order.value);
  const shown = isAllShown.value ? sorted : sorted.slice(0, ROWS_SHOWN);
  const sortBy = (column: Column) => {
    const isSame = order.value?.column === column;
    const first = column === VALUE ? -1 : 1;
    if (isSame && order.value?.direction !== first) order.value = null;
    else order.value = { column, direction: isSame ? (-first as 1 | -1) : first };
  };
  const heading = (column: Column, title: string, className: string) => {
    const direction = order.value?.column === column ? order.value.direction : 0;
    const arrow = direction === 1 ? " ↑" : direction === -1 ? " ↓" : "";
    return (
      <th
        key={title}
        scope="col"
        class={className}
        aria-sort={direction === 1 ? "ascending" : direction === -1 ? "descending" : "none"}
      >
        <button type="button" onClick={() => sortBy(column)}>
          {title}
          {arrow}
        </button>
      </th>
    );
  };
  return (
    <div class="table-wrap">
      <table class="table">
        <thead>
          <tr>
            {names.map((name) => heading(name, name === "__name__" ? "metric" : name, ""))}
            {heading(VALUE, "value", "value")}
          </tr>
        </thead>
        <tbody>
          {shown.map((series, i) => (
            // Rows have no identity of their own: they are redrawn whole.
            <Row key={i} series={series} names={names} unit={unit} />
          ))}
        </tbody>
      </table>
      {sorted.length > shown.length && (
        <p class="more">
          {shown.length} of {formatExact(sorted.length)} rows.{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              isAllShown.value = true;
            }}
          >
            Show all
          </button>
        </p>
      )}
    </div>
  );
}

function Row({ series, names, unit }: { series: AnswerSeries; names: readonly string[]; unit: Unit }) {
  const own = new Map(series.labels);
  return (
    <tr>
      {names.map((name) => (
        <td key={name}>{own.get(name) ?? ""}</td>
      ))}
      <td class="value">
        {series.values.length === 1 ? (
          <Value value={series.values[0] as number} unit={unit} />
        ) : (
          <Samples series={series} />
        )}
      </td>
    </tr>
  );
}

function Value({ value, unit }: { value: number; unit: Unit }) {
  return (
    <>
      {((unit === "bytes" && Math.abs(value) >= 1024) || unit === "seconds") && (
        <span class="hint">{formatShort(value, unit)} </span>
      )}
      {formatExact(value)}
    </>
  );
}

function Samples({ series }: { series: AnswerSeries }) {
  const { timestamps, values } = series;
  const from = Math.max(0, values.length - SAMPLES_SHOWN);
  return (
    <ol class="samples">
      {from > 0 && <li class="hint">{from} earlier samples</li>}
      {Array.from(values.subarray(from), (value, i) => (
        <li key={timestamps[from + i]}>
          {formatExact(value)} <span class="hint">at {formatTime(timestamps[from + i] as number)}</span>
        </li>
      ))}
    </ol>
  );
}

function sortSeries(series: readonly AnswerSeries[], { column, direction }: Order): AnswerSeries[] {
  const collator = new Intl.Collator(undefined, { numeric: true });
  const keyed = series.map((one) => ({
    one,
    value: one.values.at(-1) ?? Number.NaN,
    text: column === VALUE ? "" : (one.labels.find(([label]) => label === column)?.[1] ?? ""),
  }));
  keyed.sort((a, b) => {
    if (column !== VALUE) return direction * collator.compare(a.text, b.text);
    // NaN stays last in both directions.
    if (Number.isNaN(a.value) || Number.isNaN(b.value))
      return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
    return direction * (a.value - b.value);
  });
  return keyed.map(({ one }) => one);
}
