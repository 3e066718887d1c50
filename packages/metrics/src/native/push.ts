/**
 * Sends metrics where nobody comes to fetch them: short jobs, programs behind a firewall.
 *
 *     const pusher = pushMetrics("http://victoria:8428/api/v1/import/prometheus", { extraLabels: { job: "import" } });
 *     …
 *     await pusher.close(); // pushes once more
 *
 *     ──┬───────────┬───────────┬───────────┬──→   every intervalMs, never two at once
 *       push        push        ✗ retry retry push
 *
 * Receivers stamp samples with the time of arrival. So each attempt shows the values of its own moment, and a failed push loses
 * nothing: counters go on counting, and the next push says it all.
 */
import type { Collect } from "../exposition/endpoint.ts";
import type { Family } from "../exposition/family.ts";
import { joinForScrape } from "../exposition/join.ts";
import { addMissingLabels } from "../exposition/labels.ts";
import { writeText } from "../exposition/text-format.ts";
import { collectProcessMetrics, startProcessMetrics } from "../process/process-metrics.ts";
import type { Counter } from "./counter.ts";
import { defaultSet } from "./default-set.ts";
import type { Histogram } from "./histogram.ts";
import type { MetricSet } from "./metric-set.ts";
import { PushError, PushRequest, type PushRequestOptions } from "./push-request.ts";

/** What is pushed, how often, and how hard it is tried. Times in milliseconds. */
export interface PushOptions extends PushRequestOptions {
  /** From push to push; the first comes one interval after the start. Default: 10,000. */
  readonly intervalMs?: number;
  /** Added to every sample that has no such label of its own: `{ job: "import", instance: hostname() }`. */
  readonly extraLabels?: Readonly<Record<string, string>>;
  /** What to push. The pusher's own counters are made in it. Default: the default set. */
  readonly set?: MetricSet;
  /** Push `process_*` and `nodejs_*` too. Default: true. */
  readonly processMetrics?: boolean;
  /** What to push instead of the set and the process: a process group, say. Then the counters in `set` are not pushed. */
  readonly collect?: Collect;
  /** Write `# HELP` and `# TYPE` lines, for receivers that keep them. Default: false. */
  readonly metadata?: boolean;
  /** Sent with each request: `{ authorization: "Bearer …" }`. A user and password in the URL are sent as Basic. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Compress bodies. Default: true. */
  readonly gzip?: boolean;
  /** Default: POST. */
  readonly method?: "POST" | "PUT";
  /** Of one attempt, `collect` included. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Attempts after the first where trying again can help: no answer, 429, 5xx. Default: 3. */
  readonly retries?: number;
  /** Called with each push that failed for good. Without it failures are only counted. What it throws is ignored. */
  readonly onError?: (error: Error) => void;
  /** For tests. */
  readonly fetch?: typeof fetch;
  /** For tests. */
  readonly clock?: PushClock;
  /** Uniform in [0, 1). Spreads the retries of many processes. Default: Math.random. */
  readonly random?: () => number;
}

/** Time as a pusher sees it. */
export interface PushClock {
  /** Monotonic, milliseconds. */
  nowMs(): number;
  /** Runs `callback` once, later; returns how to call it off. Must not keep the process alive. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** A pusher at work. */
export interface Pusher {
  /**
   * Pushes now; while a push is under way, once it is done.
   * @throws PushError if it failed after its retries; Error if the pusher is closed or the metrics could not be collected
   */
  push(): Promise<void>;
  /**
   * Stops. With `flush`, the default, pushes once more, without retries; what that meets goes to `onError`. Without it a push under way
   * is called off. Never rejects; calling again is harmless.
   */
  close(options?: { readonly flush?: boolean }): Promise<void>;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MS_MAX = 10_000;

/**
 * Pushes metrics as Prometheus text to `url` at an interval, until closed. Keeps no process alive. A push is counted by
 * `metrics_push_total`, `metrics_push_errors_total`, `metrics_push_bytes_pushed_total`, `metrics_push_duration_seconds` and
 * `metrics_push_block_size_bytes`, label `url` (without password and query), each attempt once.
 * @throws TypeError or RangeError if the URL or an option makes no sense, or the set has something else under those names
 */
export function pushMetrics(url: string | URL, options: PushOptions = {}): Pusher {
  return new SetPusher(url, options);
}

class SetPusher implements Pusher {
  readonly #request: PushRequest;
  readonly #collect: Collect;
  readonly #extraLabels: ReadonlyMap<string, string>;
  readonly #metadata: boolean;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #onError: (error: Error) => void;
  readonly #clock: PushClock;
  readonly #random: () => number;
  readonly #counts: PushCounts;
  readonly #startedMs: number;
  /** The push under way. */
  #current: Promise<void> | null = null;
  /** The one that will follow it, shared by all who asked meanwhile. */
  #next: Promise<void> | null = null;
  #cancelTick: () => void = () => {};
  /** By the receiver's Retry-After no tick pushes before that. */
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** Ends the request under way. */
  #abort: (reason: Error) => void = () => {};
  /** Ends the wait before a retry, and all further ones. */
  #endWait: () => void = () => {};
  #isClosing = false;
  /** Closed without a last push: what ends by that is no failure. */
  #isCalledOff = false;
  #closed: Promise<void> | null = null;

  constructor(url: string | URL, options: PushOptions) {
    this.#request = new PushRequest(url, options, options.fetch ?? fetch);
    this.#intervalMs = positive("intervalMs", options.intervalMs ?? 10_000);
    this.#timeoutMs = positive("timeoutMs", options.timeoutMs ?? 10_000);
    this.#retries = options.retries ?? 3;
    if (!Number.isInteger(this.#retries) || this.#retries < 0) {
      throw new RangeError(`push: want retries to be a whole number from 0 on, got ${this.#retries}`);
    }
    this.#extraLabels = checkLabels(options.extraLabels ?? {});
    this.#metadata = options.metadata ?? false;
    this.#onError = options.onError ?? (() => {});
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    const { set = defaultSet, processMetrics = true } = options;
    this.#counts = new PushCounts(set, this.#request.shownUrl, this.#intervalMs);
    this.#collect = options.collect ?? (() => collect(set, processMetrics));
    if (processMetrics && options.collect === undefined) startProcessMetrics();
    this.#startedMs = this.#clock.nowMs();
    this.#scheduleTick();
  }

  push(): Promise<void> {
    if (this.#isClosing) return Promise.reject(new Error("push: the pusher is closed"));
    if (this.#current === null) return this.#start(this.#retries);
    this.#next ??= this.#current
      .catch(() => {})
      .then(() => {
        this.#next = null;
        if (this.#isClosing) throw new Error("push: the pusher is closed");
        return this.#start(this.#retries);
      });
    return this.#next;
  }

  close({ flush = true }: { readonly flush?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(flush);
    return this.#closed;
  }

  async #close(flush: boolean): Promise<void> {
    this.#isClosing = true;
    this.#cancelTick();
    this.#endWait();
    if (!flush) {
      this.#isCalledOff = true;
      this.#abort(new Error("the pusher was closed"));
    }
    const waiting = this.#next;
    await this.#current?.catch(() => {});
    await waiting?.catch(() => {});
    if (flush) await this.#start(0).catch((error: unknown) => this.#report(error));
  }

  /** Multiples of the interval since the start: a slow push shifts none, it skips those that it covers. */
  #scheduleTick(): void {
    const passedMs = this.#clock.nowMs() - this.#startedMs;
    const delayMs = this.#intervalMs - (passedMs % this.#intervalMs);
    this.#cancelTick = this.#clock.schedule(() => {
      if (this.#isClosing) return;
      this.#scheduleTick();
      if (this.#current !== null || this.#clock.nowMs() < this.#restUntilMs) return;
      this.#start(this.#retries).catch((error: unknown) => this.#report(error));
    }, delayMs);
  }

  #start(retries: number): Promise<void> {
    const run = this.#pushWithRetries(retries).finally(() => {
      this.#current = null;
    });
    this.#current = run;
    return run;
  }

  async #pushWithRetries(retries: number): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#attempt();
      } catch (error) {
        if (this.#isCalledOff) throw error;
        this.#counts.errors.inc();
        if (!(error instanceof PushError) || !error.isTemporary) throw error;
        this.#restUntilMs = this.#clock.nowMs() + error.retryAfterMs;
        // What the receiver wants waited for longer than an interval is a later tick's to try.
        if (attempt >= retries || this.#isClosing || error.retryAfterMs > this.#intervalMs) throw error;
        await this.#wait(Math.max(error.retryAfterMs, this.#backoffMs(attempt)));
        if (this.#isClosing) throw error;
      }
    }
  }

  async #attempt(): Promise<void> {
    let problem = "push: the metrics were not collected";
    const ended = new AbortController();
    this.#abort = (reason) => ended.abort(reason);
    const cancel = this.#clock.schedule(
      () => ended.abort(new Error(`${problem} within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    try {
      const families = await untilAborted(this.#collect(), ended.signal);
      const text = writeText(joinForScrape([this.#label(families)]), { metadata: this.#metadata });
      const body = await this.#request.encode(text);
      problem = "no answer";
      await this.#send(body, ended.signal);
    } finally {
      cancel();
    }
  }

  async #send(body: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#counts.pushes.inc();
    this.#counts.bytes.add(body.length);
    this.#counts.blockSize.update(body.length);
    const startedMs = this.#clock.nowMs();
    try {
      await this.#request.send(body, signal);
    } finally {
      this.#counts.duration.update((this.#clock.nowMs() - startedMs) / 1000);
    }
  }

  #label(families: readonly Family[]): readonly Family[] {
    if (this.#extraLabels.size === 0) return families;
    return families.map((family) => ({
      ...family,
      samples: family.samples.map(({ suffix, labels, value }) => ({
        suffix,
        labels: addMissingLabels(labels, this.#extraLabels),
        value,
      })),
    }));
  }

  /** Doubling, and half of it by chance: processes that failed together must not come back together. */
  #backoffMs(attempt: number): number {
    const fullMs = Math.min(BACKOFF_FIRST_MS * 2 ** attempt, BACKOFF_MS_MAX);
    return fullMs * (0.5 + this.#random() / 2);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(resolve, delayMs);
      this.#endWait = () => {
        cancel();
        resolve();
      };
    });
  }

  #report(error: unknown): void {
    if (this.#isCalledOff) return;
    try {
      this.#onError(
        error instanceof Error ? error : new Error("push: the metrics could not be collected", { cause: error }),
      );
    } catch {
      // A handler's failure is the application's; it must not end the pushing.
    }
  }
}

/** What `promised` gives; throws the signal's reason if that comes first: what never comes must not hold up all further pushes. */
function untilAborted<T>(promised: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    Promise.resolve(promised).then(resolve, reject);
  });
}

/** Named as VictoriaMetrics' Go library names them. */
class PushCounts {
  readonly pushes: Counter;
  readonly errors: Counter;
  readonly bytes: Counter;
  readonly blockSize: Histogram;
  readonly duration: Histogram;

  constructor(set: MetricSet, url: string, intervalMs: number) {
    const labelNames = ["url"] as const;
    const labels = { url };
    const counter = (name: string, help: string): Counter => set.counter(name, { help, labelNames }).with(labels);
    const histogram = (name: string, help: string): Histogram => set.histogram(name, { help, labelNames }).with(labels);
    this.pushes = counter("metrics_push_total", "Pushes attempted.");
    this.errors = counter("metrics_push_errors_total", "Pushes attempted that failed.");
    this.bytes = counter("metrics_push_bytes_pushed_total", "Bytes of pushes, as sent.");
    this.blockSize = histogram("metrics_push_block_size_bytes", "Bytes of one push, as sent.");
    this.duration = histogram("metrics_push_duration_seconds", "Time from a push to its answer.");
    const interval = { help: "From push to push, as configured.", labelNames };
    set
      .gauge("metrics_push_interval_seconds", interval)
      .with(labels)
      .set(intervalMs / 1000);
  }
}

const systemClock: PushClock = {
  nowMs: () => performance.now(),
  schedule: (callback, delayMs) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

function collect(set: MetricSet, processMetrics: boolean): Family[] {
  return processMetrics ? [...set.collect(), ...collectProcessMetrics()] : set.collect();
}

function positive(name: string, value: number): number {
  // A timer's longest: beyond it Node fires at once.
  if (!(value > 0 && value <= 2_147_483_647)) {
    throw new RangeError(`push: want ${name} above 0 and at most 2147483647, got ${value}`);
  }
  return value;
}

function checkLabels(labels: Readonly<Record<string, string>>): Map<string, string> {
  const checked = new Map<string, string>();
  for (const [name, value] of Object.entries(labels)) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name === "__name__") {
      throw new TypeError(`push: want extra labels named by letters, digits and "_", got ${JSON.stringify(name)}`);
    }
    if (typeof value !== "string")
      throw new TypeError(`push: want the extra label ${name} to be a string, got ${typeof value}`);
    checked.set(name, value);
  }
  return checked;
}
