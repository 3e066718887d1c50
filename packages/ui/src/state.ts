/**
 * The page's state, as signals, and what changes it. `view` is what is shown and what the address says; `draft` is the text
 * in the box, which becomes the view's query when it is run.
 *
 *     typing ─→ draft ─ run ─→ view ─→ address
 *     back button, opened link ─→ view ─→ ask the server ─→ outcomes ─→ graph, table, json; or the graphs of a board
 */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { QueryError, queryInstant, queryRange, type Reply } from "./api.ts";
import { formatAddress, parseAddress } from "./model/address.ts";
import { parseDurationMs } from "./model/duration.ts";
import { FIRST_VIEW } from "./model/presets.ts";
import { alignInterval, chooseStepMs, type Interval, resolveRange } from "./model/time-range.ts";
import { queriesOf, type View } from "./model/view.ts";

/** What came of the last run of a query. `view` is the one it was run for. */
export type Outcome =
  | { readonly kind: "none" }
  | { readonly kind: "error"; readonly view: View; readonly query: string; readonly error: QueryError }
  | {
      readonly kind: "reply";
      readonly view: View;
      readonly query: string;
      readonly reply: Reply;
      readonly interval: Interval;
      readonly stepMs: number;
    };

export const view: Signal<View> = signal(FIRST_VIEW);
export const draft: Signal<string> = signal("");
/** One a query of the view, each set as its answer comes. */
export const outcomes: Signal<readonly Outcome[]> = signal([]);
/** That of the ordinary view, which has one query. */
export const outcome: ReadonlySignal<Outcome> = computed(() => outcomes.value[0] ?? NONE);
export const isLoading: Signal<boolean> = signal(false);

const NONE: Outcome = { kind: "none" };

let running: AbortController | null = null;

/** Shows another view: writes the address (a new entry of the history) and asks the server. */
export function show(change: Partial<View>): void {
  const next = { ...view.value, ...change };
  const address = formatAddress(next);
  if (address !== location.hash) history.pushState(null, "", address);
  apply(next);
}

/** Runs what is in the box. */
export function runDraft(): void {
  show({ query: draft.value.trim() });
}

/** Starts the page: view from the address, later changes of it followed, automatic runs. */
export function start(): void {
  addEventListener("popstate", () => apply(parseAddress(location.hash, FIRST_VIEW)));
  apply(parseAddress(location.hash, FIRST_VIEW));
  let timer: ReturnType<typeof setInterval> | undefined;
  effect(() => {
    const { refreshMs } = view.value;
    clearInterval(timer);
    if (refreshMs > 0) timer = setInterval(refresh, refreshMs);
  });
  document.addEventListener("visibilitychange", refresh);
}

/** Asks again for the same view, if time moves in it and somebody looks. */
function refresh(): void {
  const { range, refreshMs } = view.peek();
  if (refreshMs === 0 || range.kind === "fixed") return;
  if (!document.hidden && !isLoading.peek()) void run();
}

function apply(next: View): void {
  batch(() => {
    draft.value = next.query;
    view.value = next;
  });
  void run();
}

/** Asks the server for the view. A later run makes an earlier one void. */
async function run(): Promise<void> {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  const asked = view.peek();
  const queries = queriesOf(asked);
  const nowMs = Date.now();
  isLoading.value = true;
  // What is no longer asked for is forgotten; what is, stays on view until its answer comes.
  outcomes.value = outcomes.peek().slice(0, queries.length);
  const askOne = async (query: string, i: number): Promise<void> => {
    const next = query === "" ? NONE : await ask(asked, query, nowMs, controller.signal);
    if (controller.signal.aborted) return;
    const before = outcomes.peek();
    outcomes.value = queries.map((_, at) => (at === i ? next : (before[at] ?? NONE)));
  };
  await Promise.all(queries.map(askOne));
  if (!controller.signal.aborted) isLoading.value = false;
}

async function ask(asked: View, query: string, nowMs: number, signal: AbortSignal): Promise<Outcome> {
  try {
    const wanted = resolveRange(asked.range, nowMs);
    const stepMs = readStep(asked, wanted);
    const interval = alignInterval(wanted, stepMs);
    const reply =
      asked.tab === "graph" || asked.board.length > 0
        ? await queryRange(query, interval, stepMs, signal)
        : await queryInstant(query, wanted.toMs, asked.step === "" ? null : stepMs, signal);
    return { kind: "reply", view: asked, query, reply, interval, stepMs };
  } catch (error) {
    const known = error instanceof QueryError ? error : new QueryError("The page failed", String(error));
    return { kind: "error", view: asked, query, error: known };
  }
}

function readStep(asked: View, { fromMs, toMs }: Interval): number {
  if (asked.step === "") return chooseStepMs(toMs - fromMs);
  const stepMs = parseDurationMs(asked.step);
  if (stepMs !== null) return stepMs;
  throw new QueryError(
    "The step was not understood",
    `step: want a duration such as 15s or 1h30m, got ${JSON.stringify(asked.step)}`,
  );
}
