/** What came of the query, in three forms; or why nothing came. */
import { ErrorNote } from "./error-note.tsx";
import { Graph } from "./graph.tsx";
import { JsonView } from "./json-view.tsx";
import { formatExact } from "./model/number-format.ts";
import { TABS, type Tab } from "./model/view.ts";
import { isLoading, type Outcome, outcome, show, view } from "./state.ts";
import { Table } from "./table.tsx";

const TITLES: ReadonlyMap<Tab, string> = new Map([
  ["graph", "Graph"],
  ["table", "Table"],
  ["json", "JSON"],
]);

export function Result() {
  const { tab } = view.value;
  return (
    <section class="card result" aria-label="Result" aria-busy={isLoading.value}>
      <div class={isLoading.value ? "progress on" : "progress"} />
      <div class="result-head">
        <Tabs />
        <Stats />
      </div>
      <div id="panel" class="panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        <Panel tab={tab} shown={outcome.value} />
      </div>
    </section>
  );
}

function Tabs() {
  const { tab } = view.value;
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    const next = TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length] as Tab;
    show({ tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Form of the result">
      {TABS.map((name) => (
        <button
          key={name}
          id={`tab-${name}`}
          type="button"
          role="tab"
          aria-selected={name === tab}
          aria-controls="panel"
          tabIndex={name === tab ? 0 : -1}
          onClick={() => show({ tab: name })}
          onKeyDown={onKeyDown}
        >
          {TITLES.get(name)}
        </button>
      ))}
    </div>
  );
}

function Panel({ tab, shown }: { tab: Tab; shown: Outcome }) {
  if (shown.kind === "none") {
    return isLoading.value ? (
      <Waiting />
    ) : (
      <Note title="No query yet" text="Type one above, or take one of the examples." />
    );
  }
  if (shown.kind === "error") return <ErrorNote query={shown.query} error={shown.error} />;
  // The answer of another tab has another shape.
  if (shown.view.tab !== tab) return <Waiting />;
  const { answer, body, address } = shown.reply;
  const warnings = [
    ...(answer.isPartial ? ["Some of the data could not be read: this answer is partial."] : []),
    ...answer.warnings,
  ];
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} class="warning" role="status">
          {warning}
        </p>
      ))}
      {tab === "json" ? (
        <JsonView body={body} address={address} />
      ) : answer.kind === "string" ? (
        <p class="text-answer">{answer.text}</p>
      ) : answer.series.length === 0 ? (
        <Empty />
      ) : tab === "graph" ? (
        <Graph query={shown.query} answer={answer} interval={shown.interval} stepMs={shown.stepMs} />
      ) : (
        <Table query={shown.query} answer={answer} />
      )}
    </>
  );
}

function Waiting() {
  return (
    <div class="note" role="status">
      <p>Loading…</p>
    </div>
  );
}

function Empty() {
  const isGraph = view.value.tab === "graph";
  return (
    <Note
      title={isGraph ? "No data in this time range" : "No data at this time"}
      text="Is the name spelled right, and do the filters match? A rate needs two samples: a server that has just started has data for it after half a minute."
    />
  );
}

function Note({ title, text }: { title: string; text: string }) {
  return (
    <div class="note" role="status">
      <h2>{title}</h2>
      <p>{text}</p>
    </div>
  );
}

function Stats() {
  const { value } = outcome;
  if (value.kind !== "reply") return null;
  const { answer, tookMs } = value.reply;
  let points = 0;
  for (const { values } of answer.series) points += values.length;
  const count = (n: number, word: string) => `${formatExact(n)} ${word}${n === 1 ? "" : "s"}`;
  return (
    <p class="stats">
      {count(answer.series.length, "series").replace("seriess", "series")} · {count(points, "point")} ·{" "}
      {Math.max(1, Math.round(tookMs))} ms
    </p>
  );
}
