/**
 * A database that is open on another thread, to be read on this one: queries are evaluated here, over files that are opened here and the head's memory, which is shared.
 *
 * ```ts
 * // where the database is                         // in the worker
 * const { port1, port2 } = new MessageChannel();   parentPort.once("message", async (port) => {
 * db.serveReader(port1);                             const reader = connectReader(port);
 * worker.postMessage(port2, [port2]);                const { series } = await reader.query("sum(up)");
 *                                                  });
 * ```
 */
import type { MessagePort } from "node:worker_threads";
import { type Clock, systemClock } from "../../base/clock.ts";
import type { Labels } from "../../base/labels.ts";
import type { QueryResult } from "../../query/result.ts";
import type { SharedSearch } from "../../query/shares/share.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, Source } from "../../query/source.ts";
import { Queries, type QueryOptions, type QueryRangeOptions } from "../queries.ts";
import { Conversation } from "./asking.ts";
import { Peer } from "./peer.ts";
import { ReadingSource } from "./reading-source.ts";

export interface ReaderOptions {
  /** Memory of this reader for pages of indexes, and label sets of the head. Bytes, 16 MiB by default. */
  readonly indexCacheBytes?: number;
  /** Memory of this reader for pieces and index pages of parts. Bytes, 16 MiB by default. */
  readonly partCacheBytes?: number;
  /** Samples that make a share of a query that others may help with (HelpOptions), series counting as a hundred each; 400,000 by default. At least two shares, or none. */
  readonly shareSamples?: number;
  /** Says what time it is where a query does not. */
  readonly clock?: Clock;
}

const CACHE_BYTES = 16 << 20;

/** Reads the database that is served at the other end of the port. Questions may be asked at once. */
export function connectReader(port: MessagePort, options: ReaderOptions = {}): Reader {
  const { indexCacheBytes = CACHE_BYTES, partCacheBytes = CACHE_BYTES, shareSamples, clock = systemClock } = options;
  return new Reader(
    new ReadingSource(new Conversation(port), { indexCacheBytes, partCacheBytes }, shareSamples),
    clock,
  );
}

/** What a reader has at the moment. */
export interface ReaderStats {
  readonly openFiles: number;
  readonly openSnapshots: number;
  readonly indexCacheBytes: number;
  readonly partCacheBytes: number;
}

/**
 * Answers as the database does, with the same errors; and ClosedError once the database, or the reader, is closed. A query sees what was acknowledged before it was
 * asked. As with the database, a cursor that is not read to its end must be closed.
 */
export class Reader extends Queries<ReadingSource> {
  /** Use connectReader. */
  constructor(source: ReadingSource, clock: Clock) {
    super(source, clock);
  }

  stats(): ReaderStats {
    return this.source.stats();
  }

  /** Closes the port. What is being read ends with ClosedError at its next question, or is read to its end. */
  close(): void {
    this.source.close();
  }

  /**
   * Gets to know another reader of the same database, at the other end of the port: each can help with queries of the other. The port keeps no thread alive.
   *
   * @example
   *   const peer = reader.meet(port);
   *   await reader.queryRange("sum by (job) (rate(requests_total[5m]))", { ...range, helpers: [peer] });
   */
  meet(port: MessagePort): Peer {
    return new Peer(port, (held, signal) => this.source.join(held, signal));
  }

  override async query(text: string, options: QueryOptions & HelpOptions = {}): Promise<QueryResult> {
    return await super.query(text, options);
  }

  override async queryRange(text: string, options: QueryRangeOptions & HelpOptions): Promise<QueryResult> {
    return await super.queryRange(text, options);
  }

  protected override sourceFor({ helpers }: HelpOptions): Source {
    return helpers === undefined ? this.source : new HelpedSource(this.source, helpers);
  }
}

export interface HelpOptions {
  /**
   * Readers that may work on shares of the query: of what it reads of many series of one selector, and aggregates over that (docs/decisions/0013-shares.md). Into which shares series fall is the same whoever helps,
   * and with nobody: an answer is the same to the bit for `[]` as for any others. Without this a query is not worked on in shares; sums then differ in their last digits.
   */
  readonly helpers?: readonly Peer[];
}

/** A reader's source for one query, which others help. */
class HelpedSource implements Source {
  private readonly source: ReadingSource;
  private readonly helpers: readonly Peer[];

  constructor(source: ReadingSource, helpers: readonly Peer[]) {
    this.source = source;
    this.helpers = helpers;
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    return await this.source.search(request);
  }

  async searchInShares(request: SearchRequest, isExact: boolean): Promise<SampleCursor | SharedSearch> {
    const mayShare = !isExact || this.helpers.some(({ isOpen }) => isOpen);
    return mayShare ? await this.source.divide(request, this.helpers) : await this.source.search(request);
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.source.series(request);
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.source.labelNames(request);
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.source.labelValues(label, request);
  }
}
