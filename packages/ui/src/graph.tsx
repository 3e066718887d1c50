/** A range answer as lines, with a legend below that picks some of them. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Legend } from "./legend.tsx";
import { Lines } from "./lines.tsx";
import type { Answer } from "./model/answer.ts";
import { formatLabels } from "./model/labels.ts";
import { measureOf } from "./model/measure.ts";
import { formatExact } from "./model/number-format.ts";
import type { Interval } from "./model/time-range.ts";

/** More lines than this are seldom wanted and slow to draw. */
const LINES_SHOWN = 100;

export interface GraphProps {
  readonly query: string;
  readonly answer: Answer;
  readonly interval: Interval;
  readonly stepMs: number;
}

export function Graph({ query, answer, interval, stepMs }: GraphProps) {
  const isAllShown = useSignal(false);
  /** Lines the reader has picked, by their labels, so that a refresh keeps them; null is all. */
  const picked = useSignal<ReadonlySet<string> | null>(null);
  const marked = useSignal<number | null>(null);

  const series = useMemo(
    () => (isAllShown.value ? answer.series : answer.series.slice(0, LINES_SHOWN)),
    [answer, isAllShown.value],
  );
  const keys = useMemo(() => series.map(({ labels }) => formatLabels(labels)), [series]);
  const measure = useMemo(
    () =>
      measureOf(
        query,
        answer.series.map(({ labels }) => labels),
      ),
    [answer],
  );
  // What was picked in another answer says nothing about this one.
  const isPicked = (key: string) => picked.value === null || picked.value.has(key);
  const isShown = keys.some(isPicked) ? keys.map(isPicked) : keys.map(() => true);

  const pick = (key: string, isToggle: boolean) => {
    const now = new Set(keys.filter((_, i) => isShown[i]));
    if (isToggle) {
      if (!now.delete(key)) now.add(key);
      picked.value = now.size === 0 || now.size === keys.length ? null : now;
    } else picked.value = now.size === 1 && now.has(key) ? null : new Set([key]);
  };

  return (
    <>
      <Lines
        series={series}
        interval={interval}
        stepMs={stepMs}
        measure={measure}
        label={`Graph of ${series.length} series; the tab Table has the values`}
        isShown={isShown}
        marked={marked.value}
      />
      <Legend
        series={series}
        isShown={isShown}
        unit={measure.unit}
        onPick={(i, isToggle) => pick(keys[i] as string, isToggle)}
        onPoint={(i) => {
          marked.value = i;
        }}
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
