/** Tells the logger which series are new, for a while, so that an operator sees where churn comes from. */
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../options.ts";
import type { SeriesRegistry } from "./registry.ts";

/** A flood of series must not become a flood of lines that holds up the writers. */
const LINES_PER_SECOND = 1_000;

export class NewSeriesLog {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private endMs = Number.NEGATIVE_INFINITY;
  private second = 0;
  private lines = 0;
  private unsaid = 0;

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
  }

  get isOn(): boolean {
    return this.clock.monotonicMs() < this.endMs;
  }

  /** From now on for so long, instead of what was said before. */
  start(durationMs: number): void {
    this.endMs = this.clock.monotonicMs() + durationMs;
  }

  /** The registry has got the series from slot `from` on. */
  add(registry: SeriesRegistry, from: number): void {
    const second = Math.floor(this.clock.monotonicMs() / 1000);
    for (let slot = from; slot < registry.size; slot++) {
      if (second !== this.second) {
        this.second = second;
        this.lines = 0;
      }
      if (this.lines === LINES_PER_SECOND) {
        this.unsaid += registry.size - slot;
        return;
      }
      if (this.lines === 0 && this.unsaid > 0) {
        this.logger.info(`${this.unsaid} more new series were not told: at most ${LINES_PER_SECOND} are in a second`);
        this.unsaid = 0;
      }
      this.lines++;
      this.logger.info(`new series created: ${registry.labelsOf(slot)}`);
    }
  }
}
