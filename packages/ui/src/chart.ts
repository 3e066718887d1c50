/**
 * uPlot, and what of it the graph uses: lines over time, the nearest point under the cursor, a drag that chooses a range.
 * uPlot's own legend is off: ours is graph.tsx's.
 */
import uPlot from "uplot";
import type { Grid } from "./model/answer.ts";
import { formatTick, type Unit } from "./model/number-format.ts";
import { formatTimeTicks } from "./model/time-format.ts";
import type { Interval } from "./model/time-range.ts";
import type { Theme } from "./theme.ts";

export interface Drawing {
  readonly grid: Grid;
  readonly interval: Interval;
  /** One a column. */
  readonly colors: readonly string[];
  readonly isShown: readonly boolean[];
  readonly unit: Unit;
  readonly theme: Theme;
}

/** The point nearest to the cursor; `left` and `top` in pixels from the chart's corner. */
export interface Hover {
  readonly column: number;
  readonly ms: number;
  readonly value: number;
  readonly left: number;
  readonly top: number;
  /** Width of the chart, to know on which side there is room. */
  readonly width: number;
}

export interface ChartEvents {
  onHover(hover: Hover | null): void;
  onSelect(interval: Interval): void;
  onDoubleClick(): void;
}

/** Narrower drags are clicks. */
const DRAG_PIXELS_MIN = 5;
/** Distances of ticks people can count by. From a day on uPlot puts them on midnights by itself. */
const TIME_GAPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map((seconds) => seconds * 1000),
  ...[1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 96, 168, 336, 672].map((hours) => hours * 3_600_000),
];
const SECOND_GAPS = [
  ...Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** (power - 9))).flat(),
  ...[10, 15, 30, 60, 120, 300, 600, 900, 1800].concat([1, 2, 3, 6, 12, 24].map((hours) => hours * 3600)),
  ...Array.from({ length: 7 }, (_, power) => [2, 5, 10].map((digit) => digit * 86_400 * 10 ** power)).flat(),
];
const BYTE_GAPS = Array.from({ length: 64 }, (_, power) => 2 ** (power - 4));

export class Chart {
  readonly #host: HTMLElement;
  readonly #events: ChartEvents;
  readonly #resizes: ResizeObserver;
  #plot: uPlot | null = null;
  #drawing: Drawing | null = null;

  constructor(host: HTMLElement, events: ChartEvents) {
    this.#host = host;
    this.#events = events;
    this.#resizes = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    this.#resizes.observe(host);
  }

  draw(drawing: Drawing): void {
    const before = this.#drawing;
    this.#drawing = drawing;
    const data = toPlotData(drawing.grid);
    const isSameShape =
      before !== null &&
      before.theme === drawing.theme &&
      before.unit === drawing.unit &&
      before.colors.length === drawing.colors.length;
    if (this.#plot !== null && isSameShape) {
      // Kept, so that a refresh disturbs neither the tooltip nor a drag that is under way.
      this.#plot.batch((plot: uPlot) => {
        drawing.isShown.forEach((show, i) => {
          if (plot.series[i + 1]?.show !== show) plot.setSeries(i + 1, { show });
        });
        plot.setData(data);
      });
      return;
    }
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(drawing), data, this.#host);
  }

  /** Makes one line stand out; null ends it. */
  highlight(column: number | null): void {
    const plot = this.#plot;
    if (plot === null) return;
    // Public in uPlot, missing in its types.
    (plot as uPlot & { focus: uPlot.Focus }).focus.alpha = column === null ? 1 : 0.2;
    plot.setSeries(column === null ? null : column + 1, { focus: column !== null });
  }

  close(): void {
    this.#resizes.disconnect();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(100, this.#host.clientWidth), height: Math.max(100, this.#host.clientHeight) };
  }

  #options({ colors, isShown, unit, theme }: Drawing): uPlot.Options {
    const line = { stroke: theme.grid, width: 1 };
    const axis = { stroke: theme.text, font: theme.font, grid: line, ticks: { ...line, size: 6 } };
    const isAlone = colors.length === 1;
    return {
      ...this.#size(),
      ms: 1,
      legend: { show: false },
      focus: { alpha: 1 },
      padding: [12, 30, 0, 4],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: DRAG_PIXELS_MIN },
        focus: { prox: 1e6 },
        points: { one: true, size: 9, width: 2 },
        bind: {
          dblclick: () => () => {
            this.#events.onDoubleClick();
            return null;
          },
        },
      },
      scales: { x: { time: true, range: () => this.#xRange() } },
      axes: [
        { ...axis, size: 42, space: 72, incrs: TIME_GAPS_MS, values: (_plot, ticks) => formatTimeTicks(ticks) },
        {
          ...axis,
          size: fitAxis,
          ...(unit === "number" ? {} : { incrs: unit === "bytes" ? BYTE_GAPS : SECOND_GAPS }),
          values: (_plot, ticks, _axis, _space, gap) => ticks.map((tick) => formatTick(tick, gap, unit)),
        },
      ],
      series: [
        {},
        ...colors.map(
          (color, i): uPlot.Series => ({
            show: isShown[i] ?? true,
            stroke: color,
            width: 1.5,
            ...(isAlone ? { fill: (plot: uPlot) => fadeDown(plot, color) } : {}),
            points: { size: 4, fill: color, filter: listLonePoints },
          }),
        ),
      ],
      hooks: {
        setCursor: [(plot) => this.#events.onHover(this.#findHover(plot))],
        setSelect: [(plot) => this.#select(plot)],
      },
    };
  }

  #xRange(): [number, number] {
    const { fromMs, toMs } = (this.#drawing as Drawing).interval;
    return [fromMs, Math.max(toMs, fromMs + 1)];
  }

  #findHover(plot: uPlot): Hover | null {
    const { idx, left = -1, top = -1 } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) return null;
    let nearest: Hover | null = null;
    let distance = Number.POSITIVE_INFINITY;
    for (let i = 1; i < plot.data.length; i++) {
      const value = plot.data[i]?.[idx];
      if (value === null || value === undefined || plot.series[i]?.show !== true) continue;
      const valueTop = plot.valToPos(value, "y");
      if (Math.abs(valueTop - top) >= distance) continue;
      distance = Math.abs(valueTop - top);
      const ms = plot.data[0][idx] as number;
      nearest = {
        column: i - 1,
        ms,
        value,
        left: plot.over.offsetLeft + plot.valToPos(ms, "x"),
        top: plot.over.offsetTop + valueTop,
        width: plot.width,
      };
    }
    return nearest;
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < DRAG_PIXELS_MIN) return;
    const fromMs = Math.floor(plot.posToVal(left, "x"));
    const toMs = Math.ceil(plot.posToVal(left + width, "x"));
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#events.onSelect({ fromMs, toMs: Math.max(toMs, fromMs + 1000) });
  }
}

/** Fades out towards the bottom: an even area would claim that the bottom is zero. */
function fadeDown({ ctx, bbox }: uPlot, color: string): CanvasGradient {
  const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
  gradient.addColorStop(0, `${color}38`);
  gradient.addColorStop(1, `${color}00`);
  return gradient;
}

/** uPlot's word for "no point" is null. Infinities have no place on a scale. */
function toPlotData({ timestamps, columns }: Grid): uPlot.AlignedData {
  const lines = columns.map((column) => Array.from(column, (value) => (Number.isFinite(value) ? value : null)));
  return [timestamps as unknown as number[], ...lines];
}

/** A point between two gaps is no line and would not be seen. */
function listLonePoints(plot: uPlot, seriesIndex: number, isEachShown: boolean): number[] | null {
  if (isEachShown) return null;
  const values = plot.data[seriesIndex] as readonly (number | null)[];
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null) found.push(i);
  }
  return found;
}

/** As wide as the longest label. From the second round on the size stays, or the layout would never settle. */
function fitAxis(plot: uPlot, labels: string[] | null, axisIndex: number, round: number): number {
  const axis = plot.axes[axisIndex] as uPlot.Axis & { _size?: number; font?: [string] };
  if (round > 1) return axis._size ?? 60;
  const longest = (labels ?? []).reduce((longer, label) => (label.length > longer.length ? label : longer), "");
  plot.ctx.font = axis.font?.[0] ?? "12px sans-serif";
  return Math.ceil(plot.ctx.measureText(longest).width / devicePixelRatio) + 16;
}
