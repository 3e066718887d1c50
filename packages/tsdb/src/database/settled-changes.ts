/** The storage's log of changes as queries see it, who keep answers. */
import type { ChangeMark, LateSamples, SourceChanges } from "../query/source.ts";
import type { ChangeView } from "../storage/changes/change-log.ts";
import type { SampleRules } from "../storage/rules/sample-rules.ts";
import { RuleBook } from "../storage/rules/sample-rules.ts";

/** By how much the end of the settled past may be late: it is moved on every few seconds. */
const SLACK_MS = 60_000;

export interface ChangesOrigin {
  readonly rules: SampleRules;
  readonly retentionMs: number;
  readonly settleMs: number;
}

/** Null where rules change what there is to read as time goes by. */
export function changesFor(view: ChangeView, { rules, retentionMs, settleMs }: ChangesOrigin): SourceChanges | null {
  return new RuleBook(rules, retentionMs).isEmpty ? new SettledChanges(view, retentionMs - settleMs - SLACK_MS) : null;
}

class SettledChanges implements SourceChanges {
  private readonly view: ChangeView;
  private readonly keptMs: number;

  constructor(view: ChangeView, keptMs: number) {
    this.view = view;
    this.keptMs = keptMs;
  }

  mark(): ChangeMark {
    return this.view.mark();
  }

  between(from: ChangeMark, to: ChangeMark, minMs: number, maxMs: number): readonly LateSamples[] | null {
    return this.view.between(from, to, minMs, maxMs);
  }

  oldestMs({ settledMs }: ChangeMark): number {
    return settledMs - this.keptMs;
  }
}
