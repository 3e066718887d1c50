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
import { Queries } from "../queries.ts";
import { Conversation } from "./asking.ts";
import { Peer, type PeerOptions } from "./peer.ts";
import { ReadingSource } from "./reading-source.ts";

export interface ReaderOptions {
  /** Memory of this reader for pages of indexes, and label sets of the head. Bytes, 16 MiB by default. */
  readonly indexCacheBytes?: number;
  /** Memory of this reader for pieces and index pages of parts. Bytes, 16 MiB by default. */
  readonly partCacheBytes?: number;
  /** As `rollupCacheBytes` of a database, for queries of this reader. Bytes, 0 by default. */
  readonly rollupCacheBytes?: number;
  /** Samples that make a share of a query that others may help with (QueryOptions.helpers), series counting as a hundred each; 400,000 by default. At least two shares, or none. */
  readonly shareSamples?: number;
  /** Says what time it is where a query does not. */
  readonly clock?: Clock;
}

const CACHE_BYTES = 16 << 20;

/** Reads the database that is served at the other end of the port. Questions may be asked at once. */
export function connectReader(port: MessagePort, options: ReaderOptions = {}): Reader {
  const { indexCacheBytes = CACHE_BYTES, partCacheBytes = CACHE_BYTES, shareSamples, clock = systemClock } = options;
  const { rollupCacheBytes = 0 } = options;
  return new Reader(
    new ReadingSource(new Conversation(port), { indexCacheBytes, partCacheBytes }, shareSamples),
    clock,
    rollupCacheBytes,
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
  constructor(source: ReadingSource, clock: Clock, rollupCacheBytes: number) {
    super(source, clock, rollupCacheBytes);
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
  meet(port: MessagePort, options: PeerOptions = {}): Peer {
    return new Peer(port, (held, signal) => this.source.join(held, signal), options);
  }
}
