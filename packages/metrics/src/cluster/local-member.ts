/**
 * This process as a member of its group: takes snapshots of its metrics and keeps the latest where the others find it.
 *
 * A snapshot is stored before it is told. So what anybody has been told is never taken back, also if the process is killed a
 * moment later: its file says no less than it ever did.
 */
import type { Family } from "../exposition/family.ts";
import { collectProcessMetrics } from "../process/process-metrics.ts";
import { SNAPSHOT_BYTES_MAX, type Snapshot, SnapshotEncoder, takeSnapshot } from "./snapshot.ts";
import { SnapshotFile } from "./snapshot-file.ts";

export interface LocalMemberOptions {
  readonly id: string;
  readonly directory: string;
  readonly collect: () => readonly Family[] | Promise<readonly Family[]>;
  readonly processMetrics: boolean;
  /** The group's own metrics as this process counts them. */
  readonly collectOwn: () => readonly Family[];
  /** Told of a collect that threw and of a snapshot that could not be stored. */
  readonly onError: (error: unknown) => void;
}

export class LocalMember {
  readonly #options: LocalMemberOptions;
  readonly #encoder = new SnapshotEncoder();
  #file: SnapshotFile;
  #latest: Snapshot = takeSnapshot([], {}, null);
  #latestBytes: Buffer = Buffer.alloc(0);
  #families: readonly Family[] = [];
  #processFamilies: readonly Family[] = [];
  #sequence = 0;
  #storedMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | null = null;
  #queued: Promise<void> | null = null;

  constructor(options: LocalMemberOptions) {
    this.#options = options;
    this.#file = new SnapshotFile(options.directory, options.id);
  }

  /** The state of this moment, stored. If the metrics cannot be collected, the state of the last time. Never rejects. */
  async takeSnapshot(): Promise<Snapshot> {
    await this.#collectFresh();
    this.#refreshProcess();
    this.#store(0);
    return this.#latest;
  }

  /** The same as bytes, for another process. Never rejects. */
  async takeBytes(): Promise<Buffer> {
    await this.takeSnapshot();
    return this.#latestBytes;
  }

  /**
   * Stores the state of this moment if it has changed. The process's own metrics are left as they were told last: some of them are of the time since they
   * were last read, and who reads is who scrapes.
   */
  async keepFresh(): Promise<void> {
    await this.#collectFresh();
    this.#store(HEARTBEAT_MS);
  }

  /** The last word, while the process exits: what can be had without waiting. Never throws. */
  storeLast(): void {
    try {
      const families = this.#options.collect();
      if (families instanceof Promise) families.catch(() => {});
      else this.#families = families;
    } catch {
      // The last known stays.
    }
    this.#refreshProcess();
    this.#store(0);
  }

  /** Writes new files in the next snapshot, for when the old ones have been removed. */
  reopen(): void {
    this.#file.close();
    this.#file = new SnapshotFile(this.#options.directory, this.#options.id);
    this.#storedMs = Number.NEGATIVE_INFINITY;
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Collects once at a time, and begins after the call: a collection under way may have passed what the caller has just counted, so it
   * waits for the next one, which all share who wait.
   */
  #collectFresh(): Promise<void> {
    if (this.#running === null) return this.#collect();
    this.#queued ??= this.#running.then(() => {
      this.#queued = null;
      return this.#collect();
    });
    return this.#queued;
  }

  #collect(): Promise<void> {
    const run = async (): Promise<void> => {
      try {
        this.#families = await this.#options.collect();
      } catch (error) {
        this.#options.onError(error);
      }
      this.#running = null;
    };
    this.#running = run();
    return this.#running;
  }

  #refreshProcess(): void {
    if (this.#options.processMetrics) this.#processFamilies = collectProcessMetrics();
  }

  /** Stores what is known now; nothing if the same was stored within the last `restMs`. */
  #store(restMs: number): void {
    const { id, collectOwn, onError } = this.#options;
    const families = joinDistinct([this.#families, this.#processFamilies, collectOwn()]);
    const next = takeSnapshot(families, { id, sequence: this.#sequence + 1 }, this.#latest);
    try {
      if (restMs > 0 && isSame(next, this.#latest)) {
        const nowMs = performance.now();
        if (nowMs - this.#storedMs < restMs) return;
        this.#file.touch();
        this.#storedMs = nowMs;
        return;
      }
      this.#sequence++;
      this.#latest = next;
      this.#latestBytes = this.#encoder.encode(next);
      if (this.#latestBytes.length > SNAPSHOT_BYTES_MAX) {
        throw new Error(`snapshot of ${this.#latestBytes.length} bytes: want at most ${SNAPSHOT_BYTES_MAX}`);
      }
      this.#file.write(this.#latestBytes);
      this.#storedMs = performance.now();
    } catch (error) {
      onError(error);
    }
  }
}

/** How long an unchanged file may go without a sign that its process lives. */
const HEARTBEAT_MS = 10_000;

function isSame(a: Snapshot, b: Snapshot): boolean {
  if (a.shape !== b.shape) return false;
  for (let i = 0; i < a.values.length; i++) if (!Object.is(a.values[i], b.values[i])) return false;
  return true;
}

/** Each name once: the first source that has it. */
function joinDistinct(sources: readonly (readonly Family[])[]): Family[] {
  const names = new Set<string>();
  const joined: Family[] = [];
  for (const source of sources) {
    for (const family of source) {
      if (names.has(family.name)) continue;
      names.add(family.name);
      joined.push(family);
    }
  }
  return joined;
}
