/**
 * A snapshot as a message to another thread: names of files, shared memories, and plain data. What the receiver was told before is not told again: a small query's message is
 * small, however many files the database has.
 */
import type { SharedPage } from "../../base/paged-numbers.ts";
import type { StoreView } from "../../kernel/sample-store.ts";
import type { TombstoneColumns } from "../deletes/tombstones.ts";
import type { PartMark } from "../rules/merge-rules.ts";
import type { SampleRules } from "../rules/sample-rules.ts";

/** What holds for a database as long as it is open. */
export interface Origin {
  /** Its folder. */
  readonly root: string;
  readonly rules: SampleRules;
  readonly retentionMs: number;
  /** What has happened to the past: storage/changes/change-log.ts. */
  readonly settleMs: number;
  readonly changes: SharedArrayBuffer;
}

export interface FilePlace {
  readonly fileNumber: number;
  /** Relative to the root. */
  readonly path: string;
}

export interface PartPlace extends FilePlace {
  readonly mark: PartMark | null;
}

/** What a month consists of. */
export interface PartitionFiles {
  readonly startMs: number;
  readonly endMs: number;
  readonly parts: readonly PartPlace[];
  readonly segments: readonly FilePlace[];
  readonly tombstones: TombstoneColumns | null;
  readonly isSparse: boolean;
}

export interface PartitionMessage {
  readonly name: string;
  /** Null: those of the last message. */
  readonly files: PartitionFiles | null;
  /** Slots by id (Partition.slots): pages that the receiver has not got. Null: the links of the last message, and no new pages. */
  readonly links: { readonly epoch: number; readonly isNew: boolean; readonly pages: readonly SharedPage[] } | null;
}

/** A generation of the head. */
export interface StoreMessage {
  /** Of the store, which serves several generations one after the other. */
  readonly store: number;
  readonly generation: number;
  /** Null: that of the last message about this store. */
  readonly memory: StoreView["memory"] | null;
  readonly scratchEnd: number;
  readonly end: number;
  /** The receiver's own columns there. */
  readonly columnsAt: number;
  /** Its slots are those of another registry: `oldSlots` has them by those of the snapshot's. Null: the pages of an earlier message. */
  readonly isMoved: boolean;
  readonly oldSlots: readonly SharedPage[] | null;
}

export interface SnapshotMessage {
  readonly number: number;
  readonly nowMs: number;
  readonly oldestMs: number;
  readonly isPartial: boolean;
  /** Of the registry, and how many series it has. */
  readonly epoch: number;
  readonly size: number;
  readonly stores: readonly StoreMessage[];
  readonly partitions: readonly PartitionMessage[];
}

/** What there still is of what was named in messages. The rest can be let go once no open snapshot has it. */
export interface InUse {
  readonly partitions: readonly string[];
  readonly files: readonly number[];
  readonly stores: readonly number[];
}
