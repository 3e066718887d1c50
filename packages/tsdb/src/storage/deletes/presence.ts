/**
 * Which series of a partition have samples in a range, as far as blocks tell.
 *
 * Index pages of parts are read through their cache and only where somebody asks for a series on them: a part of millions of series is never in memory as a
 * whole. Pages without a block in the range are known beforehand, so that who goes through many ids is told where to go on; and so are pages within the
 * range that have all ids there are between their first and their last, as those of new series do: they need not be read.
 */
import { CorruptionError } from "../../base/errors.ts";
import { NO_MORE } from "../../index/id-list.ts";
import { lowerBound, type Postings } from "../../index/postings.ts";
import type { Pacer } from "../pacer.ts";
import type { BlockEntries, PartReader } from "../parts/part-reader.ts";
import type { PartitionView, SearchView } from "../search/search.ts";
import { hidesAll, type PartMask } from "./tombstones.ts";

/** Null if all series have a block in the range, because it covers every part and nothing was ever removed. */
export function presence(
  { parts, tombstones, isSparse }: PartitionView,
  minMs: number,
  maxMs: number,
  snapshot: Pick<SearchView, "onCorruption" | "rules" | "nowMs">,
): Presence | null {
  const coveredMs = Math.max(minMs, snapshot.nowMs - (snapshot.rules?.shortestMs ?? Number.POSITIVE_INFINITY));
  if (!isSparse && parts.every(({ info }) => info.minMs >= coveredMs && info.maxMs <= maxMs)) return null;
  return new Presence(
    parts.map((part) => {
      const mask = tombstones?.maskFor(part.fileNumber) ?? null;
      return new PartPresence(part, mask, minMs, maxMs, snapshot.onCorruption);
    }),
  );
}

/** Tells which series have a block in the range that is not deleted. One question at a time. */
export class Presence {
  private readonly parts: readonly PartPresence[];

  constructor(parts: readonly PartPresence[]) {
    this.parts = parts;
  }

  /** The least id from `id` on that may have one: `id` itself if it has; NO_MORE. See NextWanted in index/id-list.ts. */
  next(id: number): number | Promise<number> {
    for (const part of this.parts) if (part.isSure(id)) return id;
    let least = NO_MORE;
    for (let i = 0; i < this.parts.length; i++) {
      const next = (this.parts[i] as PartPresence).next(id);
      if (typeof next !== "number") return this.nextLater(id, i, next, least);
      if (next === id) return id;
      if (next < least) least = next;
    }
    return least;
  }

  /** The rest of `next` once part `at` answers. */
  private async nextLater(id: number, at: number, answer: Promise<number>, before: number): Promise<number> {
    let least = Math.min(before, await answer);
    for (let i = at + 1; i < this.parts.length && least !== id; i++) {
      const next = (this.parts[i] as PartPresence).next(id);
      least = Math.min(least, typeof next === "number" ? next : await next);
    }
    return least;
  }

  /** Those of ascending ids that have one. */
  async keep(ids: Postings, pacer: Pacer): Promise<Postings> {
    const kept = new Uint32Array(ids.length);
    let count = 0;
    let looks = 0;
    for (let i = 0; i < ids.length; ) {
      const id = ids[i] as number;
      const answer = this.next(id);
      const next = typeof answer === "number" ? answer : await answer;
      if (next === id) {
        kept[count++] = id;
        i++;
      } else i = lowerBound(ids, next, i + 1);
      if ((++looks & 127) === 0 && pacer.isDue) await pacer.pause();
    }
    return kept.subarray(0, count);
  }

  /** True if a series has one in the part of the range that begins at `fromMs`. */
  async since(id: number, fromMs: number): Promise<boolean> {
    for (const part of this.parts) if (await part.has(id, fromMs)) return true;
    return false;
  }
}

/** As many blocks as a few series have. */
const NEAR_ENTRIES = 8;

/** The same of one part. */
class PartPresence {
  private readonly part: PartReader;
  private readonly mask: PartMask | null;
  private readonly minMs: number;
  private readonly maxMs: number;
  private readonly onCorruption: SearchView["onCorruption"];
  /** Numbers of pages that may have a block in the range, with their first and last ids. Damaged ones are left out once that is known. */
  private pages: number[];
  private firstIds: Uint32Array;
  private lastIds: Uint32Array;
  /** 1 for pages whose every id has a block in the range: they need not be read. */
  private sure: Uint8Array;
  /** The page that was looked at last: most ask in ascending order. */
  private at = 0;
  /** The entry that was found last, and on which page. */
  private shown: BlockEntries | null = null;
  private shownEntry = 0;

  constructor(
    part: PartReader,
    mask: PartMask | null,
    minMs: number,
    maxMs: number,
    onCorruption: SearchView["onCorruption"],
  ) {
    this.part = part;
    this.mask = mask;
    this.minMs = minMs;
    this.maxMs = maxMs;
    this.onCorruption = onCorruption;
    this.pages = part.pagesIn(minMs, maxMs);
    this.firstIds = Uint32Array.from(this.pages, (page) => part.pageIds(page).first);
    this.lastIds = Uint32Array.from(this.pages, (page) => part.pageIds(page).last);
    this.sure = Uint8Array.from(this.pages, (page) => Number(mask === null && part.isDense(page, minMs, maxMs)));
  }

  /** True if a series has a block in the range and no page need be read to know it. */
  isSure(id: number): boolean {
    this.seek(id);
    return this.sure[this.at] === 1 && (this.firstIds[this.at] as number) <= id;
  }

  /** Goes to the first page that does not end before the id. */
  private seek(id: number): void {
    if (this.at > 0 && (this.lastIds[this.at - 1] as number) >= id) this.at = 0;
    if (this.at < this.lastIds.length && (this.lastIds[this.at] as number) < id)
      this.at = lowerBound(this.lastIds, id, this.at + 1);
  }

  next(id: number): number | Promise<number> {
    for (this.seek(id); this.at < this.pages.length; this.at++) {
      // A page that begins behind the id is looked at when somebody asks for what is on it.
      const first = this.firstIds[this.at] as number;
      if (first > id) return first;
      if (this.sure[this.at] === 1) return id;
      const entries = this.part.decodedPage(this.pages[this.at] as number);
      if (entries === undefined) return this.loadNext(id);
      const next = this.nextOn(entries, id);
      if (next !== NO_MORE) return next;
    }
    return NO_MORE;
  }

  private async loadNext(id: number): Promise<number> {
    const entries = await this.load(this.pages[this.at] as number);
    const next = entries === null ? NO_MORE : this.nextOn(entries, id);
    if (next !== NO_MORE) return next;
    if (entries !== null) this.at++;
    const rest = this.next(id);
    return typeof rest === "number" ? rest : await rest;
  }

  /** The least id from `id` on with a block in the range on this page; NO_MORE. */
  private nextOn(entries: BlockEntries, id: number): number {
    const { ids } = entries;
    for (let entry = this.entryOf(entries, id); entry < ids.length; entry++) {
      if (!this.isShown(entries, entry, this.minMs)) continue;
      this.shown = entries;
      this.shownEntry = entry;
      return ids[entry] as number;
    }
    return NO_MORE;
  }

  /** The first entry from `id` on that may be shown: mostly that of the next series. */
  private entryOf(entries: BlockEntries, id: number): number {
    const { ids } = entries;
    if (entries !== this.shown || (ids[this.shownEntry] as number) > id) return lowerBound(ids, id);
    let entry = this.shownEntry;
    for (let steps = 0; steps < NEAR_ENTRIES && entry < ids.length && (ids[entry] as number) < id; steps++) entry++;
    return entry < ids.length && (ids[entry] as number) < id ? lowerBound(ids, id, entry) : entry;
  }

  async has(id: number, fromMs: number): Promise<boolean> {
    for (let i = lowerBound(this.lastIds, id); i < this.pages.length && (this.firstIds[i] as number) <= id; i++) {
      const page = this.pages[i] as number;
      const entries = this.part.decodedPage(page) ?? (await this.load(page));
      if (entries === null) {
        i--;
        continue;
      }
      for (let entry = lowerBound(entries.ids, id); entries.ids[entry] === id; entry++) {
        if (this.isShown(entries, entry, Math.max(fromMs, this.minMs))) return true;
      }
    }
    return false;
  }

  /** True if a block has a time from `fromMs` on in the range that is not deleted. */
  private isShown({ ids, minMs, maxMs }: BlockEntries, entry: number, fromMs: number): boolean {
    const lo = Math.max(minMs[entry] as number, fromMs);
    const hi = Math.min(maxMs[entry] as number, this.maxMs);
    if (lo > hi) return false;
    const hidden = this.mask?.rangesOf(ids[entry] as number) ?? null;
    return hidden === null || !hidesAll(hidden, lo, hi);
  }

  /** Null if it is damaged: it is no longer among the pages then. */
  private async load(page: number): Promise<BlockEntries | null> {
    try {
      return await this.part.entries(page);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.onCorruption(this.part, error);
      const keep = (_: number, i: number): boolean => this.pages[i] !== page;
      this.firstIds = this.firstIds.filter(keep);
      this.lastIds = this.lastIds.filter(keep);
      this.sure = this.sure.filter(keep);
      this.pages = this.pages.filter(keep);
      return null;
    }
  }
}
