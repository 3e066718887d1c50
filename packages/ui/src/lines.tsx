/** Series as lines over time, with a tooltip at the nearest point. A drag chooses the time range of the page, a double click widens it. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Chart, type Hover } from "./chart.ts";
import { type AnswerSeries, layOnGrid } from "./model/answer.ts";
import type { Measure } from "./model/measure.ts";
import { formatExact, formatShort } from "./model/number-format.ts";
import { formatTime } from "./model/time-format.ts";
import { type Interval, widenRange } from "./model/time-range.ts";
import { colorOf } from "./palette.ts";
import { show, view } from "./state.ts";
import { theme } from "./theme.ts";

export interface LinesProps {
  readonly series: readonly AnswerSeries[];
  readonly interval: Interval;
  readonly stepMs: number;
  readonly measure: Measure;
  /** For those who cannot see it. */
  readonly label: string;
  /** One a series; all if it is left out. */
  readonly isShown?: readonly boolean[];
  /** Index of the line that stands out. */
  readonly marked?: number | null;
}

export function Lines({ series, interval, stepMs, measure, label, isShown, marked = null }: LinesProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const hover = useSignal<Hover | null>(null);
  const grid = useMemo(() => layOnGrid(series, interval, stepMs), [series]);
  const { unit } = measure;

  useEffect(() => {
    chart.current = new Chart(host.current as HTMLDivElement, {
      onHover: (next) => {
        hover.value = next;
      },
      onSelect: ({ fromMs, toMs }) => show({ range: { kind: "fixed", fromMs, toMs } }),
      onDoubleClick: () => show({ range: widenRange(view.peek().range) }),
    });
    return () => chart.current?.close();
  }, []);

  const drawn = theme.value;
  const shown = isShown ?? series.map(() => true);
  useEffect(() => {
    chart.current?.draw({
      grid,
      interval,
      colors: series.map((_, i) => colorOf(i)),
      isShown: shown,
      unit,
      theme: drawn,
    });
  }, [grid, unit, drawn, shown.join()]);
  useEffect(() => chart.current?.highlight(marked), [marked]);

  return (
    <div class="chart">
      <div class="chart-host" ref={host} role="img" aria-label={label} />
      <Tooltip hover={hover} series={series} measure={measure} />
    </div>
  );
}

interface TooltipProps {
  readonly hover: { readonly value: Hover | null };
  readonly series: readonly AnswerSeries[];
  readonly measure: Measure;
}

function Tooltip({ hover, series, measure }: TooltipProps) {
  const box = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    const { value } = hover;
    const { current } = box;
    if (current === null || value === null) return;
    const isLeft = value.left > value.width / 2;
    current.style.transform = `translate(${Math.round(value.left)}px, ${Math.round(value.top)}px) translate(${isLeft ? "calc(-100% - 14px)" : "14px"}, -50%)`;
  });
  const { value } = hover;
  const hit = value === null ? undefined : series[value.column];
  return (
    <div class="tooltip" ref={box} hidden={hit === undefined} aria-hidden="true">
      {hit !== undefined && value !== null && (
        <>
          <div class="tooltip-time">{formatTime(value.ms)}</div>
          <div class="tooltip-value">
            <span class="swatch" style={{ background: colorOf(value.column) }} />
            {formatShort(value.value, measure.unit)} {measure.noun}
            <span class="hint">{formatExact(value.value)}</span>
          </div>
          <dl>
            {hit.labels.map(([label, text]) => (
              <div key={label}>
                <dt>{label === "__name__" ? "metric" : label}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </div>
  );
}
