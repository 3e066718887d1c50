/**
 * Everything that takes samples in: remote write, OpenTelemetry, JSON lines, text exposition, blocks.
 *
 *   body (body.ts) → parser (protocol/) → batch → database.appendBatch → 204
 *
 * The answer is sent when the samples are in the log. What is bad inside a readable body is skipped, counted in
 * `vm_rows_invalid_total` and logged at a limited rate; the rest is stored.
 */
import type { MetricSet } from "@nyanza/metrics";
import { InputError } from "@nyanza/tsdb";
import { type RemoteWriteBatch, RemoteWriteParser, RowBatch, type WriteBatch } from "@nyanza/tsdb/ingest";
import { quote } from "../http/arguments.ts";
import {
  type BodyContext,
  type BodyLimits,
  type LineLimits,
  readChunks,
  readLines,
  readRawBody,
  withBody,
} from "../http/body.ts";
import type { Handler, RequestContext } from "../http/context.ts";
import { decodeBody, parseEncoding } from "../http/decode.ts";
import type { HttpRequest } from "../http/exchange.ts";
import type { RequestQueue } from "../http/queue.ts";
import { sendBody, sendStatus } from "../http/response.ts";
import { Turns } from "../http/turns.ts";
import type { Logger } from "../process/logger.ts";
import { BlockStreamReader } from "../protocol/blocks/reader.ts";
import { parseJsonLines } from "../protocol/json-lines/parse.ts";
import { type OtlpOptions, otlpEncodingOf, parseOtlpInSteps } from "../protocol/otlp/parse.ts";
import { parsePrometheusText } from "../protocol/prometheus/parse.ts";
import { parseRemoteWrite } from "../protocol/remote-write/parse.ts";
import { ParseReport } from "../protocol/report.ts";
import type { RowSink } from "../protocol/row-sink.ts";
import type { ServedDatabase } from "./database.ts";
import { type ExtraLabels, getExtraLabels, parsePushgatewayPath } from "./extra-labels.ts";
import type { MetadataStore } from "./metadata.ts";
import { encodeOtlpAnswer, otlpContentType } from "./otlp-answer.ts";
import { ExtraLabelSink, NamingSink } from "./sinks.ts";

export interface InsertOptions {
  readonly database: Pick<ServedDatabase, "appendBatch">;
  readonly metrics: MetricSet;
  /** Hears what senders say of their metrics. */
  readonly metadata: MetadataStore;
  /** Its warnings are limited: they quote what strangers sent. */
  readonly logger: Logger;
  readonly body: BodyContext;
  /** Limits how many bodies are parsed and stored at a time. */
  readonly queue: RequestQueue;
  /** Whether names are given the characters Prometheus allows. */
  readonly isNamingSanitized: boolean;
  readonly maxRequestBytes: number;
  readonly maxOtlpRequestBytes: number;
  readonly maxLineBytes: number;
  readonly otlp: OtlpOptions;
}

/** Values of the label `type`, VictoriaMetrics' names of the protocols. */
const TYPES = ["promremotewrite", "opentelemetry", "vmimport", "prometheus", "blocks"] as const;
type InsertType = (typeof TYPES)[number];

/** Samples in a batch before it is handed on: keeps memory flat however long the body. */
const BATCH_SAMPLES = 100_000;

export class Inserter {
  readonly #options: InsertOptions;
  readonly #batches: Pool<RowBatch> = new Pool(() => new RowBatch());
  readonly #parsers: Pool<RemoteWriteParser> = new Pool(() => new RemoteWriteParser());
  readonly #turns: Turns = new Turns();
  readonly #remoteWriteLimits: BodyLimits;
  readonly #otlpLimits: BodyLimits;
  readonly #lineLimits: LineLimits;

  constructor(options: InsertOptions) {
    this.#options = options;
    this.#remoteWriteLimits = { maxBytes: options.maxRequestBytes, flag: "maxInsertRequestSize" };
    this.#otlpLimits = { maxBytes: options.maxOtlpRequestBytes, flag: "opentelemetry.maxRequestSize" };
    this.#lineLimits = {
      maxLineBytes: options.maxLineBytes,
      flag: "import.maxLineLen",
      wholeBody: this.#remoteWriteLimits,
    };
    // There from the start: a rate over a counter that appears with its first value misses that value.
    for (const type of TYPES) {
      options.metrics.getOrCreateCounter(`vm_rows_inserted_total{type="${type}"}`);
      options.metrics.getOrCreateCounter(`vm_rows_invalid_total{type="${type}"}`);
    }
  }

  readonly writeRemote: Handler = async (context) => {
    const { args, request, response } = context;
    // VictoriaMetrics' agents ask whether they may send zstd.
    if (args.get("get_vm_proto_version") === "1") {
      sendBody(request, response, { contentType: "text/plain; charset=utf-8" }, "1");
      return;
    }
    if (request.method === "GET") throw new InputError("remote write: want POST with a body, got GET", 405);
    if (/\bproto=io\.prometheus\.write\.v2\./i.test(request.headers["content-type"] ?? "")) {
      throw new InputError("remote write 2.0 is not supported, want 1.0 (prometheus.WriteRequest)", 415);
    }
    const extraLabels = getExtraLabels(args);
    const { bytes, release } = await readRawBody(request, this.#remoteWriteLimits, this.#options.body);
    try {
      await this.#work(context.signal, async () => {
        // Storage has read a batch when the call returns, so a parser does not wait for the log: one that sees all bodies recalls more of their series.
        const { stored } = await this.#parsers.lend(async (parser) => {
          const batch = await this.#parseRemoteWrite(parser, bytes, context);
          this.#reportRemoteWrite(batch);
          this.#options.metadata.addAll(batch);
          return { stored: this.#storeWithLabels(batch, extraLabels) };
        });
        await stored;
      });
    } finally {
      release();
    }
    sendStatus(response, 204);
  };

  /** Has read the batch when it returns. */
  #storeWithLabels(batch: RemoteWriteBatch, extraLabels: ExtraLabels): Promise<void> {
    if (!this.#isChanged(extraLabels)) return this.#store(batch, "promremotewrite");
    return this.#batches.lend((target) => {
      target.reset(batch.tenant);
      copyRows(batch, this.#sinkFor(target, extraLabels));
      return this.#store(target, "promremotewrite");
    });
  }

  #parseRemoteWrite(
    parser: RemoteWriteParser,
    body: Uint8Array,
    { request, tenant }: RequestContext,
  ): Promise<RemoteWriteBatch> {
    const { maxBytes, flag } = this.#remoteWriteLimits;
    return parseRemoteWrite(parser, body, {
      tenant,
      encoding: parseEncoding(request.headers["content-encoding"]),
      maxBytes,
      unpack: (packed, encoding) => decodeBody(packed, encoding, maxBytes, flag),
    });
  }

  #reportRemoteWrite(batch: RemoteWriteBatch): void {
    const { metrics } = this.#options;
    const type = 'type="promremotewrite"';
    metrics.getOrCreateCounter(`vm_protoparser_rows_read_total{${type}}`).add(batch.sampleCount);
    for (const [reason, count] of [
      ["exemplar", batch.exemplarCount],
      ["native_histogram", batch.histogramCount],
      ["no_labels", batch.unnamedSampleCount],
    ] as const) {
      if (count > 0) metrics.getOrCreateCounter(`vm_rows_ignored_total{${type},reason="${reason}"}`).add(count);
    }
  }

  readonly writeOtlp: Handler = async (context) => {
    const { args, request, response, tenant } = context;
    const extraLabels = getExtraLabels(args);
    const encoding = otlpEncodingOf(request.headers["content-type"]);
    const report = new ParseReport();
    const options: OtlpOptions = {
      ...this.#options.otlp,
      onMetadata: (said) => this.#options.metadata.add(tenant, said),
    };
    try {
      await withBody(request, this.#otlpLimits, this.#options.body, (body) =>
        this.#work(context.signal, () =>
          this.#batches.lend(async (batch) => {
            const sink = this.#sinkFor(batch, extraLabels);
            batch.reset(tenant);
            for (const _ of parseOtlpInSteps(body, encoding, sink, report, options)) {
              await this.#store(batch, "opentelemetry");
              batch.reset(tenant);
            }
            await this.#store(batch, "opentelemetry");
          }),
        ),
      );
    } finally {
      this.#report(request, "opentelemetry", report);
    }
    const answer = encodeOtlpAnswer(encoding, report.invalidRows, report.firstError);
    sendBody(request, response, { contentType: otlpContentType(encoding) }, answer);
  };

  readonly importJson: Handler = async (context) => {
    const extraLabels = getExtraLabels(context.args);
    await this.#importLines(context, "vmimport", extraLabels, (piece, sink, firstLine) =>
      parseJsonLines(piece, 0, piece.length, sink, { lineBytesMax: this.#options.maxLineBytes, firstLine }),
    );
    sendStatus(context.response, 204);
  };

  readonly importText: Handler = async (context) => {
    const isPushgateway = context.rest !== "" || context.path.endsWith("/metrics/");
    const pathLabels = isPushgateway ? parsePushgatewayPath(context.rest) : [];
    const extraLabels = [...new Map([...pathLabels, ...getExtraLabels(context.args)])];
    const defaultTimestampMs = context.args.getInteger("timestamp", context.startMs);
    const isOpenMetrics = /^application\/openmetrics-text\b/i.test(context.request.headers["content-type"] ?? "");
    await this.#importLines(context, "prometheus", extraLabels, (piece, sink, firstLine) =>
      parsePrometheusText(piece, 0, piece.length, sink, {
        defaultTimestampMs,
        isOpenMetrics: isOpenMetrics ? true : undefined,
        firstLine,
        onMetadata: (said) => this.#options.metadata.add(context.tenant, said),
      }),
    );
    sendStatus(context.response, isPushgateway ? 200 : 204);
  };

  readonly importBlocks: Handler = async (context) => {
    const { request, tenant } = context;
    const extraLabels = getExtraLabels(context.args);
    const { body, logger, metrics } = this.#options;
    const reader = new BlockStreamReader();
    const rowsRead = metrics.getOrCreateCounter('vm_protoparser_rows_read_total{type="blocks"}');
    try {
      await this.#batches.lend(async (batch) => {
        const sink = this.#sinkFor(batch, extraLabels);
        // A block is a batch: what is bad takes nothing of its block with it.
        const storeBlocks = async (): Promise<void> => {
          for (;;) {
            batch.reset(tenant);
            const samples = reader.samples;
            if (!reader.nextBlock(sink)) return;
            await this.#store(batch, "blocks");
            rowsRead.add(reader.samples - samples);
          }
        };
        await readChunks(request, this.#remoteWriteLimits, body, (chunk) => {
          reader.push(chunk);
          return reader.isWaiting ? undefined : this.#work(context.signal, storeBlocks);
        });
        reader.finish();
      });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      metrics.getOrCreateCounter('vm_rows_invalid_total{type="blocks"}').inc();
      const { blocks, samples } = reader;
      throw new InputError(
        `${error.message}; ${samples} samples in ${blocks} blocks before it were taken`,
        error.status,
      );
    }
    if (reader.isPartial) {
      const from = quote(request.socket.remoteAddress ?? "");
      logger.warn(`blocks: what came from ${from} is whole, but damage kept its source from reading all that it had`);
    }
    sendStatus(context.response, 204);
  };

  async #importLines(
    context: RequestContext,
    type: InsertType,
    extraLabels: ExtraLabels,
    parse: (piece: Uint8Array, sink: RowSink, firstLine: number) => ParseReport,
  ): Promise<void> {
    const total = new ParseReport();
    let firstLine = 1;
    await this.#batches.lend(async (batch) => {
      const sink = this.#sinkFor(batch, extraLabels);
      const takePiece = async (piece: Uint8Array): Promise<void> => {
        total.add(parse(piece, sink, firstLine));
        firstLine += countLines(piece);
        if (batch.sampleCount < BATCH_SAMPLES) return;
        await this.#store(batch, type);
        batch.reset(context.tenant);
      };
      batch.reset(context.tenant);
      try {
        await readLines(context.request, this.#lineLimits, this.#options.body, (piece) =>
          this.#work(context.signal, () => takePiece(piece)),
        );
      } finally {
        // What came whole before a body broke off is kept, as with any other stream.
        await this.#store(batch, type);
        this.#report(context.request, type, total);
      }
    });
  }

  /** Parses and stores when there is a place for it and it is its turn. */
  #work<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#options.queue.run(signal, async () => {
      await this.#turns.take(signal);
      return await work();
    });
  }

  #isChanged(extraLabels: ExtraLabels): boolean {
    return extraLabels.length > 0 || this.#options.isNamingSanitized;
  }

  #sinkFor(batch: RowBatch, extraLabels: ExtraLabels): RowSink {
    const sink = extraLabels.length === 0 ? batch : new ExtraLabelSink(batch, extraLabels);
    return this.#options.isNamingSanitized ? new NamingSink(sink) : sink;
  }

  /** Resolves when the batch is in the log. */
  async #store(batch: WriteBatch, type: InsertType): Promise<void> {
    if (batch.sampleCount === 0) return;
    const { database, logger, metrics } = this.#options;
    const counts = await database.appendBatch(batch);
    metrics.getOrCreateCounter(`vm_rows_inserted_total{type="${type}"}`).add(counts.stored);
    metrics.getOrCreateHistogram(`vm_rows_per_insert{type="${type}"}`).update(counts.stored);
    // What is out of time or over a limit the storage counts by itself.
    if (counts.tooOld + counts.tooNew > 0) {
      logger.warn(
        `${type}: did not take ${counts.tooOld} samples older than -retentionPeriod and ${counts.tooNew} newer than -futureRetention`,
      );
    }
    if (counts.invalidLabels > 0) {
      metrics.getOrCreateCounter(`vm_rows_invalid_total{type="${type}"}`).add(counts.invalidLabels);
      logger.warn(
        `${type}: skipped ${counts.invalidLabels} samples with bad labels; the first: ${counts.firstInvalid} in ${counts.firstInvalidLabels}`,
      );
    }
  }

  #report(request: HttpRequest, type: InsertType, report: ParseReport): void {
    const { logger, metrics } = this.#options;
    metrics.getOrCreateCounter(`vm_protoparser_rows_read_total{type="${type}"}`).add(report.rows);
    for (const [reason, count] of report.skipped) {
      metrics.getOrCreateCounter(`vm_rows_ignored_total{type="${type}",reason="${reason}"}`).add(count);
    }
    if (report.invalidRows === 0) return;
    metrics.getOrCreateCounter(`vm_rows_invalid_total{type="${type}"}`).add(report.invalidRows);
    const from = quote(request.socket.remoteAddress ?? "");
    logger.warn(`${type}: skipped ${report.invalidRows} bad rows from ${from}; the first: ${report.firstError}`);
  }
}

/** Things that are lent to one request at a time and used again: a batch is a request's own until it is in the log. */
class Pool<T> {
  readonly #idle: T[] = [];
  readonly #create: () => T;

  constructor(create: () => T) {
    this.#create = create;
  }

  async lend<R>(use: (item: T) => Promise<R>): Promise<R> {
    const item = this.#idle.pop() ?? this.#create();
    try {
      return await use(item);
    } finally {
      this.#idle.push(item);
    }
  }
}

/** Copies a batch, bit by bit, for what changes on the way. */
function copyRows(batch: WriteBatch, sink: RowSink): void {
  const bytes = new Uint8Array(batch.values.buffer, batch.values.byteOffset, batch.values.byteLength);
  let lo = 0;
  for (let i = 0; i < batch.seriesCount; i++) {
    sink.beginSeries();
    for (const { name, value } of batch.readLabels(i)) {
      const pair = Buffer.concat([name, value]);
      sink.addLabelBytes(pair, 0, name.length, name.length, pair.length);
    }
    sink.endLabels();
    const hi = batch.sampleEnds[i] as number;
    for (; lo < hi; lo++) sink.addSampleBits(batch.timestamps[lo] as number, bytes, lo * 8);
  }
}

function countLines(piece: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < piece.length; i++) if (piece[i] === 10) count += 1;
  return count;
}
