/** How many transfers at a time, how fast, and how far: shared by backups, restores and verifications. */
import type { Logger } from "../process/logger.ts";

export interface TransferOptions {
  /** Pieces on their way at a time; each holds its bytes in memory. */
  readonly concurrency: number;
  /** 0: as fast as it goes. */
  readonly maxBytesPerSecond: number;
  readonly logger: Logger;
  /** Ends the work between two pieces. */
  readonly signal: AbortSignal;
  readonly now?: () => number;
  /** Between two lines of progress. */
  readonly progressEveryMs?: number;
}

const PROGRESS_EVERY_MS = 5_000;

export class Transfers {
  readonly signal: AbortSignal;
  private readonly options: TransferOptions;
  private readonly now: () => number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];
  /** When the bytes let through so far are paid for. */
  private paidUntilMs = 0;
  private totalBytes = 0;
  private doneBytes = 0;
  private what = "";
  private startMs = 0;
  private lastLineMs = 0;

  constructor(options: TransferOptions) {
    this.options = options;
    this.signal = options.signal;
    this.now = options.now ?? Date.now;
  }

  /** Runs `work` for each item, at most `concurrency` at a time. The first error ends it, after what is under way has ended. */
  async each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const iterator = items[Symbol.iterator]();
    let failure: { error: unknown } | null = null;
    const worker = async (): Promise<void> => {
      while (failure === null) {
        const next = iterator.next();
        if (next.done === true) return;
        try {
          this.signal.throwIfAborted();
          await work(next.value);
        } catch (error) {
          failure ??= { error };
        }
      }
    };
    await Promise.all(Array.from({ length: this.options.concurrency }, worker));
    if (failure !== null) throw (failure as { error: unknown }).error;
  }

  /** Runs work that holds a piece in memory: over all files no more than `concurrency` at a time. */
  async piece<T>(work: () => Promise<T>): Promise<T> {
    while (this.running >= this.options.concurrency) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running++;
    try {
      this.signal.throwIfAborted();
      return await work();
    } finally {
      this.running--;
      this.waiting.shift()?.();
    }
  }

  /** Waits until so many bytes more may go over the wire. */
  async pace(bytes: number): Promise<void> {
    const { maxBytesPerSecond } = this.options;
    if (maxBytesPerSecond <= 0) return;
    const nowMs = this.now();
    const startMs = Math.max(nowMs, this.paidUntilMs);
    this.paidUntilMs = startMs + (bytes / maxBytesPerSecond) * 1000;
    if (startMs > nowMs) await sleep(startMs - nowMs, this.signal);
  }

  /** Begins a stretch of work of which `progressed` then tells. */
  expect(what: string, totalBytes: number): void {
    this.what = what;
    this.totalBytes = totalBytes;
    this.doneBytes = 0;
    this.startMs = this.now();
    this.lastLineMs = this.startMs;
  }

  progressed(bytes: number): void {
    this.doneBytes += bytes;
    const nowMs = this.now();
    if (nowMs - this.lastLineMs < (this.options.progressEveryMs ?? PROGRESS_EVERY_MS)) return;
    this.lastLineMs = nowMs;
    this.options.logger.info(this.progressLine(nowMs));
  }

  private progressLine(nowMs: number): string {
    const { what, doneBytes, totalBytes } = this;
    const percent = totalBytes === 0 ? 100 : Math.floor((doneBytes / totalBytes) * 100);
    const bytesPerSecond = doneBytes / Math.max(0.001, (nowMs - this.startMs) / 1000);
    const leftS = bytesPerSecond > 0 ? Math.ceil((totalBytes - doneBytes) / bytesPerSecond) : 0;
    const of = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)} (${percent}%)`;
    return `${what} ${of}, ${formatBytes(bytesPerSecond)}/s, ${formatSeconds(leftS)} left`;
  }
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** @throws the signal's reason when it is given while waiting */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
