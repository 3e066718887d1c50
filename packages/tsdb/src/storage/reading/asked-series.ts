/**
 * The head's series for a reader on another thread, who has none of their names: it asks for the slots that match, and for labels of those that no part knows. Labels that were
 * asked for once are kept, in the cache of index pages: a slot's series is the same for as long as its epoch lasts.
 */
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import type { CachedPage, CacheRow, PageCache } from "../../index/page-cache.ts";
import type { Postings } from "../../index/postings.ts";
import { decodeSeriesKey } from "../../index/series-key.ts";
import type { TextColumns } from "../../index/text-run.ts";
import type { HeadSeries } from "../search/search.ts";

export type { TextColumns };

/** Keys of series, key `i` being `bytes[ends[i-1]..ends[i])`. */
export interface KeyBytes {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Which texts of the head are asked for. */
export interface TextSearch {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  /** Whose values; null for names. */
  readonly label: string | null;
}

/** How to ask where the database is open. */
export interface HeadQuestions {
  findSlots(tenant: Tenant, groups: FilterGroups): Promise<Postings>;
  /** Keys of the first of the slots: of one at least. */
  readKeys(slots: Postings): Promise<KeyBytes>;
  /** Label names, or the values of a label, of series with samples in the range. */
  findTexts(search: TextSearch): Promise<TextColumns>;
}

interface KeptLabels extends CachedPage {
  readonly labels: Labels;
}

/** What a label set takes beside its strings, and what each of its labels adds. */
const LABELS_BYTES = 160;
const LABEL_BYTES = 16;
/** Texts that are kept once for all series: labels repeat. */
const TEXTS_KEPT = 1 << 16;
const TEXT_CHARS_MAX = 64;

/** Label sets by slot, of the last epoch that was asked for. */
export class LabelsOfSlots {
  private readonly cache: PageCache;
  private readonly texts: Map<string, string> = new Map();
  private row: CacheRow<KeptLabels> = [];
  private epoch = -1;

  constructor(cache: PageCache) {
    this.cache = cache;
  }

  /** Adds the labels of the slots to `target`, asking for those that are not kept. */
  async read(epoch: number, slots: Postings, questions: HeadQuestions): Promise<Labels[]> {
    if (epoch !== this.epoch) {
      this.cache.drop(this.row);
      this.row = [];
      this.epoch = epoch;
    }
    const { row } = this;
    const labels: (Labels | undefined)[] = [];
    const missing: number[] = [];
    for (let i = 0; i < slots.length; i++) {
      const own = this.cache.get(row, slots[i] as number)?.labels;
      labels.push(own);
      if (own === undefined) missing.push(i);
    }
    for (let at = 0; at < missing.length; ) {
      const asked = Uint32Array.from(missing.slice(at), (i) => slots[i] as number);
      const { bytes, ends } = await questions.readKeys(asked);
      for (let k = 0; k < ends.length; k++) {
        const key = bytes.subarray(k === 0 ? 0 : ends[k - 1], ends[k]);
        const own = decodeSeriesKey(key, (text) => this.intern(text));
        labels[missing[at + k] as number] = own;
        // Another epoch may have come while this one was asked for.
        if (row === this.row) {
          const size = LABELS_BYTES + LABEL_BYTES * own.pairs.length + key.length;
          this.cache.put(row, asked[k] as number, { bytes: size, labels: own });
        }
      }
      at += ends.length;
    }
    return labels as Labels[];
  }

  private intern(text: string): string {
    if (text.length > TEXT_CHARS_MAX) return text;
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    if (this.texts.size >= TEXTS_KEPT) this.texts.clear();
    this.texts.set(text, text);
    return text;
  }
}

/** Slots that were found before anybody asked. */
export interface FoundSlots {
  readonly groups: FilterGroups;
  readonly slots: Postings;
}

export class AskedSeries implements HeadSeries {
  readonly epoch: number;
  readonly size: number;
  private readonly questions: HeadQuestions;
  private readonly kept: LabelsOfSlots;
  private readonly found: FoundSlots | null;

  constructor(epoch: number, size: number, questions: HeadQuestions, kept: LabelsOfSlots, found: FoundSlots | null) {
    this.epoch = epoch;
    this.size = size;
    this.questions = questions;
    this.kept = kept;
    this.found = found;
  }

  async findSlots(tenant: Tenant, groups: FilterGroups): Promise<Postings> {
    if (this.found !== null && this.found.groups === groups) return this.found.slots;
    return await this.questions.findSlots(tenant, groups);
  }

  async readLabels(slots: Postings): Promise<readonly Labels[]> {
    return await this.kept.read(this.epoch, slots, this.questions);
  }
}
