/**
 * Many processes, one endpoint: whichever process of a group is asked answers for all of them.
 *
 *                          scrape
 *                            │
 *     ┌ worker 0 ─┐    ┌ worker 1 ─┐    ┌ worker 2 ─┐
 *     │  metrics  │◀───│  metrics  │───▶│  metrics  │      asked for their state of this moment, over sockets
 *     └────┬──────┘    └────┬──────┘    └────┬──────┘
 *          │ each second    │                │
 *     ┌────▼────────────────▼────────────────▼──────┐
 *     │ a.0 a.1 a.sock   b.0 b.1 b.sock   c.0 …     │      snapshots: for who is busy, stuck or gone
 *     │ state.17: who belongs to the group,         │
 *     │           what the departed counted         │
 *     └─────────────────────────────────────────────┘
 *       a directory only this user can enter
 *
 * A member that neither listens nor lives is folded into the departed, once, by whoever notices: a scrape, or the next process
 * that joins. What it counted stays in the sums; its gauges go.
 *
 * No sum ever goes down while the group lives: a member's snapshot is stored before it is told (local-member.ts), the
 * departed and the list of members change in one step (group-state.ts), and sums do not depend on their order (exact-sum.ts).
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import type { Family, FamilyType } from "../exposition/family.ts";
import type { ExpositionFormat } from "../exposition/negotiation.ts";
import { writeOpenMetrics } from "../exposition/openmetrics.ts";
import { writeText } from "../exposition/text-format.ts";
import { defaultSet } from "../native/default-set.ts";
import { findPlace, type GroupPlace, isStartedByPm2, makePlace, removePlace, sweepPlaces } from "./group-place.ts";
import { EMPTY_STATE, type GroupState, GroupStateFile, type Member } from "./group-state.ts";
import { LocalMember } from "./local-member.ts";
import { ask, isListening, QuestionListener, removeSocket, socketAddress } from "./member-socket.ts";
import { foldDeparted, mergeSnapshots } from "./merge.ts";
import { identifyProcess, isProcessGone } from "./process-identity.ts";
import { type Snapshot, SnapshotDecoder, takeSnapshot } from "./snapshot.ts";
import { decodeSnapshot, lastSignMs, readSnapshotFile, removeSnapshotFile } from "./snapshot-file.ts";

/** Where a group meets, and what each process gives to it. */
export interface ProcessGroupOptions {
  /**
   * The metrics of this process. Called about once a second and at each scrape of any process of the group. May be asynchronous; the last word of
   * an exiting process is then what was collected last. Default: the default set's.
   */
  readonly collect?: () => readonly Family[] | Promise<readonly Family[]>;
  /** Add `process_*` and `nodejs_*`, read at scrapes only. Leave it false if `collect` has them. Default: true. */
  readonly processMetrics?: boolean;
  /** Where the group meets; the processes that name one directory are one group. Default: NYANZA_METRICS_DIR, or found by the parent process. */
  readonly directory?: string;
  /** Tells groups apart that would meet in one place. Default: "". */
  readonly name?: string;
  /** Value of the label `worker`. Default: PM2's NODE_APP_INSTANCE, or the least number no living member has. */
  readonly worker?: string;
  /** How often the snapshot is stored, in ms: a process that is killed loses no more than it counted since. Default: 1000. */
  readonly intervalMs?: number;
  /** How long a scrape waits for another process, in ms; then its stored snapshot counts. Default: 500. */
  readonly answerTimeoutMs?: number;
  /** Told of what went wrong in the background; nothing of it stops the application. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

/** One process of a group. */
export interface GroupWorker {
  /** Value of its label `worker`. */
  readonly worker: string;
  readonly pid: number;
  /** True for this process. */
  readonly isSelf: boolean;
}

/** How a group's metrics are written. */
export interface GroupWriteOptions {
  /** Default: "text", Prometheus' text format 0.0.4. */
  readonly format?: ExpositionFormat;
  /** Write `# HELP` and `# TYPE` lines before each family; OpenMetrics always has them. Default: true. */
  readonly metadata?: boolean;
}

/** The processes of one application; any of them answers for all. */
export interface ProcessGroup {
  /** The group's metrics, sorted by name. Never rejects: who does not answer counts with what was known of it last. */
  collect(): Promise<Family[]>;
  /** The group's metrics as text. Never rejects. A server that answers scrapes calls `answerScrape` with {@link collect} instead. */
  writePrometheus(options?: GroupWriteOptions): Promise<string>;
  /** Who belongs to the group, in the order they joined; who has been killed may still be among them. */
  workers(): GroupWorker[];
  /** Leaves the group: what this process has counted stays in its sums. Never rejects; calling again is harmless. */
  close(): Promise<void>;
}

/**
 * Enters this process into the group of its application.
 *
 *     const group = await joinProcessGroup();
 *     response.end(await group.writePrometheus());
 *
 * @throws Error if the directory of the group cannot be made, is not this user's alone, or cannot hold sockets and hard links
 */
export async function joinProcessGroup(options: ProcessGroupOptions = {}): Promise<ProcessGroup> {
  const group = new LocalGroup(options);
  await group.start();
  return group;
}

/** A member that is no more, and the last that is known of it. */
interface Death {
  readonly member: Member;
  readonly snapshot: Snapshot | null;
}

class LocalGroup implements ProcessGroup {
  readonly #place: GroupPlace;
  readonly #id: string = `${process.pid.toString(36)}x${randomBytes(6).toString("hex")}`;
  readonly #state: GroupStateFile;
  readonly #local: LocalMember;
  readonly #workerName: string | null;
  readonly #intervalMs: number;
  readonly #answerTimeoutMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #decoders = new Map<string, SnapshotDecoder>();
  /** The latest heard of the others, for when they neither answer nor have a readable file. */
  readonly #heard = new Map<string, Snapshot>();
  readonly #onExit = (): void => this.#storeLast();
  #listener: QuestionListener | null = null;
  /** Null before the start and after the end. */
  #timer: NodeJS.Timeout | null = null;
  #ticking: Promise<void> = Promise.resolve();
  #staleAnswers = 0;
  #missingAnswers = 0;
  #errors = 0;

  constructor(options: ProcessGroupOptions) {
    this.#place = findPlace(options);
    this.#workerName = workerName(options.worker, process.env);
    this.#intervalMs = positive("intervalMs", options.intervalMs ?? 1000);
    this.#answerTimeoutMs = positive("answerTimeoutMs", options.answerTimeoutMs ?? 500);
    this.#onError = options.onError ?? (() => {});
    this.#state = new GroupStateFile(this.#place.directory, this.#id);
    this.#local = new LocalMember({
      id: this.#id,
      directory: this.#place.directory,
      collect: options.collect ?? (() => defaultSet.collect()),
      processMetrics: options.processMetrics ?? true,
      collectOwn: () => this.#collectOwn(),
      onError: (error) => this.#report(error),
    });
  }

  /** @throws like {@link joinProcessGroup} */
  async start(): Promise<void> {
    try {
      await this.#settle();
    } catch (error) {
      this.#listener?.close();
      this.#local.close();
      throw error;
    }
    sweepPlaces(this.#place, Date.now());
    process.on("exit", this.#onExit);
    this.#scheduleTick();
  }

  async collect(): Promise<Family[]> {
    const snapshots = new Map<string, Snapshot | null>();
    const deaths: Death[] = [];
    const ownSnapshot = this.#local.takeSnapshot();
    let state = this.#state.read();
    // Somebody may join or be folded meanwhile. The answer must be of one state: nobody left out, nobody counted twice.
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const unheard = state.members.filter(({ id }) => id !== this.#id && !snapshots.has(id));
      await Promise.all(unheard.map((member) => this.#hear(member, snapshots, deaths)));
      snapshots.set(this.#id, await ownSnapshot);
      if (deaths.length > 0) this.#fold(deaths.splice(0));
      state = this.#state.read();
      if (state.members.every(({ id }) => snapshots.has(id))) break;
    }
    this.#forgetOthers(state);
    return this.#merge(state, snapshots);
  }

  async writePrometheus(options: GroupWriteOptions = {}): Promise<string> {
    const families = await this.collect();
    if (options.format === "openmetrics") return writeOpenMetrics(families);
    return writeText(families, { metadata: options.metadata ?? true });
  }

  workers(): GroupWorker[] {
    return this.#state.read().members.map(({ id, pid, worker }) => ({ worker, pid, isSelf: id === this.#id }));
  }

  async close(): Promise<void> {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    process.off("exit", this.#onExit);
    // It might be about to enter again.
    await this.#ticking;
    // First nobody is told anything more, then the last word is stored: else somebody could be told more than stays.
    this.#listener?.close();
    const snapshot = await this.#local.takeSnapshot();
    const self = this.#state.read().members.find(({ id }) => id === this.#id);
    const state = self === undefined ? null : this.#fold([{ member: self, snapshot }]);
    this.#local.close();
    if (state?.members.length === 0 && (this.#place.isOwn || !this.#place.isPrimarys))
      removePlace(this.#place.directory);
  }

  /** Makes the place, listens in it, leaves a first snapshot and enters the list: at the start, and again when somebody has cleaned the directory away. */
  async #settle(): Promise<void> {
    makePlace(this.#place);
    this.#listener?.close();
    this.#listener = new QuestionListener(() => this.#local.takeBytes());
    await this.#listener.listen(this.#addressOf(this.#id));
    this.#local.reopen();
    await this.#local.takeSnapshot();
    await this.#enter();
  }

  async #enter(): Promise<void> {
    const deaths: Death[] = [];
    await Promise.all(this.#state.read().members.map((member) => this.#findDeath(member, deaths)));
    const identity = identifyProcess(process.pid);
    this.#state.update((state) => {
      if (state.members.some(({ id }) => id === this.#id)) return null;
      const folded = foldDeaths(state, deaths);
      // All have gone, and nobody who could have seen the old sums is left to see them fall.
      const isAnew = folded.members.length === 0 && !this.#place.isPrimarys;
      const { members, ...rest } = isAnew ? EMPTY_STATE : folded;
      const slots = new Set(members.map(({ slot }) => slot));
      let slot = 0;
      while (slots.has(slot)) slot++;
      return {
        ...rest,
        members: [...members, { ...identity, id: this.#id, slot, worker: this.#workerName ?? `${slot}` }],
      };
    });
    this.#removeFiles(deaths);
  }

  /** Hears a member into `snapshots`: its answer, or else its stored snapshot, or else what was heard last. */
  async #hear(member: Member, snapshots: Map<string, Snapshot | null>, deaths: Death[]): Promise<void> {
    const { id } = member;
    const answer = await ask(this.#addressOf(id), this.#answerTimeoutMs);
    const told = typeof answer === "string" ? null : decodeSnapshot(answer.bytes, id, this.#decoderOf(id));
    if (told !== null) {
      this.#heard.set(id, told);
      snapshots.set(id, told);
      return;
    }
    const isGone = answer === "unreachable" && isProcessGone(member);
    // After that look and not before: it may have written its last word in between.
    const { snapshot: stored, changedMs } = readSnapshotFile(this.#place.directory, id, this.#decoderOf(id));
    const snapshot = stored ?? this.#heard.get(id) ?? null;
    if (answer === "unreachable" && (isGone || isSilent(changedMs))) {
      deaths.push({ member, snapshot });
      snapshots.set(id, snapshot);
      return;
    }
    // It may have left or been folded by another process while we asked: then nothing is stale.
    if (!this.#state.read().members.some((other) => other.id === id)) return;
    if (snapshot === null) this.#missingAnswers++;
    else this.#staleAnswers++;
    snapshots.set(id, snapshot);
  }

  /** Adds `member` to `deaths` if it neither lives nor listens. A socket alone decides nothing, it may have been removed; nor does a pid in another namespace. */
  async #findDeath(member: Member, deaths: Death[]): Promise<void> {
    const { id } = member;
    const isSuspect = isProcessGone(member) || isSilent(lastSignMs(this.#place.directory, id));
    if (id === this.#id || !isSuspect) return;
    if (await isListening(this.#addressOf(id), this.#answerTimeoutMs)) return;
    const { snapshot } = readSnapshotFile(this.#place.directory, id, this.#decoderOf(id));
    deaths.push({ member, snapshot: snapshot ?? this.#heard.get(id) ?? null });
  }

  /** Moves the dead from the members to the departed; null if the file system refuses. */
  #fold(deaths: readonly Death[]): GroupState | null {
    try {
      const state = this.#state.update((old) => {
        const folded = foldDeaths(old, deaths);
        return folded === old ? null : folded;
      });
      this.#removeFiles(deaths);
      return state;
    } catch (error) {
      this.#report(error);
      return null;
    }
  }

  #removeFiles(deaths: readonly Death[]): void {
    for (const { member } of deaths) {
      removeSnapshotFile(this.#place.directory, member.id);
      removeSocket(this.#place.directory, member.id);
    }
  }

  #merge(state: GroupState, snapshots: ReadonlyMap<string, Snapshot | null>): Family[] {
    const members = state.members.some(({ id }) => id === this.#id)
      ? state.members
      : [...state.members, { id: this.#id, worker: this.#workerName ?? "0" }];
    const living = members.flatMap(({ id, worker }) => {
      const snapshot = snapshots.get(id) ?? null;
      return snapshot === null ? [] : [{ snapshot, worker }];
    });
    const { families, conflicts } = mergeSnapshots(living, state.departed);
    return [...families, ...describeGroup(state, members.length, conflicts)].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #scheduleTick(): void {
    this.#timer = setTimeout(() => {
      this.#ticking = this.#tick()
        .catch((error: unknown) => this.#report(error))
        .then(() => {
          if (this.#timer !== null) this.#scheduleTick();
        });
    }, this.#intervalMs).unref();
  }

  async #tick(): Promise<void> {
    await this.#local.keepFresh();
    if (this.#timer !== null && !this.#isInPlace()) await this.#settle();
  }

  /** False if the directory, or this process's part of it, was removed by somebody who cleans temporary files. */
  #isInPlace(): boolean {
    if (process.platform !== "win32" && !existsSync(this.#addressOf(this.#id))) return false;
    return this.#state.read().members.some(({ id }) => id === this.#id);
  }

  #storeLast(): void {
    this.#local.storeLast();
    // A process that was alone leaves nothing behind.
    const { members } = this.#state.read();
    if (this.#place.isOwn && members.length === 1 && members[0]?.id === this.#id) removePlace(this.#place.directory);
  }

  #forgetOthers({ members }: GroupState): void {
    const ids = new Set(members.map(({ id }) => id));
    for (const id of this.#heard.keys()) if (!ids.has(id)) this.#heard.delete(id);
    for (const id of this.#decoders.keys()) if (!ids.has(id)) this.#decoders.delete(id);
  }

  #decoderOf(id: string): SnapshotDecoder {
    let decoder = this.#decoders.get(id);
    if (decoder === undefined) {
      decoder = new SnapshotDecoder();
      this.#decoders.set(id, decoder);
    }
    return decoder;
  }

  #addressOf(id: string): string {
    return socketAddress(this.#place.directory, id);
  }

  #report(error: unknown): void {
    this.#errors++;
    try {
      this.#onError(error);
    } catch {
      // Who is told of errors must not make new ones.
    }
  }

  /** What each process counts of the group; added up like everything else. */
  #collectOwn(): Family[] {
    return [
      single("metrics_process_group_errors_total", "counter", "Snapshots not collected or not stored.", this.#errors),
      single(
        "metrics_process_group_missing_answers_total",
        "counter",
        "Processes left out of a scrape: no answer and no readable snapshot.",
        this.#missingAnswers,
      ),
      single(
        "metrics_process_group_stale_answers_total",
        "counter",
        "Processes that did not answer a scrape in time and counted with their stored snapshot.",
        this.#staleAnswers,
      ),
    ];
  }
}

/** Enough that only a storm of restarts could use them up; then the scrape is of the last state but one. */
const ROUNDS_MAX = 20;
/** A process that lives touches its file every 10 s. */
const SILENT_MS = 30_000;
/** Samples kept of the departed. */
const DEPARTED_SAMPLES_MAX = 200_000;
const WORKER_CHARS_MAX = 64;

function isSilent(changedMs: number): boolean {
  return changedMs < Date.now() - SILENT_MS;
}

/** The state without those of `deaths` that are still members; the same object if none is. */
function foldDeaths(state: GroupState, deaths: readonly Death[]): GroupState {
  const dead = deaths.filter(({ member }) => state.members.some(({ id }) => id === member.id));
  if (dead.length === 0) return state;
  const ids = new Set(dead.map(({ member }) => member.id));
  const contributions = dead.flatMap(({ member, snapshot }) =>
    snapshot === null ? [] : [{ snapshot, worker: member.worker }],
  );
  const { families, dropped } = foldDeparted(state.departed, contributions, DEPARTED_SAMPLES_MAX);
  return {
    members: state.members.filter(({ id }) => !ids.has(id)),
    departed: takeSnapshot(families, {}, state.departed),
    departedCount: state.departedCount + dead.length,
    droppedSamples: state.droppedSamples + dropped,
  };
}

/** What is said of the group once, by whoever answers for it. */
function describeGroup(state: GroupState, workers: number, conflicts: number): Family[] {
  return [
    single(
      "metrics_process_group_conflicting_families",
      "gauge",
      "Families left out because another process gives their name another type.",
      conflicts,
    ),
    single(
      "metrics_process_group_departed_total",
      "counter",
      "Processes that have left the group.",
      state.departedCount,
    ),
    single(
      "metrics_process_group_dropped_samples_total",
      "counter",
      "Samples of departed processes that were not kept because there were too many.",
      state.droppedSamples,
    ),
    single("metrics_process_group_workers", "gauge", "Processes in the group.", workers),
  ];
}

function single(name: string, type: FamilyType, help: string, value: number): Family {
  return { name, type, help, unit: "", aggregation: "sum", samples: [{ suffix: "", labels: "", value }] };
}

function workerName(given: string | undefined, env: NodeJS.ProcessEnv): string | null {
  const name = given ?? (isStartedByPm2(env) ? (env["NODE_APP_INSTANCE"] ?? "") : "");
  return name === "" ? null : name.slice(0, WORKER_CHARS_MAX);
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`process group: want ${name} above 0, got ${value}`);
}
