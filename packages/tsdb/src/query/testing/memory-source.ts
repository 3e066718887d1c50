/**
 * A Source over arrays: the smallest thing that keeps the port's promises. For tests, examples and benches; it scans every series.
 */

import { InputError } from "../../base/errors.ts";
import { compareLabels, type Labels } from "../../base/labels.ts";
import { compileSelectorRegex } from "../../base/regex.ts";
import { DEFAULT_TENANT, formatTenant, type Tenant } from "../../base/tenant.ts";
import type { FilterGroups, LabelFilter } from "../../metricsql/ast.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, SeriesBatch, Source } from "../source.ts";

interface StoredSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface MemorySourceOptions {
  /** Series in a batch; 64 when absent. Small ones test what happens between batches. */
  readonly batchSeries?: number;
}

export class MemorySource implements Source {
  readonly #series = new Map<string, StoredSeries[]>();
  readonly #batchSeries: number;

  constructor(options: MemorySourceOptions = {}) {
    this.#batchSeries = options.batchSeries ?? 64;
  }

  /** Adds one series, samples in any order of time; of equal times the last one stays. Values keep their bits. */
  add(labels: Labels, timestamps: ArrayLike<number>, values: Float64Array, tenant: Tenant = DEFAULT_TENANT): void {
    const order = Array.from({ length: timestamps.length }, (_, i) => i);
    order.sort((a, b) => (timestamps[a] as number) - (timestamps[b] as number) || a - b);
    const kept = order.filter((from, i) => timestamps[from] !== timestamps[order[i + 1] ?? -1]);
    const sortedTimes = Float64Array.from(kept, (from) => timestamps[from] as number);
    const sortedValues = new Float64Array(kept.length);
    kept.forEach((from, i) => {
      sortedValues.set(values.subarray(from, from + 1), i);
    });
    const key = formatTenant(tenant);
    const list = this.#series.get(key) ?? [];
    list.push({ labels, timestamps: sortedTimes, values: sortedValues });
    this.#series.set(key, list);
  }

  /** @param share leaves all but one part of the matching series out: number `index` of `count` */
  async search(
    request: SearchRequest,
    share?: { readonly index: number; readonly count: number },
  ): Promise<SampleCursor> {
    request.signal?.throwIfAborted();
    const matched = this.#match(request.tenant, request.groups);
    if (request.maxSeries !== undefined && matched.length > request.maxSeries) {
      throw new InputError(`search: ${matched.length} series match, want at most ${request.maxSeries}`, 422);
    }
    if (share === undefined) return new MemoryCursor(matched, request, this.#batchSeries);
    const [lo, hi] = [share.index, share.index + 1].map((i) => Math.floor((matched.length * i) / share.count));
    return new MemoryCursor(matched.slice(lo, hi), request, this.#batchSeries);
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    const found = this.#inRange(request).map((series) => series.labels);
    return answer(found.sort(compareLabels), request.limit);
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    const names = new Set<string>();
    for (const { labels } of this.#inRange(request)) for (const [name] of labels.entries()) names.add(name);
    return answer([...names].sort(), request.limit);
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    const values = new Set(this.#inRange(request).map((series) => series.labels.get(label)));
    values.delete("");
    return answer([...values].sort(), request.limit);
  }

  #inRange(request: LabelsRequest): StoredSeries[] {
    request.signal?.throwIfAborted();
    const list =
      request.groups.length === 0
        ? (this.#series.get(formatTenant(request.tenant)) ?? [])
        : this.#match(request.tenant, request.groups);
    return list.filter(({ timestamps }) => timestamps.some((ms) => ms >= request.minMs && ms <= request.maxMs));
  }

  #match(tenant: Tenant, groups: FilterGroups): StoredSeries[] {
    const tests = groups.filter((group) => group.length > 0).map((group) => group.map(compileFilter));
    const list = this.#series.get(formatTenant(tenant)) ?? [];
    return list.filter(({ labels }) => tests.some((group) => group.every((test) => test(labels))));
  }
}

function answer<T>(items: T[], limit = 0): Answer<T> {
  return { items: limit > 0 ? items.slice(0, limit) : items, isPartial: false };
}

function compileFilter(filter: LabelFilter): (labels: Labels) => boolean {
  const { label, op, value } = filter;
  if (op === "=" || op === "!=") return (labels) => (labels.get(label) === value) === (op === "=");
  const regex = compileSelectorRegex(value);
  return (labels) => regex.matches(labels.get(label)) === (op === "=~");
}

class MemoryCursor implements SampleCursor {
  readonly seriesCount: number;
  readonly isPartial = false;
  readonly #list: readonly StoredSeries[];
  readonly #request: SearchRequest;
  readonly #batchSeries: number;
  #next = 0;

  constructor(list: readonly StoredSeries[], request: SearchRequest, batchSeries: number) {
    this.seriesCount = list.length;
    this.#list = list;
    this.#request = request;
    this.#batchSeries = batchSeries;
  }

  async next(): Promise<SeriesBatch | null> {
    const { signal, minMs, maxMs } = this.#request;
    signal?.throwIfAborted();
    const chosen: { from: StoredSeries; lo: number; hi: number }[] = [];
    let samples = 0;
    while (chosen.length < this.#batchSeries && this.#next < this.#list.length) {
      const from = this.#list[this.#next++] as StoredSeries;
      const lo = lowerBound(from.timestamps, minMs);
      const hi = lowerBound(from.timestamps, maxMs + 1);
      if (lo === hi) continue;
      chosen.push({ from, lo, hi });
      samples += hi - lo;
    }
    if (chosen.length === 0) return null;
    const timestamps = new Float64Array(samples);
    const values = new Float64Array(samples);
    const ends = new Uint32Array(chosen.length);
    let end = 0;
    chosen.forEach(({ from, lo, hi }, i) => {
      timestamps.set(from.timestamps.subarray(lo, hi), end);
      values.set(from.values.subarray(lo, hi), end);
      end += hi - lo;
      ends[i] = end;
    });
    return { series: chosen.map(({ from }) => from.labels), ends, timestamps, values };
  }

  close(): void {
    this.#next = this.#list.length;
  }
}

/** First index whose time is at least `ms`. */
function lowerBound(timestamps: Float64Array, ms: number): number {
  let lo = 0;
  let hi = timestamps.length;
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if ((timestamps[middle] as number) < ms) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}
