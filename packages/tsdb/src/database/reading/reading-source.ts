/** What a reader's queries read from: the search code of the storage room, over snapshots that the thread with the database takes. */
import { CorruptionError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, Source } from "../../query/source.ts";
import type { HeadQuestions } from "../../storage/reading/asked-series.ts";
import {
  SnapshotReader,
  type SnapshotReaderOptions,
  type TakenSnapshot,
} from "../../storage/reading/snapshot-reader.ts";
import { LABEL_NAMES, searchLabels, searchTexts, type TextQuery, valuesOf } from "../../storage/search/label-search.ts";
import { SearchCursor, type SearchView } from "../../storage/search/search.ts";
import { ClosedError } from "../../storage/storage.ts";
import type { Begun, Conversation } from "./asking.ts";
import type { SlotQuestion } from "./conversation.ts";

/** Times that files of a snapshot may be gone before they were opened: each time a merge has just ended. */
const TRIES = 10;

export class ReadingSource implements Source {
  private readonly conversation: Conversation;
  /** Null until the host has told what the database is, and when the port is closed. */
  private reader: SnapshotReader | null = null;
  /** Snapshots that have come and nobody has picked up yet. */
  private readonly taken: Map<number, TakenSnapshot> = new Map();
  private openSnapshots = 0;

  constructor(conversation: Conversation, options: SnapshotReaderOptions) {
    this.conversation = conversation;
    conversation.listen({
      onOrigin: (origin) => {
        this.reader = new SnapshotReader(origin, options);
      },
      onInUse: (inUse) => this.reader?.forget(inUse),
      onBegun: (answer, isAwaited) => this.take(answer, isAwaited),
      onEnd: () => {
        this.reader?.close();
        this.reader = null;
      },
    });
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    const snapshot = await this.begin(request, request);
    try {
      const minMs = Math.max(request.minMs, snapshot.oldestMs);
      return await SearchCursor.open(snapshot, { ...request, minMs });
    } catch (error) {
      snapshot.release();
      throw error;
    }
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.withSnapshot(request, (snapshot) => searchLabels(snapshot, request, request.limit ?? 0));
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.texts(request, LABEL_NAMES);
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.texts(request, valuesOf(label));
  }

  stats(): { openFiles: number; openSnapshots: number; indexCacheBytes: number; partCacheBytes: number } {
    return {
      openFiles: this.reader?.openFiles ?? 0,
      openSnapshots: this.openSnapshots,
      indexCacheBytes: this.reader?.indexCache.bytes ?? 0,
      partCacheBytes: this.reader?.partCaches.bytes ?? 0,
    };
  }

  close(): void {
    this.conversation.close();
  }

  private async texts(request: LabelsRequest, query: TextQuery): Promise<Answer<string>> {
    return await this.withSnapshot(request, (snapshot) => searchTexts(snapshot, request, query, request.limit ?? 0));
  }

  private async withSnapshot<T>(
    request: LabelsRequest,
    read: (snapshot: SearchView) => Promise<T[]>,
  ): Promise<Answer<T>> {
    const snapshot = await this.begin(request, null);
    try {
      return { items: await read(snapshot), isPartial: snapshot.isPartial };
    } finally {
      snapshot.release();
    }
  }

  /** A snapshot, to be released. Slots that match are asked for with it: one message less. */
  private async begin(
    { minMs, maxMs, signal }: Pick<SearchRequest, "minMs" | "maxMs" | "signal">,
    slots: SlotQuestion | null,
  ): Promise<SearchView> {
    // Groups that are none match nothing in a search for samples.
    const asked = slots === null || slots.groups.length === 0 ? null : { tenant: slots.tenant, groups: slots.groups };
    for (let tries = 1; ; tries++) {
      const begun = await this.conversation.ask({ kind: "begin", minMs, maxMs, slots: asked }, signal);
      const { number } = begun.snapshot;
      const taken = this.taken.get(number);
      this.taken.delete(number);
      if (taken === undefined || this.reader === null) throw new ClosedError("the database is closed");
      const found = asked === null || begun.slots === null ? null : { groups: asked.groups, slots: begun.slots };
      try {
        return await this.reader.open(taken, this.ownerOf(number, signal), found);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === TRIES) throw error;
      }
    }
  }

  private take({ snapshot }: Begun, isAwaited: boolean): void {
    const taken = this.reader?.take(snapshot);
    if (taken === undefined) return;
    this.openSnapshots++;
    if (isAwaited) {
      this.taken.set(snapshot.number, taken);
      return;
    }
    this.reader?.release(taken);
    this.end(snapshot.number, 0);
  }

  private end(snapshot: number, dropped: number): void {
    this.openSnapshots--;
    this.conversation.post({ kind: "end", snapshot, dropped });
  }

  private ownerOf(snapshot: number, signal: AbortSignal | undefined): Parameters<SnapshotReader["open"]>[1] {
    const { conversation } = this;
    const questions: HeadQuestions = {
      findSlots: async (tenant, groups) =>
        (await conversation.ask({ kind: "slots", snapshot, tenant, groups }, signal)).slots,
      readKeys: async (slots) => await conversation.ask({ kind: "keys", snapshot, slots }, signal),
      findTexts: async (search) => (await conversation.ask({ kind: "texts", snapshot, search }, signal)).texts,
    };
    return {
      questions,
      onDamage: (fileNumber, { path, offset, message }) => {
        // The constructor puts the place in front again.
        const text = message.slice(new CorruptionError(path, offset, "").message.length);
        conversation.post({ kind: "damage", snapshot, fileNumber, path, offset, message: text });
      },
      onReleased: (dropped) => this.end(snapshot, dropped),
    };
  }
}
