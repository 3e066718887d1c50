/**
 * The page's state, as signals, and what changes it. `view` is what is shown and what the address says; `draft` is the text
 * in the box, which becomes the view's query when it is run.
 *
 *     typing ─→ draft ─ run ─→ view ─→ address
 *     back button, opened link ─→ view ─→ ask the server ─→ outcome ─→ graph, table, json
 */
import { batch, effect, type Signal, signal } from "@preact/signals";
import { QueryError, queryInstant, queryRange, type Reply } from "./api.ts";
import { formatAddress, parseAddress } from "./model/address.ts";
import { parseDurationMs } from "./model/duration.ts";
import { FIRST_VIEW } from "./model/presets.ts";
import { alignInterval, chooseStepMs, type Interval, resolveRange } from "./model/time-range.ts";
import type { View } from "./model/view.ts";

/** What came of the last run. `view` is the one it was run for. */
export type Outcome =
  | { readonly kind: "none" }
  | { readonly kind: "error"; readonly view: View; readonly error: QueryError }
  | {
      readonly kind: "reply";
      readonly view: View;
      readonly reply: Reply;
      readonly interval: Interval;
      readonly stepMs: number;
    };

export const view: Signal<View> = signal(FIRST_VIEW);
export const draft: Signal<string> = signal("");
export const outcome: Signal<Outcome> = signal({ kind: "none" });
export const isLoading: Signal<boolean> = signal(false);

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
  const { range, refreshMs, query } = view.peek();
  if (refreshMs === 0 || range.kind === "fixed" || query === "") return;
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
  if (asked.query === "") {
    batch(() => {
      outcome.value = { kind: "none" };
      isLoading.value = false;
    });
    return;
  }
  isLoading.value = true;
  const next = await ask(asked, controller.signal);
  if (controller.signal.aborted) return;
  batch(() => {
    outcome.value = next;
    isLoading.value = false;
  });
}

async function ask(asked: View, signal: AbortSignal): Promise<Outcome> {
  try {
    const wanted = resolveRange(asked.range, Date.now());
    const stepMs = readStep(asked, wanted);
    const interval = alignInterval(wanted, stepMs);
    const reply =
      asked.tab === "graph"
        ? await queryRange(asked.query, interval, stepMs, signal)
        : await queryInstant(asked.query, wanted.toMs, asked.step === "" ? null : stepMs, signal);
    return { kind: "reply", view: asked, reply, interval, stepMs };
  } catch (error) {
    const known = error instanceof QueryError ? error : new QueryError("The page failed", String(error));
    return { kind: "error", view: asked, error: known };
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
