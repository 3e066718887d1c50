/**
 * A database for tests of the endpoints: keeps what it is given, answers what it is told to, fails on demand.
 * It evaluates nothing: queries answer `result`.
 */
import { Labels } from "@nyanza/tsdb";
import { decodeLabelBytes, type WriteBatch } from "@nyanza/tsdb/ingest";
import type { PrintableResult } from "./answer.ts";
import type {
  AppendCounts,
  Cardinality,
  DeleteQuery,
  ExportCursor,
  ExportQuery,
  InstantQuery,
  LabelsQuery,
  Listed,
  RangeQuery,
  ServedDatabase,
} from "./database.ts";

export interface StoredSeries {
  readonly labels: Labels;
  readonly samples: [timestampMs: number, value: number][];
}

export class MemoryDatabase implements ServedDatabase {
  readonly stored: Map<string, StoredSeries> = new Map();
  readonly asked: { text: string; options: InstantQuery | RangeQuery }[] = [];
  readonly listed: LabelsQuery[] = [];
  readonly deleted: DeleteQuery[] = [];
  readonly exported: ExportQuery[] = [];
  /** Of exports. */
  isPartial = false;
  /** How many series the latest export has been asked for. */
  exportedSeries = 0;
  result: PrintableResult = { kind: "vector", series: [], stats: { seriesFetched: 0 }, isPartial: false };
  /** Thrown by the next calls when set. */
  failure: Error | null = null;
  /** Every call waits for it. */
  gate: Promise<void> = Promise.resolve();
  isClosed = false;
  readonly #snapshots = new Set<string>();

  async appendBatch(batch: WriteBatch): Promise<AppendCounts> {
    await this.#enter();
    let lo = 0;
    for (let i = 0; i < batch.seriesCount; i++) {
      const text = (bytes: Uint8Array): string => decodeLabelBytes(bytes, 0, bytes.length);
      const labels = Labels.from(batch.readLabels(i).map(({ name, value }) => [text(name), text(value)] as const));
      const key = labels.toString();
      const series = this.stored.get(key) ?? { labels, samples: [] };
      this.stored.set(key, series);
      const hi = batch.sampleEnds[i] as number;
      for (; lo < hi; lo++) series.samples.push([batch.timestamps[lo] as number, batch.values[lo] as number]);
    }
    return {
      stored: batch.sampleCount,
      tooOld: 0,
      tooNew: 0,
      invalidLabels: 0,
      firstInvalid: null,
      firstInvalidLabels: "",
    };
  }

  async query(text: string, options: InstantQuery): Promise<PrintableResult> {
    this.asked.push({ text, options });
    await this.#enter(options.signal);
    return this.result;
  }

  async queryRange(text: string, options: RangeQuery): Promise<PrintableResult> {
    this.asked.push({ text, options });
    await this.#enter(options.signal);
    return this.result;
  }

  async series(request: LabelsQuery): Promise<Listed<Labels>> {
    await this.#list(request);
    return { items: [...this.stored.values()].map(({ labels }) => labels), isPartial: false };
  }

  async labelNames(request: LabelsQuery): Promise<Listed<string>> {
    await this.#list(request);
    const names = [...this.stored.values()].flatMap(({ labels }) => [...labels.entries()].map(([name]) => name));
    return { items: [...new Set(names)].sort(), isPartial: false };
  }

  async labelValues(label: string, request: LabelsQuery): Promise<Listed<string>> {
    await this.#list(request);
    const values = [...this.stored.values()].map(({ labels }) => labels.get(label)).filter((value) => value !== "");
    return { items: [...new Set(values)].sort(), isPartial: false };
  }

  async export(request: ExportQuery): Promise<ExportCursor> {
    this.exported.push(request);
    await this.#enter(request.signal);
    const all = [...this.stored.values()];
    let next = 0;
    return {
      seriesCount: all.length,
      isPartial: this.isPartial,
      next: async () => {
        await this.#enter(request.signal);
        const series = all[next++];
        this.exportedSeries = next;
        if (series === undefined) return null;
        return {
          series: [series.labels],
          ends: Uint32Array.of(series.samples.length),
          timestamps: Float64Array.from(series.samples, ([timestampMs]) => timestampMs),
          values: Float64Array.from(series.samples, ([, value]) => value),
        };
      },
      close: () => {},
    };
  }

  async delete(request: DeleteQuery): Promise<{ series: number }> {
    this.deleted.push(request);
    await this.#enter(request.signal);
    return { series: this.stored.size };
  }

  async snapshot(): Promise<string> {
    await this.#enter();
    const name = `20261123015840-${(0xa000_0000 + this.#snapshots.size).toString(16).toUpperCase()}`;
    this.#snapshots.add(name);
    return name;
  }

  async snapshots(): Promise<string[]> {
    await this.#enter();
    return [...this.#snapshots];
  }

  async deleteSnapshot(name: string): Promise<boolean> {
    await this.#enter();
    return this.#snapshots.delete(name);
  }

  async flush(): Promise<void> {
    await this.#enter();
  }

  logNewSeries(): void {}

  async cardinality(): Promise<Listed<Cardinality>> {
    const lists = {
      seriesCountByMetricName: [],
      seriesCountByLabelName: [],
      seriesCountByFocusLabelValue: [],
      seriesCountByLabelValuePair: [],
      labelValueCountByLabelName: [],
    };
    return { items: [{ totalSeries: this.stored.size, totalLabelValuePairs: 0, ...lists }], isPartial: false };
  }

  async seriesCount(): Promise<Listed<number>> {
    return { items: [this.stored.size], isPartial: false };
  }

  async merge(): Promise<void> {
    await this.#enter();
  }

  metrics(): ReadonlyMap<string, number> {
    return new Map([["vm_test_series", this.stored.size]]);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #list(request: LabelsQuery): Promise<void> {
    this.listed.push(request);
    await this.#enter(request.signal);
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    const done = new AbortController();
    const aborted = new Promise<never>((_, reject) => {
      if (signal?.aborted) reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason), { signal: done.signal });
    });
    try {
      await Promise.race([this.gate, aborted]);
    } finally {
      done.abort();
    }
    if (this.failure !== null) throw this.failure;
  }
}
