/**
 * The lines by colour and labels. What all have in common is said once above; a row says what is its own. A click shows
 * one line alone, with Ctrl or Cmd it takes it away or adds it.
 */
import type { AnswerSeries } from "./model/answer.ts";
import { findCommonLabels, formatLabels, type Labels, omitLabels } from "./model/labels.ts";
import { formatShort, type Unit } from "./model/number-format.ts";
import { colorOf } from "./palette.ts";

export interface LegendProps {
  readonly series: readonly AnswerSeries[];
  readonly isShown: readonly boolean[];
  readonly unit: Unit;
  onPick(index: number, isToggle: boolean): void;
  /** The pointer is on a row, or has left. */
  onPoint(index: number | null): void;
}

export function Legend({ series, isShown, unit, onPick, onPoint }: LegendProps) {
  const sets = series.map(({ labels }) => labels);
  const common = findCommonLabels(sets);
  return (
    <div class="legend">
      {common.length > 0 && (
        <p class="common">
          <span class="hint">All:</span> <LabelText labels={common} />
        </p>
      )}
      <div class="legend-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">series</th>
              <th scope="col" class="wide">
                min
              </th>
              <th scope="col" class="wide">
                max
              </th>
              <th scope="col">last</th>
            </tr>
          </thead>
          <tbody>
            {series.map((one, i) => {
              const { min, max, last } = measure(one.values);
              return (
                <tr
                  key={formatLabels(one.labels)}
                  class={isShown[i] ? "" : "off"}
                  onMouseEnter={() => onPoint(i)}
                  onMouseLeave={() => onPoint(null)}
                >
                  <td>
                    <button
                      type="button"
                      class="legend-row"
                      aria-pressed={isShown[i] ?? true}
                      onClick={(event) => onPick(i, event.ctrlKey || event.metaKey)}
                    >
                      <span class="swatch" style={{ background: colorOf(i) }} />
                      <LabelText labels={omitLabels(one.labels, common)} />
                    </button>
                  </td>
                  <td class="wide">{formatShort(min, unit)}</td>
                  <td class="wide">{formatShort(max, unit)}</td>
                  <td>{formatShort(last, unit)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function LabelText({ labels }: { labels: Labels }) {
  const name = labels.find(([label]) => label === "__name__")?.[1];
  const rest = labels.filter(([label]) => label !== "__name__");
  return (
    <span class="labels">
      {name}
      {(rest.length > 0 || name === undefined) && "{"}
      {rest.map(([label, value], i) => (
        <span key={label}>
          {i > 0 && ", "}
          <span class="label-name">{label}</span>={JSON.stringify(value)}
        </span>
      ))}
      {(rest.length > 0 || name === undefined) && "}"}
    </span>
  );
}

/** NaN where there is no value. */
function measure(values: Float64Array): { min: number; max: number; last: number } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let last = Number.NaN;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    last = value;
  }
  return Number.isNaN(last) ? { min: last, max: last, last } : { min, max, last };
}
