/** A range answer as lines, with a tooltip at the nearest point and a legend below. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Chart, type Hover } from "./chart.ts";
import { Legend } from "./legend.tsx";
import { type Answer, type AnswerSeries, layOnGrid } from "./model/answer.ts";
import { formatLabels } from "./model/labels.ts";
import { chooseUnit, formatExact, formatShort, type Unit } from "./model/number-format.ts";
import { formatTime } from "./model/time-format.ts";
import { type Interval, widenRange } from "./model/time-range.ts";
import { colorOf } from "./palette.ts";
import { show, view } from "./state.ts";
import { theme } from "./theme.ts";

/** More lines than this are seldom wanted and slow to draw. */
const LINES_SHOWN = 100;

export function Graph({ answer, interval, stepMs }: { answer: Answer; interval: Interval; stepMs: number }) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const hover = useSignal<Hover | null>(null);
  const isAllShown = useSignal(false);
  /** Lines the reader has picked, by their labels, so that a refresh keeps them; null is all. */
  const picked = useSignal<ReadonlySet<string> | null>(null);

  const series = isAllShown.value ? answer.series : answer.series.slice(0, LINES_SHOWN);
  const keys = useMemo(() => series.map(({ labels }) => formatLabels(labels)), [series.length, answer]);
  const grid = useMemo(() => layOnGrid(series, interval, stepMs), [series.length, answer]);
  const unit = useMemo(
    () => chooseUnit(answer.series.map(({ labels }) => labels.find(([label]) => label === "__name__")?.[1] ?? "")),
    [answer],
  );
  // What was picked in another answer says nothing about this one.
  const isPicked = (key: string) => picked.value === null || picked.value.has(key);
  const isShown = keys.some(isPicked) ? keys.map(isPicked) : keys.map(() => true);

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
  useEffect(() => {
    chart.current?.draw({ grid, interval, colors: series.map((_, i) => colorOf(i)), isShown, unit, theme: drawn });
  }, [grid, unit, drawn, picked.value]);

  const pick = (key: string, isToggle: boolean) => {
    const now = new Set(keys.filter((_, i) => isShown[i]));
    if (isToggle) {
      if (!now.delete(key)) now.add(key);
      picked.value = now.size === 0 || now.size === keys.length ? null : now;
    } else picked.value = now.size === 1 && now.has(key) ? null : new Set([key]);
  };

  return (
    <>
      <div class="chart">
        <div
          class="chart-host"
          ref={host}
          role="img"
          aria-label={`Graph of ${series.length} series; the tab Table has the values`}
        />
        <Tooltip hover={hover} series={series} unit={unit} />
      </div>
      <Legend
        series={series}
        isShown={isShown}
        unit={unit}
        onPick={(i, isToggle) => pick(keys[i] as string, isToggle)}
        onPoint={(i) => chart.current?.highlight(i)}
      />
      {answer.series.length > series.length && (
        <p class="more">
          {series.length} of {formatExact(answer.series.length)} series are drawn.{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              isAllShown.value = true;
            }}
          >
            Draw all
          </button>
        </p>
      )}
    </>
  );
}

interface TooltipProps {
  readonly hover: { readonly value: Hover | null };
  readonly series: readonly AnswerSeries[];
  readonly unit: Unit;
}

function Tooltip({ hover, series, unit }: TooltipProps) {
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
            {formatShort(value.value, unit)}
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
