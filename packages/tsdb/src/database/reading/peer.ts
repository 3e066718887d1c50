/**
 * Readers that help each other with their queries, over a MessagePort of their own. Both ends may ask and are asked.
 *
 *   asks                                     helps
 *   help: snapshot, rows, claims, task  ──►          joins the snapshot, claims shares until there are none
 *                                       ◄──  share   what came of one, its memory handed over
 *                                       ◄──  failed  the error of the query
 *                                       ◄──  left    it does no more: there is nothing left, or it cannot
 *   end                                 ──►          nobody waits for it any more
 */
import type { MessagePort } from "node:worker_threads";
import { evaluateShare, memoryOf } from "../../query/shares/evaluate.ts";
import type { FinishedShare, ShareTask } from "../../query/shares/share.ts";
import type { SearchRequest } from "../../query/source.ts";
import type { FoundRows } from "../../storage/search/plan.ts";
import { SearchCursor, type SearchView } from "../../storage/search/search.ts";
import { ClosedError } from "../../storage/storage.ts";
import { Claims } from "./claims.ts";
import { type ErrorMessage, readError, writeError } from "./conversation.ts";
import { rowsOfShare } from "./divided-search.ts";

/** Plain data, and shared memory. */
export interface HelpRequest {
  /** The snapshot, by the number that the asking reader has it under. */
  readonly held: number;
  readonly claims: Int32Array;
  /** The helper, among those who claim. */
  readonly who: number;
  readonly search: Pick<SearchRequest, "tenant" | "minMs" | "maxMs">;
  readonly rows: FoundRows;
  readonly task: ShareTask;
}

/** Who asked hears of what is done. */
export interface HelpListener {
  onShare(share: number, finished: FinishedShare): void;
  onFailure(error: Error): void;
  /** It does no more. Shares that it has claimed and not finished are to be done by others. */
  onLeft(): void;
}

export interface Help {
  readonly hasLeft: boolean;
  /** Nobody waits for it any more: it stops, and nothing is heard of it. */
  end(): void;
}

type PeerMessage =
  | { readonly kind: "help"; readonly number: number; readonly request: HelpRequest }
  | { readonly kind: "end"; readonly number: number }
  | { readonly kind: "share"; readonly number: number; readonly share: number; readonly finished: FinishedShare }
  | { readonly kind: "failed"; readonly number: number; readonly error: ErrorMessage }
  | { readonly kind: "left"; readonly number: number };

/** Gives a helper what another reader reads. @throws ClosedError and others: then it does not help */
export type JoinSnapshot = (held: number, signal: AbortSignal) => Promise<SearchView>;

export interface PeerOptions {
  /** Whether the other end is worth asking. Always, if absent. */
  readonly isFree?: () => boolean;
  /** Whether this end has time for another share. Always, if absent. A share that it has begun it ends. */
  readonly hasTime?: () => boolean;
}

const ALWAYS = (): boolean => true;

export class Peer {
  private readonly port: MessagePort;
  private readonly join: JoinSnapshot;
  private readonly isOtherFree: () => boolean;
  private readonly hasTime: () => boolean;
  private readonly asked: Map<number, AskedHelp> = new Map();
  /** Queries of the other end that are being helped. */
  private readonly helping: Map<number, AbortController> = new Map();
  private lastNumber = 0;
  private isClosed = false;

  /** Use Reader.meet. */
  constructor(port: MessagePort, join: JoinSnapshot, { isFree = ALWAYS, hasTime = ALWAYS }: PeerOptions = {}) {
    this.port = port;
    this.join = join;
    this.isOtherFree = isFree;
    this.hasTime = hasTime;
    port.on("message", (message: PeerMessage) => this.hear(message));
    // Also when the other end's thread has ended, however it did.
    port.once("close", () => {
      this.isClosed = true;
      for (const help of [...this.asked.values()]) help.leave();
      for (const stopping of this.helping.values()) stopping.abort(new ClosedError("nobody waits for it"));
    });
    port.unref();
  }

  /** Whether the other end is there. */
  get isOpen(): boolean {
    return !this.isClosed;
  }

  /** Whether it is to be asked for help. */
  get isFree(): boolean {
    return !this.isClosed && this.isOtherFree();
  }

  /** Queries of this end that the other one helps, and the other way round. */
  get load(): { readonly asked: number; readonly helping: number } {
    return { asked: this.asked.size, helping: this.helping.size };
  }

  /** Parts from the other end: queries that it helps are done without it. */
  close(): void {
    this.port.close();
  }

  /** Asks the other end to work on shares. */
  help(request: HelpRequest, listener: HelpListener): Help {
    const number = ++this.lastNumber;
    const help = new AskedHelp(listener, (isWanted) => {
      this.asked.delete(number);
      if (this.asked.size === 0) this.port.unref();
      if (!isWanted) this.post({ kind: "end", number });
    });
    this.asked.set(number, help);
    if (this.asked.size === 1) this.port.ref();
    this.post({ kind: "help", number, request });
    return help;
  }

  private hear(message: PeerMessage): void {
    const { number } = message;
    switch (message.kind) {
      case "help":
        void this.work(number, message.request);
        return;
      case "end":
        this.helping.get(number)?.abort(new ClosedError("nobody waits for it"));
        return;
      case "share":
        this.asked.get(number)?.listener.onShare(message.share, message.finished);
        return;
      case "failed":
        this.asked.get(number)?.listener.onFailure(readError(message.error));
        return;
      case "left":
        this.asked.get(number)?.leave();
    }
  }

  private async work(number: number, request: HelpRequest): Promise<void> {
    const stopping = new AbortController();
    this.helping.set(number, stopping);
    let view: SearchView | null = null;
    try {
      if (!this.hasTime()) return;
      view = await this.join(request.held, stopping.signal);
      await this.workOnShares(number, request, view, stopping.signal);
    } catch (error) {
      // Without the snapshot, or a database, there is no help; what else is wrong is wrong with the query.
      const isGone = view === null || stopping.signal.aborted || (error as { code?: string }).code === "CLOSED";
      if (!isGone) this.post({ kind: "failed", number, error: writeError(error) });
    } finally {
      this.helping.delete(number);
      view?.release();
      this.post({ kind: "left", number });
    }
  }

  private async workOnShares(
    number: number,
    { claims: cells, who, search, rows, task }: HelpRequest,
    view: SearchView,
    signal: AbortSignal,
  ): Promise<void> {
    const claims = Claims.over(cells);
    while (this.hasTime()) {
      const share = claims.next(who);
      if (share < 0) return;
      const cursor = await SearchCursor.ofRows(
        view,
        { ...search, groups: [], signal },
        rowsOfShare(rows, share, cells.length),
      );
      try {
        const finished = await evaluateShare(task, cursor, search.tenant, signal);
        this.post({ kind: "share", number, share, finished }, memoryOf(finished.outcome));
      } finally {
        cursor.close();
      }
      // Each share is a query's work of some milliseconds; others have their turn.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  }

  private post(message: PeerMessage, transfer: readonly ArrayBuffer[] = []): void {
    this.port.postMessage(message, transfer);
  }
}

class AskedHelp implements Help {
  hasLeft = false;
  readonly listener: HelpListener;
  private readonly onOver: (isWanted: boolean) => void;

  /** @param onOver hears once that it is over, and whether the helper has said so itself */
  constructor(listener: HelpListener, onOver: (isWanted: boolean) => void) {
    this.listener = listener;
    this.onOver = onOver;
  }

  leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.onOver(true);
    this.listener.onLeft();
  }

  end(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.onOver(false);
  }
}
