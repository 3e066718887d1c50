/**
 * What a group agrees on: who belongs to it, and what those counted who have gone.
 *
 * The state is one immutable file a generation, `state.<n>`; the greatest n is the one that holds. To change it, a process
 * writes the whole new state aside and links it to the name `state.<n+1>`. Only one can: the others see the name taken, read again and
 * decide again. So a process is entered once, given a slot nobody else has, and folded into the departed once, whoever else tries
 * at the same moment, and whoever is killed in the middle; and there is no lock that a killed process could leave behind.
 *
 * Older generations are removed only after a newer one stands. So if a slow process finds the name n+1 free because
 * n+1 has come and gone, n+2 or a later one is there: it looks for one after linking, and if there is one its own does not count.
 */
import { linkSync, lstatSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listDirectory } from "./group-place.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readFileSafely } from "./safe-file.ts";
import { SNAPSHOT_BYTES_MAX, type Snapshot, SnapshotDecoder, SnapshotEncoder } from "./snapshot.ts";

export interface Member extends ProcessIdentity {
  /** In the names of its files: letters and digits. */
  readonly id: string;
  /** The least number no other member had when it joined. */
  readonly slot: number;
  /** Value of the label `worker`. */
  readonly worker: string;
}

export interface GroupState {
  /** In the order they joined. */
  readonly members: readonly Member[];
  /** What the departed counted; null if nothing. */
  readonly departed: Snapshot | null;
  readonly departedCount: number;
  /** Samples of the departed that were not kept because there were too many. */
  readonly droppedSamples: number;
}

export const EMPTY_STATE: GroupState = { members: [], departed: null, departedCount: 0, droppedSamples: 0 };

export class GroupStateFile {
  readonly #directory: string;
  readonly #ownId: string;
  /** The latest generation read, and by what its file is known again. */
  #known: { readonly generation: number; readonly file: string; readonly state: GroupState } | null = null;

  constructor(directory: string, ownId: string) {
    this.#directory = directory;
    this.#ownId = ownId;
  }

  /** The state of now; the empty one if there is none, or a broken one. Never throws. */
  read(): GroupState {
    return this.#read().state;
  }

  /**
   * Replaces the state by what `change` makes of it, or leaves it if that is null; returns the state that holds then. `change` is
   * called again if somebody else was faster: it must do nothing but decide.
   * @throws Error of the file system
   */
  update(change: (state: GroupState) => GroupState | null): GroupState {
    const aside = join(this.#directory, `aside.${this.#ownId}`);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const { generation, state } = this.#read();
      const next = change(state);
      if (next === null) return state;
      const { departed, ...head } = next;
      const snapshot = { shape: departed?.shape ?? [], values: departed?.values ?? new Float64Array(0), head };
      writeFileSync(aside, new SnapshotEncoder().encode(snapshot), { mode: 0o600 });
      const isOurs = this.#link(aside, generation + 1);
      rmSync(aside, { force: true });
      if (!isOurs) continue;
      this.#clean(generation + 1, next);
      return next;
    }
    throw new Error(`process group in ${this.#directory}: others changed its state ${ATTEMPTS_MAX} times meanwhile`);
  }

  /** Removes the state, and with it what the departed counted. */
  remove(): void {
    for (const [generation] of this.#list()) rmSync(this.#path(generation), { force: true });
  }

  #link(aside: string, generation: number): boolean {
    try {
      linkSync(aside, this.#path(generation));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // ENOENT: what lay aside was taken for a dead process's by somebody who cleans.
      if (code === "EEXIST" || code === "ENOENT") return false;
      throw new Error(`process group in ${this.#directory}: want a file system with hard links: ${message}`);
    }
    return this.#list()[0]?.[0] === generation;
  }

  #read(): { readonly generation: number; readonly state: GroupState } {
    for (let attempt = 0; ; attempt++) {
      const generation = this.#list()[0]?.[0] ?? 0;
      if (generation === 0) return { generation, state: EMPTY_STATE };
      const path = this.#path(generation);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      const file = stat === undefined ? "" : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
      if (this.#known?.generation === generation && this.#known.file === file) return this.#known;
      const content = readFileSafely(path, SNAPSHOT_BYTES_MAX);
      // Replaced between the two looks.
      if (content === "missing" && attempt < READS_MAX) continue;
      const state = typeof content === "string" ? null : parseState(content.bytes);
      if (state === null) return { generation, state: EMPTY_STATE };
      this.#known = { generation, file, state };
      return this.#known;
    }
  }

  /** Generations, the greatest first, with their names. */
  #list(): [number, string][] {
    const found: [number, string][] = [];
    for (const name of listDirectory(this.#directory)) {
      if (STATE_NAME.test(name)) found.push([Number(name.slice(STATE_PREFIX.length)), name]);
    }
    return found.sort(([a], [b]) => b - a);
  }

  #path(generation: number): string {
    return join(this.#directory, `${STATE_PREFIX}${generation}`);
  }

  /** Removes older generations, and what killed processes have left: files of no member that nobody has touched for a minute. */
  #clean(generation: number, { members }: GroupState): void {
    for (const [older] of this.#list()) if (older < generation) rmSync(this.#path(older), { force: true });
    const ids = new Set(members.map((member) => member.id));
    for (const name of listDirectory(this.#directory)) {
      const match = LEFTOVER_NAME.exec(name);
      const id = match?.[1] ?? match?.[2];
      if (id === undefined || ids.has(id)) continue;
      const path = join(this.#directory, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined || stat.isDirectory() || stat.mtimeMs > Date.now() - LEFTOVER_AGE_MS) continue;
      rmSync(path, { force: true });
    }
  }
}

const STATE_PREFIX = "state.";
const STATE_NAME = /^state\.[1-9]\d{0,14}$/;
/** aside.<id>, <id>.0, <id>.1, <id>.sock */
const LEFTOVER_NAME = /^(?:aside\.([a-z0-9]+)|([a-z0-9]+)\.(?:0|1|sock))$/;
const LEFTOVER_AGE_MS = 60_000;
const ATTEMPTS_MAX = 1000;
const READS_MAX = 100;

const MEMBERS_MAX = 4096;
const MEMBER_ID = /^[a-z0-9]{1,40}$/;

/** Null for bytes that hold no state. */
function parseState(bytes: Buffer): GroupState | null {
  try {
    const snapshot = new SnapshotDecoder().decode(bytes);
    const { members, departedCount, droppedSamples } = (snapshot.head ?? {}) as Partial<Record<string, unknown>>;
    if (!Array.isArray(members) || members.length > MEMBERS_MAX || !members.every(isMember)) return null;
    if (typeof departedCount !== "number" || typeof droppedSamples !== "number") return null;
    const departed = snapshot.shape.length === 0 ? null : snapshot;
    return { members, departed, departedCount, droppedSamples };
  } catch {
    return null;
  }
}

function isMember(json: unknown): json is Member {
  const { id, pid, startTime, slot, worker } = (json ?? {}) as Partial<Record<keyof Member, unknown>>;
  return (
    typeof id === "string" &&
    MEMBER_ID.test(id) &&
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    typeof startTime === "string" &&
    Number.isSafeInteger(slot) &&
    typeof worker === "string" &&
    worker !== ""
  );
}
