/**
 * Who does the work of a merge: this thread in slices, or another (merge-thread.ts). What is merged, and what becomes of the result, is merging.ts' matter.
 */
import type { Disk } from "../../disk/disk.ts";
import type { Tombstones } from "../deletes/tombstones.ts";
import { type Pace, Pacer } from "../pacer.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { MergeRules } from "../rules/merge-rules.ts";
import { type MergedPart, mergeParts } from "./merge.ts";

/** A merge as its doer needs it. The sources are immutable and held open by whoever asks. */
export interface MergeJob {
  /** Oldest first. */
  readonly sources: readonly PartReader[];
  /** Of the part to be made. */
  readonly path: string;
  readonly fileNumber: number;
  /** Samples before this are left out, ms. */
  readonly minMs: number;
  /** Deleted samples are left out. */
  readonly tombstones: Tombstones | null;
  readonly rules: MergeRules | null;
}

/** The merge was given up because the database is closing. Nothing is left of it. */
export class MergeCancelledError extends Error {
  readonly code: "MERGE_CANCELLED" = "MERGE_CANCELLED";
}

export interface Merger {
  /** Samples the merge under way has written so far. */
  readonly rowsDone: number;
  /**
   * What came of it. One merge at a time. Whatever goes wrong, no file is left.
   * @throws CorruptionError naming the damaged source, MergeCancelledError, and the disk's errors
   */
  merge(job: MergeJob): Promise<MergedPart>;
  /** The merge under way, and all later ones, are given up within a second. */
  cancel(): Promise<void>;
}

/** Merges on this thread, a few milliseconds at a time. */
export class SlicedMerger implements Merger {
  rowsDone = 0;
  private readonly abort: AbortController = new AbortController();
  private readonly disk: Disk;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  async merge({ sources, path, fileNumber, minMs, tombstones, rules }: MergeJob): Promise<MergedPart> {
    const { signal } = this.abort;
    signal.throwIfAborted();
    const pacer = new Pacer(signal);
    const pace: Pace = {
      get isDue() {
        return pacer.isDue;
      },
      pause: async (rows = 0) => {
        this.rowsDone = rows;
        await pacer.pause();
      },
    };
    try {
      return await mergeParts(this.disk, sources, path, fileNumber, minMs, tombstones, pace, rules);
    } finally {
      this.rowsDone = 0;
    }
  }

  async cancel(): Promise<void> {
    this.abort.abort(new MergeCancelledError("the database is closing"));
  }
}
