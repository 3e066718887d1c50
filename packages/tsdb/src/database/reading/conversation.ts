/**
 * What a reader on another thread and the thread with the database say to each other, over a MessagePort.
 *
 *   reader                                          host
 *                                          ◄──  origin           once, at the beginning
 *   begin: a range, perhaps filters        ──►                   takes a snapshot
 *                                          ◄──  answer           its description, slots that match
 *   join: another reader's snapshot        ──►                   gives it to this one as well, under a number of its own
 *                                          ◄──  answer           its description
 *   cancel                                 ──►                   a question that nobody waits for any more
 *   slots, keys, texts                     ──►                   about the head's series of a snapshot
 *                                          ◄──  answer
 *   damage                                 ──►                   met in a file of a snapshot
 *   end                                    ──►                   gives the snapshot back
 *                                          ◄──  inUse            when files or memories have gone out of use
 *                                          ◄──  closed           when the database is closing: nothing begins any more
 *
 * Every question has a number; it comes back with `answer` or `failed`.
 */
import { InputError } from "../../base/errors.ts";
import type { Tenant } from "../../base/tenant.ts";
import type { FilterGroups } from "../../metricsql/ast.ts";
import type { TextColumns, TextSearch } from "../../storage/reading/asked-series.ts";
import type { InUse, Origin, SnapshotMessage } from "../../storage/reading/snapshot-message.ts";
import { ClosedError } from "../../storage/storage.ts";

/** Filters that slots are to be found for. */
export interface SlotQuestion {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
}

export type Question =
  | {
      readonly kind: "begin";
      readonly minMs: number;
      readonly maxMs: number;
      /** What the head is going to be asked anyway. */
      readonly slots: SlotQuestion | null;
    }
  /** One that another reader has, which it goes by as long as it has it. */
  | { readonly kind: "join"; readonly held: number }
  | ({ readonly kind: "slots"; readonly snapshot: number } & SlotQuestion)
  | { readonly kind: "keys"; readonly snapshot: number; readonly slots: Uint32Array }
  | { readonly kind: "texts"; readonly snapshot: number; readonly search: TextSearch };

export type FromReader =
  | { readonly kind: "ask"; readonly number: number; readonly question: Question }
  | { readonly kind: "cancel"; readonly number: number }
  | {
      readonly kind: "damage";
      readonly snapshot: number;
      readonly fileNumber: number;
      readonly path: string;
      readonly offset: number;
      /** Without path and offset. */
      readonly message: string;
    }
  | { readonly kind: "end"; readonly snapshot: number; readonly dropped: number };

/** Of the same kind as its question. */
export type Answer =
  | {
      readonly kind: "begin";
      readonly snapshot: SnapshotMessage;
      /** Null if they were not asked for, or the head has nothing in the range. */
      readonly slots: Uint32Array | null;
    }
  | { readonly kind: "join"; readonly snapshot: SnapshotMessage }
  | { readonly kind: "slots"; readonly slots: Uint32Array }
  | { readonly kind: "keys"; readonly bytes: Uint8Array; readonly ends: Uint32Array }
  | { readonly kind: "texts"; readonly texts: TextColumns };

export type FromHost =
  | { readonly kind: "origin"; readonly origin: Origin }
  | { readonly kind: "answer"; readonly number: number; readonly answer: Answer }
  | { readonly kind: "failed"; readonly number: number; readonly error: ErrorMessage }
  | { readonly kind: "inUse"; readonly inUse: InUse }
  | { readonly kind: "closed" };

/** An error as plain data: those that somebody tells apart are made again of it. */
export interface ErrorMessage {
  readonly code: string | undefined;
  readonly message: string;
  readonly status: number;
}

export function writeError(error: unknown): ErrorMessage {
  const { code, message, status } = error as { code?: string; message: string; status?: number };
  return { code, message, status: status ?? 0 };
}

export function readError({ code, message, status }: ErrorMessage): Error {
  if (code === "INPUT") return new InputError(message, status);
  if (code === "CLOSED") return new ClosedError(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
