/** Time range, step and automatic refresh. */
import { type Signal, signal, useSignal } from "@preact/signals";
import type { TargetedEvent } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { formatDuration } from "./model/duration.ts";
import { describeZone, formatTimeInput, parseTimeInput } from "./model/time-format.ts";
import { describeRange, RANGE_CHOICES, resolveRange, shiftRange, widenRange } from "./model/time-range.ts";
import { REFRESH_CHOICES_MS } from "./model/view.ts";
import { outcome, show, view } from "./state.ts";

export function Controls() {
  return (
    <div class="controls">
      <RangeControl />
      <StepControl />
      <RefreshControl />
      {(isCustomOpen.value || view.value.range.kind === "fixed") && <CustomRange />}
    </div>
  );
}

const CUSTOM = "custom";

/** "From … to …" was chosen, but nothing applied yet. */
const isCustomOpen: Signal<boolean> = signal(false);

function RangeControl() {
  const { range } = view.value;
  const known = range.kind === "last" && RANGE_CHOICES.some(({ ms }) => ms === range.ms);
  const choose = (event: TargetedEvent<HTMLSelectElement>) => {
    const { value } = event.currentTarget;
    isCustomOpen.value = value === CUSTOM;
    if (value !== CUSTOM && value !== "") show({ range: { kind: "last", ms: Number(value) } });
  };
  return (
    <fieldset class="group" aria-label="Time range">
      <button
        type="button"
        class="control icon"
        title="Earlier"
        onClick={() => show({ range: shiftRange(range, -1, Date.now()) })}
      >
        ‹
      </button>
      <div class="select">
        <select
          id="range"
          class="control"
          aria-label="Time range"
          value={isCustomOpen.value ? CUSTOM : known ? String(range.ms) : ""}
          onChange={choose}
        >
          {!known && <option value="">{describeRange(range)}</option>}
          {RANGE_CHOICES.map(({ ms, title }) => (
            <option key={ms} value={String(ms)}>
              {title}
            </option>
          ))}
          <option value={CUSTOM}>From … to …</option>
        </select>
      </div>
      <button
        type="button"
        class="control icon"
        title="Later"
        onClick={() => show({ range: shiftRange(range, 1, Date.now()) })}
      >
        ›
      </button>
      <button
        type="button"
        class="control icon"
        title="Twice as long"
        onClick={() => show({ range: widenRange(range) })}
      >
        −
      </button>
    </fieldset>
  );
}

function CustomRange() {
  const { range } = view.value;
  // The times of the moment it was opened, or of the range that was chosen since; not of every drawing.
  const { fromMs, toMs } = useMemo(() => resolveRange(range, Date.now()), [range]);
  const problem = useSignal("");
  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const from = parseTimeInput(String(data.get("from")));
    const to = parseTimeInput(String(data.get("to")));
    if (from === null || to === null) problem.value = "Both times are needed.";
    else if (from >= to) problem.value = "The start must be before the end.";
    else {
      problem.value = "";
      show({ range: { kind: "fixed", fromMs: from, toMs: to } });
      isCustomOpen.value = false;
    }
  };
  // The key makes new inputs when the range changes from outside: by a drag, or the back button.
  return (
    <form class="custom-range" key={`${fromMs}-${toMs}`} onSubmit={submit}>
      <label>
        <span>From</span>
        <input
          class="control"
          type="datetime-local"
          step="1"
          name="from"
          defaultValue={formatTimeInput(fromMs)}
          required
        />
      </label>
      <label>
        <span>To</span>
        <input class="control" type="datetime-local" step="1" name="to" defaultValue={formatTimeInput(toMs)} required />
      </label>
      <button type="submit" class="control">
        Apply
      </button>
      <span class="hint">{problem.value || describeZone(toMs)}</span>
    </form>
  );
}

function StepControl() {
  const { value } = outcome;
  const isAuto = value.kind === "reply" && value.view.step === "";
  const auto = isAuto ? `auto (${formatDuration(value.stepMs)})` : "auto";
  const { step } = view.value;
  // Its own text while somebody types: neither an answer that arrives meanwhile nor what was sent a moment ago may take it away.
  const typed = useSignal(step);
  const sent = useRef(step);
  useEffect(() => {
    if (step !== sent.current) typed.value = step;
    sent.current = step;
  }, [step]);
  return (
    <label class="labelled">
      <span>Step</span>
      <input
        id="step"
        class="control step"
        value={typed.value}
        placeholder={auto}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onChange={(event) => {
          sent.current = event.currentTarget.value.trim();
          show({ step: sent.current });
        }}
      />
    </label>
  );
}

function RefreshControl() {
  return (
    <label class="labelled">
      <span>Refresh</span>
      <div class="select">
        <select
          id="refresh"
          class="control"
          value={String(view.value.refreshMs)}
          onChange={(event) => show({ refreshMs: Number(event.currentTarget.value) })}
        >
          {REFRESH_CHOICES_MS.map((ms) => (
            <option key={ms} value={String(ms)}>
              {ms === 0 ? "off" : formatDuration(ms)}
            </option>
          ))}
        </select>
      </div>
    </label>
  );
}
