/** The query: a box that grows, names of metrics offered while typing, and queries to begin with. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { listMetricNames } from "./api.ts";
import { type Completion, completeName } from "./model/completion.ts";
import { BOARDS, PRESETS } from "./model/presets.ts";
import { draft, runDraft, show, view } from "./state.ts";

const NAMES_FRESH_MS = 60_000;

export function QueryBox() {
  const box = useRef<HTMLTextAreaElement>(null);
  const names = useRef<{ list: string[]; readMs: number }>({ list: [], readMs: 0 });
  const completion = useSignal<Completion | null>(null);
  /** Index of the marked name; -1 until an arrow key marks one, so that Enter runs the query unless asked otherwise. */
  const marked = useSignal(-1);

  const loadNames = async () => {
    if (Date.now() - names.current.readMs < NAMES_FRESH_MS) return;
    names.current = { list: names.current.list, readMs: Date.now() };
    names.current.list = await listMetricNames();
  };
  const close = () => {
    completion.value = null;
    marked.value = -1;
  };
  const offer = () => {
    const { current } = box;
    if (current === null) return;
    completion.value = completeName(current.value, current.selectionStart, names.current.list);
    marked.value = -1;
  };
  const accept = (name: string) => {
    const found = completion.value;
    const { current } = box;
    if (found === null || current === null) return;
    current.setRangeText(name, found.lo, found.hi, "end");
    draft.value = current.value;
    close();
    current.focus();
  };
  const run = () => {
    close();
    runDraft();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const found = completion.value;
    const move = (by: number, count: number) => {
      marked.value = (Math.max(marked.value, by > 0 ? -1 : 0) + by + count) % count;
    };
    if (event.isComposing) return;
    if (found !== null && event.key === "ArrowDown") move(1, found.names.length);
    else if (found !== null && event.key === "ArrowUp") move(-1, found.names.length);
    else if (found !== null && event.key === "Escape") close();
    else if (found !== null && marked.value >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      accept(found.names[marked.value] as string);
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) run();
    else return;
    event.preventDefault();
  };

  const lines = draft.value.split("\n").length;
  return (
    <section class="card query" aria-label="Query">
      <div class="query-line">
        <div class="query-box">
          <textarea
            id="query"
            ref={box}
            rows={Math.min(10, lines)}
            value={draft.value}
            placeholder="A MetricsQL query, such as rate(http_requests_total[5m])"
            aria-label="Query"
            aria-autocomplete="list"
            aria-controls="names"
            aria-activedescendant={marked.value >= 0 ? `name-${marked.value}` : undefined}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onFocus={() => void loadNames()}
            onBlur={close}
            onInput={(event) => {
              draft.value = event.currentTarget.value;
              void loadNames();
              offer();
            }}
            onKeyDown={onKeyDown}
          />
          {completion.value !== null && (
            <div id="names" class="names" role="listbox" aria-label="Metric names">
              {completion.value.names.map((name, i) => (
                <div
                  key={name}
                  id={`name-${i}`}
                  class="name"
                  role="option"
                  tabIndex={-1}
                  aria-selected={i === marked.value}
                  onMouseDown={(event) => {
                    // Before the blur that would close the list.
                    event.preventDefault();
                    accept(name);
                  }}
                >
                  {name}
                </div>
              ))}
            </div>
          )}
        </div>
        <button type="button" id="run" class="run" title="Enter; Shift+Enter for a new line" onClick={run}>
          Run
        </button>
      </div>
      <Presets />
    </section>
  );
}

function Presets() {
  const { query } = view.value;
  return (
    <nav class="presets" aria-label="Examples">
      <span class="hint">Try</span>
      {PRESETS.map((preset) => (
        <button
          key={preset.title}
          type="button"
          class="preset"
          aria-pressed={preset.query === query}
          onClick={() => show({ query: preset.query, tab: preset.tab })}
        >
          {preset.title}
        </button>
      ))}
      <span class="hint boards">All graphs of</span>
      {BOARDS.map(({ id, title, graphs }) => (
        <button
          key={id}
          type="button"
          class="link"
          onClick={() => show({ query: graphs[0]?.query ?? "", board: graphs })}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}
