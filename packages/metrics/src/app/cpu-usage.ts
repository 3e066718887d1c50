/** CPU time of this process, microseconds, as `process.cpuUsage` tells it. */
export interface CpuTimes {
  readonly user: number;
  readonly system: number;
}

/** Shorter windows measure the clock's grain, not the process. */
const WINDOW_MS_MIN = 1000;

/**
 * How busy the process was: 1 is one core busy all the time, 2.5 two and a half cores. A ratio, as the unit `1` says.
 *
 * A reading covers the time since the one before, at least a second. Readers are not told apart (OpenTelemetry does not tell a callback who
 * asks): with two readers each sees a part of the time; within a second of another reading the answer is the same again. For exact averages take
 * `rate(process_cpu_seconds_total[5m])` of the process metrics instead.
 */
export class CpuUsage {
  readonly #now: () => number;
  readonly #times: () => CpuTimes;
  #sinceMs: number;
  #sinceMicros: number;
  #usage: number;

  /** `now` in ms since the process started. Until the first window is complete the answer is the average since then. */
  constructor(now: () => number = () => performance.now(), times: () => CpuTimes = () => process.cpuUsage()) {
    this.#now = now;
    this.#times = times;
    this.#sinceMs = now();
    this.#sinceMicros = total(times());
    this.#usage = this.#sinceMs > 0 ? this.#sinceMicros / (this.#sinceMs * 1000) : 0;
  }

  read(): number {
    const nowMs = this.#now();
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < WINDOW_MS_MIN) return this.#usage;
    const micros = total(this.#times());
    this.#usage = Math.max(0, micros - this.#sinceMicros) / (elapsedMs * 1000);
    this.#sinceMs = nowMs;
    this.#sinceMicros = micros;
    return this.#usage;
  }
}

function total(times: CpuTimes): number {
  return times.user + times.system;
}
