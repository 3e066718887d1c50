/**
 * The server's own metrics: written for /metrics, and stored every -selfScrapeInterval through the same parser that
 * strangers' text goes through, so that a fresh server has something to show.
 */
import { formatMetricName, type MetricSet, writeProcessMetrics } from "@nyanza/metrics";
import { DEFAULT_TENANT } from "@nyanza/tsdb";
import { RowBatch } from "@nyanza/tsdb/ingest";
import { OverloadError } from "../http/errors.ts";
import type { Logger } from "../process/logger.ts";
import { writePressure } from "../process/pressure.ts";
import { parsePrometheusText } from "../protocol/prometheus/parse.ts";
import type { ServedDatabase } from "./database.ts";
import { ExtraLabelSink, StaleSink } from "./sinks.ts";

export interface OwnMetricsOptions {
  readonly set: MetricSet;
  readonly version: string;
  readonly flagTexts: ReadonlyMap<string, string>;
  readonly givenFlags: ReadonlySet<string>;
  readonly allowedMemoryBytes: number;
  readonly availableMemoryBytes: number;
  readonly cpuCores: number;
  /** What the storage counts, by metric name with labels. */
  readonly readStorage: () => ReadonlyMap<string, number>;
}

export class OwnMetrics {
  readonly #options: OwnMetricsOptions;
  readonly #startMs: number;
  readonly #constants: string;

  constructor(options: OwnMetricsOptions) {
    this.#options = options;
    this.#startMs = Date.now();
    const { set, version, allowedMemoryBytes, availableMemoryBytes, cpuCores } = options;
    const versions = [
      ["version", `nyanza-${version}`],
      ["short_version", `v${version}`],
    ] as const;
    set.getOrCreateGauge(formatMetricName("vm_app_version", versions)).set(1);
    set.getOrCreateGauge("vm_app_start_timestamp").set(Math.floor(this.#startMs / 1000));
    set.getOrCreateGauge("vm_app_uptime_seconds", () => Math.floor((Date.now() - this.#startMs) / 1000));
    set.getOrCreateGauge("vm_allowed_memory_bytes").set(allowedMemoryBytes);
    set.getOrCreateGauge("vm_available_memory_bytes").set(availableMemoryBytes);
    set.getOrCreateGauge("vm_available_cpu_cores").set(cpuCores);
    set.getOrCreateGauge("process_cpu_cores_available").set(cpuCores);
    // Nothing relabels yet.
    set.getOrCreateCounter("vm_relabel_metrics_dropped_total");
    this.#constants = [...options.flagTexts]
      .map(([name, value]) => {
        const isSet = String(options.givenFlags.has(name));
        const labels = [
          ["name", name],
          ["value", value],
          ["is_set", isSet],
        ] as const;
        return `${formatMetricName("flag", labels)} 1\n`;
      })
      .join("");
  }

  /** Prometheus' text format. */
  write(): string {
    const storage = [...this.#options.readStorage()].map(([name, value]) => `${name} ${value}\n`).join("");
    return this.#options.set.writePrometheus() + storage + writeProcessMetrics() + writePressure() + this.#constants;
  }
}

export interface SelfScrapeOptions {
  readonly write: () => string;
  readonly database: Pick<ServedDatabase, "appendBatch">;
  readonly intervalMs: number;
  readonly job: string;
  readonly instance: string;
  readonly logger: Logger;
  readonly now?: () => number;
}

/** Stores what `write` says now, and every interval until stopped. */
export class SelfScraper {
  readonly #options: SelfScrapeOptions;
  readonly #batch = new RowBatch();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SelfScrapeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.scrape();
    this.#timer = setInterval(() => {
      // A slow disk must not pile them up.
      this.#running = this.#running.then(() => this.scrape());
    }, this.#options.intervalMs);
  }

  /** Ends every series with a staleness marker, as a scraper does for a target that is gone. Does nothing before start(). */
  async stop(): Promise<void> {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    await this.#running;
    await this.scrape(true);
  }

  /** Never rejects: metrics that cannot be stored are logged. */
  async scrape(isLast: boolean = false): Promise<void> {
    const { database, instance, job, logger, now, write } = this.#options;
    try {
      const bytes = Buffer.from(write());
      this.#batch.reset(DEFAULT_TENANT);
      const labels = [
        ["job", job],
        ["instance", instance],
      ] as const;
      const sink = new ExtraLabelSink(isLast ? new StaleSink(this.#batch) : this.#batch, labels);
      const report = parsePrometheusText(bytes, 0, bytes.length, sink, {
        defaultTimestampMs: (now ?? Date.now)(),
        isOpenMetrics: false,
      });
      if (report.invalidRows > 0) logger.error(`own metrics: ${report.invalidRows} bad lines: ${report.firstError}`);
      await database.appendBatch(this.#batch);
    } catch (error) {
      // Whoever refuses has said why, once.
      if (error instanceof OverloadError) return;
      logger.error(
        `cannot store own metrics: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    }
  }
}
