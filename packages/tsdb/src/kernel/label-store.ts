/**
 * Labels and series as numbers, in a wasm memory of their own (kernels/registry.ts draws it): a label set costs about a hundred bytes and no object.
 *
 *   register(tenant, raw bytes of labels) ──► slot          what naming a series anew costs is paid here
 *   labelsOf(slot), pairs, lists of slots ──► queries       texts become strings only when asked for
 *
 * Nothing is ever taken out: memory is given back by dropping the store.
 */
import { BugError } from "../base/errors.ts";
import { decodeLabelBytes, labelTextByteLength, writeLabelText } from "../base/label-bytes.ts";
import { Labels } from "../base/labels.ts";
import { formatTenant, type Tenant } from "../base/tenant.ts";
import { DOMAIN_ROWS, processHashKey } from "./ingest-kernel.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface RegistryExports extends KernelExports {
  start(a: number, b: number, c: number, d: number): void;
  usedBytes(): number;
  stage(bytes: number): number;
  scratch(bytes: number): number;
  addTenant(accountId: number, projectId: number): number;
  register(tenant: number, at: number, bytes: number, form: number): number;
  setSizes(labels: number, nameBytes: number, valueBytes: number): void;
  groupAddress(): number;
  registerGroup(tenant: number, count: number, form: number): void;
  internLabel(tenant: number, at: number, length: number): number;
  internPair(label: number, at: number, length: number): number;
  internSeries(at: number, count: number): number;
  findLabel(tenant: number, at: number, length: number): number;
  findPair(label: number, at: number, length: number): number;
  tenantAddress(tenant: number): number;
  labelAddress(label: number): number;
  pairAddress(pair: number): number;
  recordAddress(slot: number): number;
  tenantOf(slot: number): number;
  countPairSlots(pair: number): number;
  copyPairSlots(pair: number, target: number): void;
  countTenantSlots(tenant: number): number;
  copyTenantSlots(tenant: number, target: number): void;
  writeKeys(slots: number, count: number, ends: number, target: number, room: number): number;
  writePairs(slots: number, count: number, ends: number, target: number, room: number): number;
  hashKeys(
    a: number,
    b: number,
    c: number,
    d: number,
    domain: number,
    slots: number,
    count: number,
    target: number,
    used: number,
  ): number;
  define(slots: number, count: number, target: number, room: number): number;
  readonly labelCount: { readonly value: number };
  readonly pairCount: { readonly value: number };
  readonly seriesCount: { readonly value: number };
  readonly done: { readonly value: number };
}

/** How the bytes of a label set are laid out. */
export const LABELS_AS_ROWS = 1;
export const LABELS_AS_PROTOBUF = 2;
export const LABELS_AS_KEY = 3;

/** What `register` answers when labels name no series, and when it cannot tell. */
export const NO_LABELS: number = -1;
export const DUPLICATE_NAME: number = -2;
export const EMPTY_NAME: number = -3;
/** More labels out of order than the kernel sorts: they are to be brought as a key. */
export const UNSORTED: number = -5;
/** More or longer labels than `setSizes` allows. */
export const TOO_LARGE: number = -6;
const FULL = -4;

/** Series that `registerGroup` takes at once, GROUP of kernels/registry.ts, and the bytes that they may stand in unless one alone has more. */
export const GROUP_SERIES = 32;
export const GROUP_BYTES_MAX: number = 1 << 15;

/** Where in a label or pair the next of its kind stands. */
const NEXT = 2;
const FIRST_OF_TENANT = 2;
const FIRST_OF_LABEL = 3;
/** Where in a pair the list of its slots stands, and in a list the last of them. */
const SLOTS_OF_PAIR = 3;
const LAST_OF_LIST = 1;
/** Where in a label the number of its pairs stands. */
const PAIRS_OF_LABEL = 5;

/** Strings of values kept for the next one who asks. */
const TEXTS_KEPT = 1 << 14;
/** Bytes of a batch that are staged together, when series by series is new. */
const WINDOW_BYTES_MIN = 1 << 10;
const WINDOW_BYTES_MAX = 1 << 16;
/** Texts longer than this are not kept. */
const KEPT_TEXT_BYTES = 256;

/** No memory left for more series: wasm ends at 4 GiB, and the machine may end before. */
export class RegistryFullError extends Error {
  readonly code: "REGISTRY_FULL" = "REGISTRY_FULL";

  constructor() {
    super("no memory left for new series: too many different ones are written");
  }
}

/** Keys of series one behind the other: key `i` is `bytes[ends[i-1]..ends[i])`. Views, void with the next call. */
export interface SeriesKeys {
  readonly tenant: Tenant;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Pairs of series one behind the other: those of series `i` are `pairs[ends[i-1]..ends[i])`. Views, void with the next call. */
export interface SeriesPairs {
  readonly count: number;
  readonly pairs: Uint32Array;
  readonly ends: Uint32Array;
}

export class LabelStore {
  private readonly kernel: Kernel<RegistryExports>;
  private readonly tenants: Tenant[] = [];
  private readonly tenantNumbers: Map<string, number> = new Map();
  private lastTenant: Tenant | null = null;
  private lastTenantNumber = 0;
  /** Texts by label number, and by pair number. */
  private readonly names: Map<number, string> = new Map();
  private readonly texts: Map<number, string> = new Map();
  private readEnd = 0;
  /** What of a batch's bytes is staged, where, and how much was wanted. */
  private windowOf: Uint8Array | null = null;
  private windowLo = 0;
  private windowHi = 0;
  private windowAt = 0;
  private windowBytes = 0;

  /** `hashKey` as in base/hash.ts; tests bring their own. */
  constructor(hashKey: Uint32Array = processHashKey) {
    this.kernel = loadKernel<RegistryExports>("registry");
    const [a, b, c, d] = hashKey as unknown as [number, number, number, number];
    this.kernel.exports.start(a, b, c, d);
    this.kernel.memory.refresh();
  }

  get seriesCount(): number {
    return this.kernel.exports.seriesCount.value;
  }

  get pairCount(): number {
    return this.kernel.exports.pairCount.value;
  }

  get labelCount(): number {
    return this.kernel.exports.labelCount.value;
  }

  /** Bytes that all of it takes. */
  get usedBytes(): number {
    return this.kernel.exports.usedBytes() >>> 0;
  }

  /** All tenants that have a number. */
  allTenants(): readonly Tenant[] {
    return this.tenants;
  }

  /** Number of a tenant, which becomes known if it was not. @throws RegistryFullError */
  tenantNumber(tenant: Tenant): number {
    if (tenant === this.lastTenant) return this.lastTenantNumber;
    const name = formatTenant(tenant);
    let number = this.tenantNumbers.get(name);
    if (number === undefined) {
      number = this.checked(this.kernel.exports.addTenant(tenant.accountId, tenant.projectId));
      this.tenants.push({ accountId: tenant.accountId, projectId: tenant.projectId });
      this.tenantNumbers.set(name, number);
    }
    this.lastTenant = tenant;
    this.lastTenantNumber = number;
    return number;
  }

  /** Number of a tenant that has series here, or -1. */
  findTenant(tenant: Tenant): number {
    return this.tenantNumbers.get(formatTenant(tenant)) ?? -1;
  }

  tenantOf(slot: number): Tenant {
    return this.tenants[this.kernel.exports.tenantOf(slot)] as Tenant;
  }

  /** How many of `slots[from..)`, at most `most`, are of one tenant, and which. */
  tenantRun(slots: Uint32Array, from: number, most: number): { readonly tenant: Tenant; readonly count: number } {
    const { tenantOf } = this.kernel.exports;
    const number = tenantOf(slots[from] as number);
    const end = Math.min(slots.length, from + most);
    let hi = this.tenants.length === 1 ? end : from + 1;
    while (hi < end && tenantOf(slots[hi] as number) === number) hi++;
    return { tenant: this.tenants[number] as Tenant, count: hi - from };
  }

  // ---- adding ---------------------------------------------------------------------------------------------------------

  /** From now on, series that are not brought as a key may have so many labels, names and values so many bytes; 0 for any. */
  setSizes(labels: number, nameBytes: number, valueBytes: number): void {
    this.kernel.exports.setSizes(labels || -1, nameBytes || -1, valueBytes || -1);
  }

  /**
   * Slot of the series that the labels in `bytes[lo..hi)` name, which becomes known if it was not. The bytes must be what their `form` (LABELS_AS_…)
   * wants. NO_LABELS, DUPLICATE_NAME, EMPTY_NAME, UNSORTED or TOO_LARGE otherwise.
   * @throws RegistryFullError
   */
  register(tenant: number, bytes: Uint8Array, lo: number, hi: number, form: number): number {
    const at = this.stage(bytes, lo, hi);
    return this.checked(this.kernel.exports.register(tenant, at, hi - lo, form));
  }

  /**
   * What `register` does for up to GROUP_SERIES series at less cost for each. Their labels are in `bytes[ranges[2i]..ranges[2i+1])`, one behind the other,
   * all within GROUP_BYTES_MAX unless there is only one, and stay as they are until the next `beginBatch()`. Slots, or why there is none, come to `slots`.
   * @throws RegistryFullError; those of the group that had room are known nevertheless
   */
  registerGroup(
    tenant: number,
    bytes: Uint8Array,
    ranges: Uint32Array,
    count: number,
    form: number,
    slots: Int32Array,
  ): void {
    const lo = ranges[0] as number;
    const hi = ranges[2 * count - 1] as number;
    if (bytes !== this.windowOf || lo < this.windowLo || hi > this.windowHi) this.moveWindow(bytes, lo, hi);
    this.freshen();
    const { exports } = this.kernel;
    const at = exports.groupAddress() >>> 2;
    const { u32 } = this.kernel.memory;
    for (let i = 0; i < count; i++) {
      const labelsLo = ranges[2 * i] as number;
      u32[at + 2 * i] = this.windowAt + labelsLo - this.windowLo;
      u32[at + 2 * i + 1] = (ranges[2 * i + 1] as number) - labelsLo;
    }
    exports.registerGroup(tenant, count, form);
    this.freshen();
    const { i32 } = this.kernel.memory;
    for (let i = 0; i < count; i++) slots[i] = this.checked(i32[at + i] as number);
  }

  /** The bytes that `registerGroup` takes next may be others than before, though they stand in the same array. */
  beginBatch(): void {
    this.windowOf = null;
    this.windowBytes = 0;
  }

  /** Copies `bytes[lo..hi)` to the kernel, and more of what follows the more often just that was asked for. */
  private moveWindow(bytes: Uint8Array, lo: number, hi: number): void {
    const isNext =
      bytes === this.windowOf && lo >= this.windowHi - WINDOW_BYTES_MIN && lo - this.windowHi < WINDOW_BYTES_MIN;
    this.windowBytes = isNext ? Math.min(WINDOW_BYTES_MAX, Math.max(WINDOW_BYTES_MIN, 2 * this.windowBytes)) : 0;
    const end = Math.max(hi, Math.min(bytes.length, lo + this.windowBytes));
    this.windowAt = this.stage(bytes, lo, end);
    this.windowOf = bytes;
    this.windowLo = lo;
    this.windowHi = end;
  }

  /** Number of the label with the name `bytes[lo..hi)`, "" for `__name__`. @throws RegistryFullError */
  internLabel(tenant: number, bytes: Uint8Array, lo: number, hi: number): number {
    const at = this.stage(bytes, lo, hi);
    return this.checked(this.kernel.exports.internLabel(tenant, at, hi - lo));
  }

  /** Number of a label with the value `bytes[lo..hi)`. @throws RegistryFullError */
  internPair(label: number, bytes: Uint8Array, lo: number, hi: number): number {
    const at = this.stage(bytes, lo, hi);
    return this.checked(this.kernel.exports.internPair(label, at, hi - lo));
  }

  /** Slot of the series with `pairs[0..count)`, which must be of one tenant and sorted by name. @throws RegistryFullError */
  internSeries(pairs: Uint32Array, count: number): number {
    this.windowOf = null;
    const at = this.address(this.kernel.exports.stage(4 * count));
    this.kernel.memory.u32.set(pairs.subarray(0, count), at >>> 2);
    return this.checked(this.kernel.exports.internSeries(at, count));
  }

  // ---- series ---------------------------------------------------------------------------------------------------------

  labelsOf(slot: number): Labels {
    let name = "";
    const pairs: string[] = [];
    let left = this.readVarint(this.kernel.exports.recordAddress(slot) >>> 0);
    for (let at = this.readEnd; left > 0; left--) {
      const pair = this.readVarint(at);
      at = this.readEnd;
      const label = this.labelOf(pair);
      const labelName = this.nameOf(label);
      if (labelName === "") name = this.textOf(pair);
      else pairs.push(labelName, this.textOf(pair));
    }
    return new Labels(name, pairs);
  }

  /** Pairs of a series into `target`, in order of their names. Returns how many; `target` must have room for as many. */
  copyPairs(slot: number, target: Uint32Array): number {
    const count = this.readVarint(this.kernel.exports.recordAddress(slot) >>> 0);
    if (count > target.length) throw new BugError("no room for a series' labels");
    for (let i = 0; i < count; i++) target[i] = this.readVarint(this.readEnd);
    return count;
  }

  /** How many labels a series has. */
  countPairs(slot: number): number {
    return this.readVarint(this.kernel.exports.recordAddress(slot) >>> 0);
  }

  /** True if a series has a pair. */
  hasPair(slot: number, pair: number): boolean {
    let left = this.readVarint(this.kernel.exports.recordAddress(slot) >>> 0);
    for (; left > 0; left--) if (this.readVarint(this.readEnd) === pair) return true;
    return false;
  }

  /** Value of a series' label, "" if it has none. */
  valueOf(slot: number, label: number): string {
    let left = this.readVarint(this.kernel.exports.recordAddress(slot) >>> 0);
    for (let at = this.readEnd; left > 0; left--) {
      const pair = this.readVarint(at);
      at = this.readEnd;
      if (this.labelOf(pair) === label) return this.textOf(pair);
    }
    return "";
  }

  /** Keys of `slots[from..)`, as many as are of one tenant and fit in a piece. */
  keysOf(slots: Uint32Array, from: number, pieceBytes: number = 1 << 17): SeriesKeys {
    const { bytes, count, at } = this.collect(slots, from, pieceBytes, this.kernel.exports.writeKeys);
    const { memory } = this.kernel;
    return {
      tenant: this.tenantOf(slots[from] as number),
      count,
      bytes: memory.u8.subarray(at, at + bytes),
      ends: memory.u32.subarray(this.endsAt >>> 2, (this.endsAt >>> 2) + count),
    };
  }

  /**
   * Hashes of the keys of `slots[0..count)`, all of one tenant, into `target` from `at` on: those that hashKeys of index/key-hash.ts makes of `keysOf`, at
   * half the cost. @throws RegistryFullError
   */
  hashKeys(hashKey: Uint32Array, slots: Uint32Array, count: number, target: Uint32Array, at: number): void {
    const { exports, memory } = this.kernel;
    const [a, b, c, d] = hashKey as unknown as [number, number, number, number];
    const bytes = 4 * count;
    const slotsAt = this.address(exports.scratch(2 * bytes));
    memory.u32.set(slots.subarray(0, count), slotsAt >>> 2);
    const isDone = exports.hashKeys(a, b, c, d, DOMAIN_ROWS, slotsAt, count, slotsAt + bytes, 2 * bytes);
    if (isDone === 0) throw new RegistryFullError();
    this.freshen();
    target.set(memory.u32.subarray((slotsAt + bytes) >>> 2, (slotsAt + 2 * bytes) >>> 2), at);
  }

  /** Pairs of `slots[from..)`, in order of their names, of as many as fit in a piece. */
  pairsOf(slots: Uint32Array, from: number, pieceBytes: number = 1 << 17): SeriesPairs {
    const { bytes, count, at } = this.collect(slots, from, pieceBytes, this.kernel.exports.writePairs);
    const { u32 } = this.kernel.memory;
    return {
      count,
      pairs: u32.subarray(at >>> 2, (at + bytes) >>> 2),
      ends: u32.subarray(this.endsAt >>> 2, (this.endsAt >>> 2) + count),
    };
  }

  private endsAt = 0;

  // ---- labels, pairs and their slots ----------------------------------------------------------------------------------

  /** Number of a tenant's label, -1 if no series has it. "" stands for `__name__`. */
  findLabel(tenant: number, name: string): number {
    return this.kernel.exports.findLabel(tenant, this.stageText(name), labelTextByteLength(name)) - 1;
  }

  /** Number of a label with a value, -1 if no series has it. */
  findPair(label: number, value: string): number {
    return this.kernel.exports.findPair(label, this.stageText(value), labelTextByteLength(value)) - 1;
  }

  /** First label of a tenant, first pair of a label, and from each to the next; -1 where there is none. */
  firstLabel(tenant: number): number {
    return this.wordAt(this.kernel.exports.tenantAddress(tenant), FIRST_OF_TENANT) - 1;
  }

  nextLabel(label: number): number {
    return this.wordAt(this.kernel.exports.labelAddress(label), NEXT) - 1;
  }

  firstPair(label: number): number {
    return this.wordAt(this.kernel.exports.labelAddress(label), FIRST_OF_LABEL) - 1;
  }

  nextPair(pair: number): number {
    return this.wordAt(this.kernel.exports.pairAddress(pair), NEXT) - 1;
  }

  labelOf(pair: number): number {
    return this.wordAt(this.kernel.exports.pairAddress(pair), 1);
  }

  /** Name of a label; "" for `__name__`. */
  nameOf(label: number): string {
    let name = this.names.get(label);
    if (name === undefined) {
      name = this.readText(this.wordAt(this.kernel.exports.labelAddress(label), 0));
      if (this.names.size >= TEXTS_KEPT) this.names.clear();
      this.names.set(label, name);
    }
    return name;
  }

  /** Value of a pair. */
  textOf(pair: number): string {
    let text = this.texts.get(pair);
    if (text === undefined) {
      text = this.readText(this.wordAt(this.kernel.exports.pairAddress(pair), 0));
      if (this.texts.size >= TEXTS_KEPT) this.texts.clear();
      if (text.length <= KEPT_TEXT_BYTES) this.texts.set(pair, text);
    }
    return text;
  }

  /** Bytes of a label's name. A view, void once anything is added. */
  nameBytes(label: number): Uint8Array {
    return this.textBytes(this.wordAt(this.kernel.exports.labelAddress(label), 0));
  }

  /** Bytes of a pair's value. A view, void once anything is added. */
  valueBytes(pair: number): Uint8Array {
    return this.textBytes(this.wordAt(this.kernel.exports.pairAddress(pair), 0));
  }

  /**
   * Six bytes of a name or value from `6 * depth` on, as a number that orders as they do, those that are missing before those that are there; -1 behind
   * the end.
   */
  nameChunk(label: number, depth: number): number {
    return this.textChunk(this.wordAt(this.kernel.exports.labelAddress(label), 0), depth);
  }

  valueChunk(pair: number, depth: number): number {
    return this.textChunk(this.wordAt(this.kernel.exports.pairAddress(pair), 0), depth);
  }

  private textChunk(text: number, depth: number): number {
    const left = this.readVarint(text) - 6 * depth;
    if (left < 0) return -1;
    const { u8 } = this.kernel.memory;
    const at = this.readEnd + 6 * depth;
    let high = 0;
    let low = 0;
    for (let i = 0; i < 3; i++) high = (high << 8) | (i < left ? (u8[at + i] as number) : 0);
    for (let i = 3; i < 6; i++) low = (low << 8) | (i < left ? (u8[at + i] as number) : 0);
    return (high * 0x100_0000 + low) * 8 + Math.min(left, 6);
  }

  /** How many values a label has. */
  countPairsOf(label: number): number {
    return this.wordAt(this.kernel.exports.labelAddress(label), PAIRS_OF_LABEL);
  }

  /** True if the bytes of a pair's value contain `sought`; all contain none. */
  containsBytes(pair: number, sought: Uint8Array): boolean {
    if (sought.length === 0) return true;
    const length = this.readVarint(this.wordAt(this.kernel.exports.pairAddress(pair), 0));
    const { u8 } = this.kernel.memory;
    const first = sought[0];
    const last = this.readEnd + length - sought.length;
    for (let at = this.readEnd; at <= last; at++) {
      if (u8[at] !== first) continue;
      let shared = 1;
      while (shared < sought.length && u8[at + shared] === sought[shared]) shared++;
      if (shared === sought.length) return true;
    }
    return false;
  }

  /** How many series have a pair. */
  countSlots(pair: number): number {
    return this.kernel.exports.countPairSlots(pair);
  }

  /** The largest slot of those with a pair. */
  lastSlot(pair: number): number {
    const list = this.wordAt(this.kernel.exports.pairAddress(pair), SLOTS_OF_PAIR);
    return (list & 1) === 1 ? list >>> 1 : this.wordAt(list, LAST_OF_LIST);
  }

  /** Slots of the series with a pair, ascending; a fresh array. */
  slotsOf(pair: number): Uint32Array {
    const { exports } = this.kernel;
    const count = exports.countPairSlots(pair);
    const at = this.address(exports.scratch(4 * count));
    exports.copyPairSlots(pair, at);
    return this.kernel.memory.u32.slice(at >>> 2, (at >>> 2) + count);
  }

  /** Slots of a tenant's series, ascending; a fresh array. */
  slotsOfTenant(tenant: number): Uint32Array {
    const { exports } = this.kernel;
    const count = exports.countTenantSlots(tenant);
    const at = this.address(exports.scratch(4 * count));
    exports.copyTenantSlots(tenant, at);
    return this.kernel.memory.u32.slice(at >>> 2, (at >>> 2) + count);
  }

  // ---- definitions for the log ----------------------------------------------------------------------------------------

  /**
   * Gives what a log needs to know of `slots[0..count)` to `take`, in pieces of which each stands for itself: docs/format/wal.md, definitions. The bytes
   * are void once `take` returns. @throws RegistryFullError
   */
  define(slots: Uint32Array, count: number, take: (bytes: Uint8Array, series: number) => void): void {
    for (let from = 0; from < count; ) {
      const piece = this.collect(slots.subarray(0, count), from, 1 << 17, (at, left, _ends, target, room) =>
        this.kernel.exports.define(at, left, target, room),
      );
      take(this.kernel.memory.u8.subarray(piece.at, piece.at + piece.bytes), piece.count);
      from += piece.count;
    }
  }

  // ---- memory ---------------------------------------------------------------------------------------------------------

  /** Lets the kernel write something about `slots[from..)` to scratch, in a piece of this size or as large as the first needs. */
  private collect(
    slots: Uint32Array,
    from: number,
    pieceBytes: number,
    write: (slots: number, count: number, ends: number, target: number, room: number) => number,
  ): { bytes: number; count: number; at: number } {
    const { exports, memory } = this.kernel;
    // No series is described in less than a few bytes: more slots than this would not fit.
    const count = Math.min(slots.length - from, pieceBytes >> 4);
    for (let room = pieceBytes; ; ) {
      const slotsAt = this.address(exports.scratch(8 * count + room));
      this.endsAt = slotsAt + 4 * count;
      const at = this.endsAt + 4 * count;
      memory.u32.set(slots.subarray(from, from + count), slotsAt >>> 2);
      const bytes = write(slotsAt, count, this.endsAt, at, room) >>> 0;
      if (exports.done.value > 0) return { bytes, count: exports.done.value, at };
      room = bytes;
    }
  }

  private stage(bytes: Uint8Array, lo: number, hi: number): number {
    this.windowOf = null;
    const at = this.address(this.kernel.exports.stage(hi - lo));
    const { u8 } = this.kernel.memory;
    // Label texts are short: a loop is quicker than set(subarray()).
    if (hi - lo > 128) u8.set(bytes.subarray(lo, hi), at);
    else for (let i = lo, k = at; i < hi; i++, k++) u8[k] = bytes[i] as number;
    return at;
  }

  private stageText(text: string): number {
    this.windowOf = null;
    const at = this.address(this.kernel.exports.stage(labelTextByteLength(text)));
    writeLabelText(text, this.kernel.memory.u8, at);
    return at;
  }

  /** An address the kernel gave, unless it had no memory. The views are fresh then. */
  private address(at: number): number {
    if (at === 0) throw new RegistryFullError();
    this.freshen();
    return at >>> 0;
  }

  /** Remakes the views if the memory has grown: those of before are empty then. */
  private freshen(): void {
    const { memory } = this.kernel;
    if (memory.u8.length === 0) memory.refresh();
  }

  private checked(number: number): number {
    if (number === FULL) throw new RegistryFullError();
    return number;
  }

  private wordAt(address: number, word: number): number {
    this.freshen();
    return this.kernel.memory.u32[(address >>> 2) + word] as number;
  }

  private readVarint(at: number): number {
    this.freshen();
    const { u8 } = this.kernel.memory;
    let value = 0;
    let shift = 0;
    let end = at;
    for (;;) {
      const byte = u8[end++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    this.readEnd = end;
    return value >>> 0;
  }

  private readText(text: number): string {
    const length = this.readVarint(text);
    return decodeLabelBytes(this.kernel.memory.u8, this.readEnd, this.readEnd + length);
  }

  private textBytes(text: number): Uint8Array {
    const length = this.readVarint(text);
    return this.kernel.memory.u8.subarray(this.readEnd, this.readEnd + length);
  }
}
