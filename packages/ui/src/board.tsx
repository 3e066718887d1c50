/**
 * Several graphs over one time range, each a card: what it shows, the lines, and which is which in as few words as do. A title leads
 * to its query alone, where everything else is.
 */
import type { TargetedMouseEvent } from "preact";
import { useMemo } from "preact/hooks";
import { Lines } from "./lines.tsx";
import { formatAddress } from "./model/address.ts";
import type { AnswerSeries } from "./model/answer.ts";
import { shortNames } from "./model/labels.ts";
import { type Measure, measureOf } from "./model/measure.ts";
import { formatShort } from "./model/number-format.ts";
import { type BoardGraph, viewAlone } from "./model/view.ts";
import { colorOf } from "./palette.ts";
import { type Outcome, outcomes, show, view } from "./state.ts";

/** A card is small: more lines say nothing in it. Alone the query has all of them. */
const LINES_SHOWN = 20;
const NAMES_SHOWN = 8;

export function Board() {
  return (
    <section class="board" aria-label="Graphs">
      {view.value.board.map((graph, i) => (
        <Card key={`${i} ${graph.query}`} graph={graph} outcome={outcomes.value[i]} />
      ))}
    </section>
  );
}

interface CardProps {
  readonly graph: BoardGraph;
  readonly outcome: Outcome | undefined;
}

function Card({ graph, outcome }: CardProps) {
  const alone = viewAlone(view.value, graph.query);
  const open = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    // A new tab or window is the browser's business.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(alone);
  };
  const title = graph.title === "" ? graph.query : graph.title;
  const shown = outcome === undefined || outcome.kind === "none" || outcome.query !== graph.query ? null : outcome;
  const found = shown?.kind === "reply" ? shown.reply.answer.series : [];
  const series = useMemo(() => found.slice(0, LINES_SHOWN), [shown]);
  const measure = useMemo(
    () =>
      measureOf(
        graph.query,
        series.map(({ labels }) => labels),
      ),
    [series],
  );
  return (
    <article class="card graph-card">
      <header>
        <h2>
          <a class="graph-link" href={formatAddress(alone)} title={graph.query} onClick={open}>
            {title}
          </a>
        </h2>
        {found.length === 1 && <LastValue series={found[0] as AnswerSeries} measure={measure} />}
        {found.length > 1 && <span class="hint">{measure.noun}</span>}
      </header>
      {shown === null ? (
        <p class="card-note">Loading…</p>
      ) : shown.kind === "error" ? (
        <p class="card-note bad" role="alert">
          {shown.error.title}: {shown.error.message}
        </p>
      ) : series.length === 0 ? (
        <p class="card-note">No data yet</p>
      ) : (
        <Lines
          series={series}
          interval={shown.interval}
          stepMs={shown.stepMs}
          measure={measure}
          label={`Graph of ${found.length} series: ${title}`}
        />
      )}
      {found.length > 1 && <Names series={series} hidden={found.length - NAMES_SHOWN} measure={measure} />}
    </article>
  );
}

function LastValue({ series, measure }: { series: AnswerSeries; measure: Measure }) {
  return (
    <strong class="last">
      {formatShort(series.values.at(-1) ?? Number.NaN, measure.unit)} {measure.noun}
    </strong>
  );
}

interface NamesProps {
  readonly series: readonly AnswerSeries[];
  /** How many more there are than are named. */
  readonly hidden: number;
  readonly measure: Measure;
}

function Names({ series, hidden, measure }: NamesProps) {
  const names = shortNames(series.map(({ labels }) => labels));
  return (
    <ul class="line-names">
      {series.slice(0, NAMES_SHOWN).map(({ values }, i) => (
        <li key={names[i]}>
          <span class="swatch" style={{ background: colorOf(i) }} />
          <span class="line-name">{names[i] === "" ? "(none)" : names[i]}</span>{" "}
          <span class="hint">{formatShort(values.at(-1) ?? Number.NaN, measure.unit)}</span>
        </li>
      ))}
      {hidden > 0 && <li class="hint">and {hidden} more</li>}
    </ul>
  );
}
