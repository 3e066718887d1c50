/**
 * The thread with the database serves a reader on another thread: takes snapshots for it, describes them, answers what it has to know of the head's series, and gives them back when
 * the reader says so, or when it is gone. What that costs this thread follows from what is asked of the head, not from what is read.
 */
import type { MessagePort, Transferable } from "node:worker_threads";
import { CorruptionError, InputError } from "../../base/errors.ts";
import { Pacer } from "../../storage/pacer.ts";
import type { SnapshotMessage } from "../../storage/reading/snapshot-message.ts";
import { SnapshotWriter } from "../../storage/reading/snapshot-writer.ts";
import { Known, LABEL_NAMES, valuesOf } from "../../storage/search/label-search.ts";
import type { Snapshot } from "../../storage/search/search.ts";
import { ClosedError, type Storage } from "../../storage/storage.ts";
import { type Answer, type FromHost, type FromReader, type Question, writeError } from "./conversation.ts";
import type { HeldSnapshots } from "./held-snapshots.ts";

/** Bytes of keys in one answer. */
const KEYS_BYTES = 1 << 18;

/** The end of a port behind which a reader is. */
export interface ServedReader {
  /** Snapshots that it has at the moment. */
  readonly openSnapshots: number;
  /** Settles when the port is closed, by either side, and everything is given back. */
  readonly ended: Promise<void>;
  /** Closes the port: what the reader has is given back at once, though it may be in the middle of something. End its thread before. */
  close(): void;
}

export class ReaderHost implements ServedReader {
  readonly ended: Promise<void>;
  private readonly port: MessagePort;
  private readonly storage: Storage;
  private readonly all: HeldSnapshots;
  private readonly writer: SnapshotWriter = new SnapshotWriter();
  private readonly held: Map<number, Snapshot> = new Map();
  /** Questions that are being answered. */
  private readonly asked: Map<number, AbortController> = new Map();
  private readonly stopWatching: () => void;
  private isClosing = false;

  /** @param all those of all readers of the database */
  constructor(port: MessagePort, storage: Storage, all: HeldSnapshots) {
    const { origin } = storage;
    if (origin === null)
      throw new InputError("serve a reader: want a database in a folder, got one on a disk of its own");
    this.port = port;
    this.storage = storage;
    this.all = all;
    this.stopWatching = storage.watch({
      onOutOfUse: () => this.tellInUse(),
      onClosing: () => {
        this.isClosing = true;
        this.post({ kind: "closed" });
        this.closeIfDone();
      },
    });
    this.ended = new Promise((resolve) => {
      // Also when the reader's thread has ended, however it did.
      port.once("close", () => {
        this.end();
        resolve();
      });
    });
    port.on("message", (message: FromReader) => this.hear(message));
    // What keeps the process alive is others' to decide.
    port.unref();
    this.post({ kind: "origin", origin });
  }

  get openSnapshots(): number {
    return this.held.size;
  }

  close(): void {
    this.port.close();
  }

  private hear(message: FromReader): void {
    if (message.kind === "ask") void this.answer(message.number, message.question);
    else if (message.kind === "cancel") this.asked.get(message.number)?.abort(new ClosedError("nobody waits for it"));
    else if (message.kind === "end") this.giveBack(message.snapshot, message.dropped);
    else {
      const { path, offset } = message;
      this.reportDamage(message.snapshot, message.fileNumber, new CorruptionError(path, offset, message.message));
    }
  }

  private async answer(number: number, question: Question): Promise<void> {
    const stopping = new AbortController();
    this.asked.set(number, stopping);
    try {
      const pacer = new Pacer(stopping.signal);
      if (question.kind === "begin") await this.begin(number, question, pacer);
      else if (question.kind === "join") this.join(number, question.held);
      else {
        const answer = await this.answerOf(question, pacer);
        this.post({ kind: "answer", number, answer }, transferOf(answer));
      }
    } catch (error) {
      this.post({ kind: "failed", number, error: writeError(error) });
    } finally {
      this.asked.delete(number);
    }
  }

  private async answerOf(question: Exclude<Question, { kind: "begin" | "join" }>, pacer: Pacer): Promise<Answer> {
    const snapshot = this.held.get(question.snapshot);
    if (snapshot === undefined) throw new ClosedError("the snapshot was given back");
    const { registry } = snapshot;
    if (question.kind === "slots") {
      return { kind: "slots", slots: own(await registry.findSlots(question.tenant, question.groups, pacer)) };
    }
    if (question.kind === "texts") {
      const { label, ...search } = question.search;
      const query = label === null ? LABEL_NAMES : valuesOf(label);
      // In any order: they are put in order where they are wanted.
      const found = await snapshot.headTexts(search, query, new Known(0), pacer);
      return { kind: "texts", texts: found.columns };
    }
    const { bytes, ends } = registry.store.keysOf(question.slots, 0, KEYS_BYTES);
    return { kind: "keys", bytes: bytes.slice(), ends: ends.slice() };
  }

  private async begin(number: number, question: Question & { kind: "begin" }, pacer: Pacer): Promise<void> {
    const { storage } = this;
    const { maxMs, slots } = question;
    const minMs = Math.max(question.minMs, storage.oldestShownMs());
    const registry = slots === null ? null : storage.headSeries(minMs, maxMs);
    const found =
      slots === null || registry === null ? null : await registry.findSlots(slots.tenant, slots.groups, pacer);
    // From here on at once: what is described must be sent before anything else is described.
    const snapshot = storage.snapshot(minMs, maxMs);
    // Slots of a registry that has been replaced meanwhile mean nothing.
    const ownSlots = found === null || registry !== snapshot.registry ? null : own(found);
    this.give(number, this.all.hold(snapshot), snapshot, (message) => ({
      kind: "begin",
      snapshot: message,
      slots: ownSlots,
    }));
  }

  /** Another reader's snapshot is this one's as well. Its samples are those of the same moment at least. */
  private join(number: number, other: number): void {
    const joined = this.all.join(other);
    if (joined === null) throw new ClosedError("the snapshot was given back");
    this.give(number, joined.number, joined.snapshot, (message) => ({ kind: "join", snapshot: message }));
  }

  private give(
    number: number,
    held: number,
    snapshot: Snapshot,
    answerWith: (message: SnapshotMessage) => Answer,
  ): void {
    this.held.set(held, snapshot);
    try {
      const answer = answerWith(this.writer.write(held, snapshot));
      this.post({ kind: "answer", number, answer }, transferOf(answer));
    } catch (error) {
      this.giveBack(held, 0);
      throw error;
    }
  }

  private giveBack(number: number, dropped: number): void {
    const snapshot = this.held.get(number);
    if (snapshot === undefined) return;
    this.held.delete(number);
    if (dropped > 0) snapshot.onDropped(dropped);
    this.all.giveBack(number);
    this.closeIfDone();
  }

  private reportDamage(number: number, fileNumber: number, error: CorruptionError): void {
    const snapshot = this.held.get(number);
    for (const { parts, index } of snapshot?.partitions ?? []) {
      const part = parts.find((other) => other.fileNumber === fileNumber);
      if (part !== undefined) snapshot?.onCorruption(part, error);
      index.reportFile(fileNumber, error);
    }
  }

  private tellInUse(): void {
    const { partitions, stores } = this.storage.inUse;
    this.post({ kind: "inUse", inUse: this.writer.forget(partitions, stores) });
  }

  private closeIfDone(): void {
    if (this.isClosing && this.held.size === 0) this.port.close();
  }

  /** Nobody is at the other end any more. */
  private end(): void {
    this.stopWatching();
    for (const stopping of this.asked.values()) stopping.abort(new ClosedError("the reader is gone"));
    for (const number of [...this.held.keys()]) this.giveBack(number, 0);
    this.writer.end(this.storage.inUse.generations);
  }

  private post(message: FromHost, transfer: readonly Transferable[] = []): void {
    this.port.postMessage(message, transfer);
  }
}

/** A list in memory of its own, which can be handed over. */
function own(slots: Uint32Array): Uint32Array {
  return slots.slice();
}

function transferOf(answer: Answer): Transferable[] {
  if (answer.kind === "texts")
    return [answer.texts.bytes.buffer as ArrayBuffer, answer.texts.ends.buffer as ArrayBuffer];
  if (answer.kind === "keys") return [answer.bytes.buffer as ArrayBuffer, answer.ends.buffer as ArrayBuffer];
  if (answer.kind === "join" || answer.slots === null) return [];
  return [answer.slots.buffer as ArrayBuffer];
}
