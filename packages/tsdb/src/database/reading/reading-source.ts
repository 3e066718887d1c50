/** What a reader's queries read from: the search code of the storage room, over snapshots that the thread with the database takes. */
import { CorruptionError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { SharedSearch } from "../../query/shares/share.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, SourceChanges } from "../../query/source.ts";
import { ChangeView } from "../../storage/changes/change-log.ts";
import type { FoundSlots, HeadQuestions } from "../../storage/reading/asked-series.ts";
import type { SnapshotMessage } from "../../storage/reading/snapshot-message.ts";
import {
  SnapshotReader,
  type SnapshotReaderOptions,
  type TakenSnapshot,
} from "../../storage/reading/snapshot-reader.ts";
import { LABEL_NAMES, searchLabels, searchTexts, type TextQuery, valuesOf } from "../../storage/search/label-search.ts";
import { SearchCursor, type SearchView } from "../../storage/search/search.ts";
import { ClosedError } from "../../storage/storage.ts";
import { FoundTexts } from "../found-texts.ts";
import { changesFor } from "../settled-changes.ts";
import type { Conversation } from "./asking.ts";
import type { SlotQuestion } from "./conversation.ts";
import { divideSearch, shownOf } from "./divided-search.ts";
import type { DivisibleSource } from "./helped-source.ts";
import type { Peer } from "./peer.ts";

/** Times that files of a snapshot may be gone before they were opened: each time a merge has just ended. */
const TRIES = 10;

export class ReadingSource implements DivisibleSource {
  private readonly conversation: Conversation;
  /** Null until the host has told what the database is, and when the port is closed. */
  private reader: SnapshotReader | null = null;
  /** Null until then, too, and where answers cannot be kept. */
  changes: SourceChanges | null = null;
  /** Snapshots that have come and nobody has picked up yet. */
  private readonly taken: Map<number, TakenSnapshot> = new Map();
  private readonly shareSamples: number | undefined;
  private openSnapshots = 0;

  constructor(conversation: Conversation, options: SnapshotReaderOptions, shareSamples?: number) {
    this.conversation = conversation;
    this.shareSamples = shareSamples;
    conversation.listen({
      onOrigin: (origin) => {
        this.reader = new SnapshotReader(origin, options);
        this.changes = changesFor(new ChangeView(origin.changes), origin);
      },
      onInUse: (inUse) => this.reader?.forget(inUse),
      onBegun: (snapshot, isAwaited) => this.take(snapshot, isAwaited),
      onEnd: () => {
        this.reader?.close();
        this.reader = null;
      },
    });
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    const { view } = await this.begin(request, request);
    try {
      return await SearchCursor.open(view, shownOf(view, request));
    } catch (error) {
      view.release();
      throw error;
    }
  }

  async divide(request: SearchRequest, helpers: readonly Peer[]): Promise<SampleCursor | SharedSearch> {
    const { view, number } = await this.begin(request, request);
    try {
      return await divideSearch(view, number, request, helpers, this.shareSamples);
    } catch (error) {
      view.release();
      throw error;
    }
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const items = await searchLabels(snapshot, request, request.limit ?? 0);
      return { items, isPartial: snapshot.isPartial };
    });
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
    return await this.withSnapshot(request, async (snapshot) => {
      const run = await searchTexts(snapshot, request, query, request.limit ?? 0);
      return new FoundTexts(run, snapshot.isPartial);
    });
  }

  private async withSnapshot<A>(request: LabelsRequest, read: (snapshot: SearchView) => Promise<A>): Promise<A> {
    const { view } = await this.begin(request, null);
    try {
      return await read(view);
    } finally {
      view.release();
    }
  }

  /** A snapshot, to be released, and its number. Slots that match are asked for with it: one message less. */
  private async begin(
    { minMs, maxMs, signal }: Pick<SearchRequest, "minMs" | "maxMs" | "signal">,
    slots: SlotQuestion | null,
  ): Promise<{ readonly view: SearchView; readonly number: number }> {
    // Groups that are none match nothing in a search for samples.
    const asked = slots === null || slots.groups.length === 0 ? null : { tenant: slots.tenant, groups: slots.groups };
    for (let tries = 1; ; tries++) {
      const begun = await this.conversation.ask({ kind: "begin", minMs, maxMs, slots: asked }, signal);
      const found = asked === null || begun.slots === null ? null : { groups: asked.groups, slots: begun.slots };
      const { number } = begun.snapshot;
      try {
        return { view: await this.open(number, signal, found), number };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === TRIES) throw error;
      }
    }
  }

  /** The snapshot with this number that another reader has, to be released. @throws ClosedError, ENOENT for a file that has gone meanwhile */
  async join(held: number, signal: AbortSignal): Promise<SearchView> {
    const { snapshot } = await this.conversation.ask({ kind: "join", held }, signal);
    return await this.open(snapshot.number, signal, null);
  }

  /** Opens the snapshot that has come. */
  private async open(number: number, signal: AbortSignal | undefined, found: FoundSlots | null): Promise<SearchView> {
    const taken = this.taken.get(number);
    this.taken.delete(number);
    if (taken === undefined || this.reader === null) throw new ClosedError("the database is closed");
    return await this.reader.open(taken, this.ownerOf(number, signal), found);
  }

  private take(snapshot: SnapshotMessage, isAwaited: boolean): void {
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
