/**
 * A search whose series are worked on in shares, by the reader that found them and by others that help it.
 *
 *   rows found   0 ……………… 624 | 625 …………… 1249 | 1250 …………       which is which depends on what was found alone
 *   claims           1               2                1            whoever has time takes the next
 *   outcomes     taken  ◄─────  taken    ◄─────   taken            in this order
 *
 * Helpers read the same snapshot, by the numbers that were found here; only labels of their own shares are theirs to read. A helper that leaves, because it cannot have the snapshot,
 * its database was closed or its thread has ended, leaves its shares to the others.
 */
import { BugError } from "../../base/errors.ts";
import type { FinishedShare, SharedSearch, ShareOutcome, ShareTask } from "../../query/shares/share.ts";
import type { SampleCursor, SearchRequest } from "../../query/source.ts";
import { type FoundRows, findRows, NONE, sliceRows } from "../../storage/search/plan.ts";
import { SearchCursor, type SearchView, widened } from "../../storage/search/search.ts";
import { Claims } from "./claims.ts";
import type { Help, HelpRequest, Peer } from "./peer.ts";

/** Work that is worth a share: some milliseconds, where asking somebody costs some tenths of one. */
const SHARE_SAMPLES = 400_000;
/** Reading a series costs as much as so many of its samples. */
const SERIES_SAMPLES = 100;
const SHARES_MAX = 16;
/** What is assumed of the head, which nobody counts samples of: so many a series, this far apart. */
const HEAD_SAMPLES_MAX = 240;
const HEAD_SAMPLE_MS = 15_000;

/** Who the reader is that asks for help, among the holders of shares. */
const OWN = 1;

/**
 * In how many shares rows are worked on: by how many there are and what is known of their samples, so that it is the same for the same data. 1: as a whole.
 * @param shareSamples work that is worth a share
 */
export function shareCountOf(
  view: SearchView,
  search: SearchRequest,
  { slots, ids }: FoundRows,
  shareSamples: number,
): number {
  const { minMs, maxMs } = widened(view, search);
  let samples = SERIES_SAMPLES * slots.length;
  for (const [p, { parts }] of view.partitions.entries()) {
    let inRange = 0;
    let series = 1;
    for (const { info } of parts) {
      const sharedMs = Math.min(maxMs, info.maxMs) - Math.max(minMs, info.minMs);
      if (sharedMs >= 0) inRange += (info.rows * (sharedMs + 1)) / (info.maxMs - info.minMs + 1);
      series = Math.max(series, info.series);
    }
    samples += (countPresent(ids[p] as Uint32Array) * inRange) / series;
  }
  if (view.stores.length > 0) {
    samples += countPresent(slots) * Math.min(HEAD_SAMPLES_MAX, (maxMs - minMs) / HEAD_SAMPLE_MS);
  }
  // The first division saves the most: half a share is worth it.
  const count = samples < shareSamples / 2 ? 1 : Math.max(2, Math.floor(samples / shareSamples));
  return Math.max(1, Math.min(SHARES_MAX, slots.length, count));
}

/**
 * Finds the series of a search, to be worked on in shares if there are enough. The view is released by what is returned, or by its caller if this throws.
 * @param held the view's snapshot, as helpers can join it
 */
export async function divideSearch(
  view: SearchView,
  held: number,
  request: SearchRequest,
  helpers: readonly Peer[],
  shareSamples: number = SHARE_SAMPLES,
): Promise<SampleCursor | SharedSearch> {
  const search = shownOf(view, request);
  const rows = await findRows(view, widened(view, search));
  const count = shareCountOf(view, search, rows, shareSamples);
  if (count < 2) return await SearchCursor.ofRows(view, search, rows, true);
  return new DividedSearch(view, held, search, rows, count, helpers);
}

/** The search without what is out of retention. */
export function shownOf({ oldestMs }: SearchView, request: SearchRequest): SearchRequest {
  return { ...request, minMs: Math.max(request.minMs, oldestMs) };
}

function countPresent(column: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < column.length; i++) if (column[i] !== NONE) count++;
  return count;
}

/** Rows of a share. */
export function rowsOfShare(rows: FoundRows, share: number, count: number): FoundRows {
  const { length } = rows.slots;
  return sliceRows(rows, Math.floor((length * share) / count), Math.floor((length * (share + 1)) / count));
}

export class DividedSearch implements SharedSearch {
  readonly seriesCount: number;
  readonly shareCount: number;
  private readonly view: SearchView;
  private readonly held: number;
  private readonly search: SearchRequest;
  private readonly rows: FoundRows;
  private readonly helpers: readonly Peer[];
  private readonly finished: (FinishedShare | undefined)[] = [];
  /** Shares that have been taken. */
  private taken = 0;
  private failure: { readonly error: unknown } | null = null;
  private wake: () => void = () => {};

  /** @param held the view's snapshot, as others can join it */
  constructor(
    view: SearchView,
    held: number,
    search: SearchRequest,
    rows: FoundRows,
    shareCount: number,
    helpers: readonly Peer[],
  ) {
    this.view = view;
    this.held = held;
    this.search = search;
    this.rows = rows;
    this.seriesCount = rows.slots.length;
    this.shareCount = shareCount;
    this.helpers = helpers;
  }

  async run(
    task: ShareTask,
    work: (cursor: SampleCursor, share: number) => Promise<ShareOutcome>,
    take: (share: FinishedShare, number: number) => void,
  ): Promise<void> {
    const { signal } = this.search;
    const claims = Claims.of(this.shareCount);
    const helps = this.ask(task, claims);
    const onAbort = (): void => this.wake();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (this.taken < this.shareCount) {
        signal?.throwIfAborted();
        if (this.failure !== null) throw this.failure.error;
        const share = this.nextOwn(claims, helps);
        if (share >= 0) this.finished[share] = { outcome: await this.workOn(share, work), usage: null };
        for (let next = this.finished[this.taken]; next !== undefined; next = this.finished[this.taken]) {
          take(next, this.taken);
          this.finished[this.taken++] = undefined;
        }
        if (share < 0 && this.taken < this.shareCount) await this.news(helps);
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      claims.end();
      for (const help of helps) help.end();
    }
  }

  async whole(): Promise<SampleCursor> {
    return await SearchCursor.ofRows(this.view, this.search, this.rows);
  }

  close(): void {
    this.view.release();
  }

  private ask(task: ShareTask, claims: Claims): Help[] {
    const free = this.helpers.filter(({ isFree }) => isFree);
    if (free.length === 0) return [];
    const { tenant, minMs, maxMs } = this.search;
    const rows = { slots: shared(this.rows.slots), ids: this.rows.ids.map(shared), labels: null };
    return free.map((peer, i) => {
      const request: HelpRequest = {
        held: this.held,
        claims: claims.cells,
        who: OWN + 1 + i,
        search: { tenant, minMs, maxMs },
        rows,
        task,
      };
      return peer.help(request, {
        onShare: (share, finished) => {
          this.finished[share] = finished;
          this.wake();
        },
        onFailure: (error) => {
          this.failure ??= { error };
          this.wake();
        },
        onLeft: () => this.wake(),
      });
    });
  }

  /** A share to work on here: a free one, or one that was left; -1. */
  private nextOwn(claims: Claims, helps: readonly Help[]): number {
    const free = claims.next(OWN);
    if (free >= 0) return free;
    for (let share = this.taken; share < this.shareCount; share++) {
      const holder = claims.holderOf(share);
      const help = helps[holder - OWN - 1];
      if (help?.hasLeft && this.finished[share] === undefined) return share;
    }
    return -1;
  }

  private async workOn(
    share: number,
    work: (cursor: SampleCursor, share: number) => Promise<ShareOutcome>,
  ): Promise<ShareOutcome> {
    const cursor = await SearchCursor.ofRows(this.view, this.search, rowsOfShare(this.rows, share, this.shareCount));
    try {
      return await work(cursor, share);
    } finally {
      cursor.close();
    }
  }

  /** Waits for what helpers do, or for the end. Nothing can have come since they were looked at: that would have been another turn. */
  private async news(helps: readonly Help[]): Promise<void> {
    if (helps.every(({ hasLeft }) => hasLeft)) throw new BugError("a share that nobody has");
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }
}

/** In memory that all helpers see. */
function shared(column: Uint32Array): Uint32Array {
  const copy = new Uint32Array(new SharedArrayBuffer(column.byteLength));
  copy.set(column);
  return copy;
}
