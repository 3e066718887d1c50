/**
 * Typed wrapper round kernels/ingest.ts, the kernel that reads what strangers sent.
 *
 * Memory of an IngestKernel, laid out anew for every request; each region is followed by SLACK bytes or another
 * region, for the kernel reads and writes whole words:
 *
 *   base ┌ series recalled (kernels/ingest/recall.ts) ┐ ┌ body as it came ┐ ┌ raw request ┐ ┌ hashes │ label ranges │ sample ends │ metadata │ timestamps │ values ┐
 *
 * Columns get room for a usual request of this size. If one is full, parse() stops, the columns are moved apart and
 * parsing goes on where it stopped.
 */
import { assert, InputError } from "../base/errors.ts";
import { randomHashKey } from "../base/hash.ts";
import type { Tenant } from "../base/tenant.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";
import { MESSAGE, type WireFault, WireFaultError } from "./wire-fault.ts";

/** Where the raw bytes that name a series came from; two domains never share a hash. */
export const DOMAIN_REMOTE_WRITE = 1;
export const DOMAIN_ROWS = 2;

interface WasmGlobal {
  readonly value: number;
}

interface IngestExports extends KernelExports {
  setKey(a: number, b: number, c: number, d: number): void;
  recallBytes(entryBits: number, textBytes: number): number;
  placeRecall(at: number, entryBits: number, textBytes: number): void;
  setPrefix(domain: number, accountId: number, projectId: number): void;
  hashKeys(keys: number, ends: number, endsFrom: number, count: number, target: number): void;
  readSnappyHeader(body: number, length: number): number;
  unsnappy(body: number, length: number, raw: number): number;
  start(raw: number, length: number): void;
  setColumns(
    hashes: number,
    labelRanges: number,
    sampleEnds: number,
    seriesRoom: number,
    timestamps: number,
    values: number,
    sampleRoom: number,
    metadataRanges: number,
    metadataRoom: number,
  ): void;
  parse(): number;
  readonly recalledCount: WasmGlobal;
  readonly declaredBytes: WasmGlobal;
  readonly seriesCount: WasmGlobal;
  readonly sampleCount: WasmGlobal;
  readonly metadataCount: WasmGlobal;
  readonly exemplarCount: WasmGlobal;
  readonly histogramCount: WasmGlobal;
  readonly unnamedSampleCount: WasmGlobal;
  readonly faultCode: WasmGlobal;
  readonly faultMessage: WasmGlobal;
  readonly faultField: WasmGlobal;
  readonly faultAt: WasmGlobal;
  readonly faultValue: WasmGlobal;
}

/** What parse() answers. */
const DONE = 0;
const WANT_SERIES = 1;
const WANT_SAMPLES = 2;
const WANT_METADATA = 3;

/** The kernel looks up to 262 bytes ahead (a byte taken for a label's length, before it is checked). */
const SLACK = 512;
/** Sixty thousand series of the usual 200 bytes. What is not used takes no memory. */
export const USUAL_RECALL: RecallSize = { entryBits: 16, textBytes: 12 << 20 };
/** The most that one byte of a snappy block unpacks to is 64/3: a copy of 64 bytes takes three. */
const SNAPPY_RATIO_MAX = 22;
/** Where wasm's addresses end, less a page. */
const ADDRESS_LIMIT = 2 ** 32 - 65_536;

/** The key of this process: hashes mean nothing outside it. */
export const processHashKey: Uint32Array = randomHashKey();

/** How much is recalled of earlier requests: 2^`entryBits` series and `textBytes` (a multiple of 16) of their labels, whichever is full first. */
export interface RecallSize {
  readonly entryBits: number;
  readonly textBytes: number;
}

/** Addresses and rooms of the columns. */
interface Columns {
  hashes: number;
  labelRanges: number;
  sampleEnds: number;
  metadataRanges: number;
  timestamps: number;
  values: number;
  end: number;
  seriesRoom: number;
  sampleRoom: number;
  metadataRoom: number;
}

/** One instance of the kernel. Its results lie in its memory and hold until the next request. */
export class IngestKernel {
  readonly #kernel: Kernel<IngestExports>;
  /** Where requests begin: behind what is recalled of earlier ones. */
  readonly #base: number;
  #raw = 0;
  #rawBytes = 0;
  #columns: Columns = layColumns(0, 0, 0, 0);

  /** `hashKey` as in base/hash.ts; tests bring their own. With `recall`, series of earlier requests are known again by their bytes. */
  constructor(hashKey: Uint32Array = processHashKey, recall: RecallSize | null = null) {
    this.#kernel = loadKernel<IngestExports>("ingest");
    const [a, b, c, d] = hashKey as unknown as [number, number, number, number];
    const { exports, memory } = this.#kernel;
    exports.setKey(a, b, c, d);
    this.#base = memory.base;
    if (recall === null) return;
    this.#base = alignUp(memory.base + exports.recallBytes(recall.entryBits, recall.textBytes));
    memory.reserve(this.#base);
    exports.placeRecall(memory.base, recall.entryBits, recall.textBytes);
  }

  /** Bytes of memory this instance holds for requests and cannot give back but by being dropped. */
  get memoryBytes(): number {
    return this.#kernel.memory.byteLength - this.#base;
  }

  /**
   * Takes a body in and unpacks it if need be. Returns the length of the raw request.
   *
   * @throws WireFaultError for a broken block; InputError 413 when the raw request is longer than `maxBytes`.
   */
  load(body: Uint8Array, isSnappy: boolean, maxBytes: number): number {
    const { exports, memory } = this.#kernel;
    const base = this.#base;
    if (body.length > maxBytes) throw tooLarge(body.length, maxBytes);
    const bodyEnd = base + body.length + SLACK;
    this.#reserve(bodyEnd);
    memory.u8.set(body, base);
    if (!isSnappy) {
      this.#raw = base;
      this.#rawBytes = body.length;
      return body.length;
    }
    if (!exports.readSnappyHeader(base, body.length)) throw new WireFaultError(this.#fault(), body.length);
    const declared = exports.declaredBytes.value >>> 0;
    if (declared > maxBytes) throw tooLarge(declared, maxBytes);
    if (declared > body.length * SNAPPY_RATIO_MAX) {
      // Refused before memory is taken for it.
      throw new InputError(
        `remote write: snappy: ${body.length} bytes declare to unpack to ${declared}, more than the format can hold`,
      );
    }
    const raw = alignUp(bodyEnd);
    this.#reserve(raw + declared + SLACK);
    if (!exports.unsnappy(base, body.length, raw)) throw new WireFaultError(this.#fault(), body.length);
    this.#raw = raw;
    this.#rawBytes = declared;
    return declared;
  }

  /**
   * Parses the request that load() took in. Series are hashed for `tenant`.
   *
   * @throws WireFaultError when it is not well-formed.
   */
  parse(tenant: Tenant): void {
    const { exports } = this.#kernel;
    const bytes = this.#rawBytes;
    exports.setPrefix(DOMAIN_REMOTE_WRITE, tenant.accountId, tenant.projectId);
    exports.start(this.#raw, bytes);
    const columnsLo = alignUp(this.#raw + bytes + SLACK);
    this.#columns = layColumns(columnsLo, 16 + (bytes >>> 5), 16 + (bytes >>> 4), 16 + (bytes >>> 6));
    this.#placeColumns();
    for (let status = exports.parse(); status !== DONE; status = exports.parse()) {
      if (status < 0) throw new WireFaultError(this.#fault(), bytes);
      this.#growColumns(status);
    }
  }

  get seriesCount(): number {
    return this.#kernel.exports.seriesCount.value >>> 0;
  }

  get sampleCount(): number {
    return this.#kernel.exports.sampleCount.value >>> 0;
  }

  get metadataCount(): number {
    return this.#kernel.exports.metadataCount.value >>> 0;
  }

  get exemplarCount(): number {
    return this.#kernel.exports.exemplarCount.value >>> 0;
  }

  get histogramCount(): number {
    return this.#kernel.exports.histogramCount.value >>> 0;
  }

  /** Series so far that were known again by their bytes, modulo 2^32. */
  get recalledCount(): number {
    return this.#kernel.exports.recalledCount.value >>> 0;
  }

  get unnamedSampleCount(): number {
    return this.#kernel.exports.unnamedSampleCount.value >>> 0;
  }

  /** All of the memory: label and metadata ranges are offsets in it. */
  get bytes(): Uint8Array {
    return this.#kernel.memory.u8;
  }

  get hashes(): Uint32Array {
    return new Uint32Array(this.#kernel.memory.u8.buffer, this.#columns.hashes, this.seriesCount * 4);
  }

  /** The raw request; parse() moves labels about in it where they do not stand in front of their series. */
  get raw(): Uint8Array {
    return this.bytes.subarray(this.#raw, this.#raw + this.#rawBytes);
  }

  /** `lo, hi` a series: its label fields with tags and lengths. */
  get labelRanges(): Uint32Array {
    return new Uint32Array(this.#kernel.memory.u8.buffer, this.#columns.labelRanges, this.seriesCount * 2);
  }

  get sampleEnds(): Uint32Array {
    return new Uint32Array(this.#kernel.memory.u8.buffer, this.#columns.sampleEnds, this.seriesCount);
  }

  /** `lo, hi` a metadata message: its payload. */
  get metadataRanges(): Uint32Array {
    return new Uint32Array(this.#kernel.memory.u8.buffer, this.#columns.metadataRanges, this.metadataCount * 2);
  }

  get timestamps(): Float64Array {
    return new Float64Array(this.#kernel.memory.u8.buffer, this.#columns.timestamps, this.sampleCount);
  }

  get values(): Float64Array {
    return new Float64Array(this.#kernel.memory.u8.buffer, this.#columns.values, this.sampleCount);
  }

  /** Hashes rows: see hashRowKeys(). Overwrites the memory from its base on. */
  hashRowKeys(
    tenant: Tenant,
    keys: Uint8Array,
    keyEnds: Uint32Array,
    from: number,
    to: number,
    target: Uint32Array,
  ): void {
    const { exports, memory } = this.#kernel;
    exports.setPrefix(DOMAIN_ROWS, tenant.accountId, tenant.projectId);
    let first = from;
    while (first < to) {
      const lo = first === 0 ? 0 : (keyEnds[first - 1] as number);
      let last = first + 1;
      while (last < to && (keyEnds[last] as number) - lo <= HASHED_BYTES_MAX) last++;
      const hi = keyEnds[last - 1] as number;
      const endsAt = alignUp(this.#base + hi - lo + SLACK);
      const hashesAt = alignUp(endsAt + 4 * (last - first));
      this.#reserve(hashesAt + 16 * (last - first));
      memory.u8.set(keys.subarray(lo, hi), this.#base);
      memory.u32.set(keyEnds.subarray(first, last), endsAt >> 2);
      exports.hashKeys(this.#base, endsAt, lo, last - first, hashesAt);
      target.set(memory.u32.subarray(hashesAt >> 2, (hashesAt >> 2) + 4 * (last - first)), 4 * first);
      first = last;
    }
  }

  #placeColumns(): void {
    const columns = this.#columns;
    this.#reserve(columns.end);
    this.#kernel.exports.setColumns(
      columns.hashes,
      columns.labelRanges,
      columns.sampleEnds,
      columns.seriesRoom,
      columns.timestamps,
      columns.values,
      columns.sampleRoom,
      columns.metadataRanges,
      columns.metadataRoom,
    );
  }

  /** Doubles the room of the column that is full and moves those behind it. */
  #growColumns(status: number): void {
    const old = this.#columns;
    this.#columns = layColumns(
      old.hashes,
      old.seriesRoom * (status === WANT_SERIES ? 2 : 1),
      old.sampleRoom * (status === WANT_SAMPLES ? 2 : 1),
      old.metadataRoom * (status === WANT_METADATA ? 2 : 1),
    );
    this.#placeColumns();
    const { u8 } = this.#kernel.memory;
    const { seriesCount, sampleCount, metadataCount } = this;
    // The last first: every column moves up, and none must run over one that still has to move.
    u8.copyWithin(this.#columns.values, old.values, old.values + 8 * sampleCount);
    u8.copyWithin(this.#columns.timestamps, old.timestamps, old.timestamps + 8 * sampleCount);
    u8.copyWithin(this.#columns.metadataRanges, old.metadataRanges, old.metadataRanges + 8 * metadataCount);
    u8.copyWithin(this.#columns.sampleEnds, old.sampleEnds, old.sampleEnds + 4 * seriesCount);
    u8.copyWithin(this.#columns.labelRanges, old.labelRanges, old.labelRanges + 8 * seriesCount);
  }

  #reserve(end: number): void {
    try {
      if (end > ADDRESS_LIMIT) throw new RangeError(`${end} bytes are more than wasm can address`);
      this.#kernel.memory.reserve(end);
    } catch (cause) {
      const message = `remote write: this request takes ${Math.ceil(end / 2 ** 20)} MiB to parse, which cannot be had`;
      throw Object.assign(new InputError(message, 413), { cause });
    }
  }

  #fault(): WireFault {
    const { exports } = this.#kernel;
    const message = exports.faultMessage.value;
    assert(message >= MESSAGE.snappy && message <= MESSAGE.metadata, "the ingest kernel failed without a fault");
    return {
      code: exports.faultCode.value,
      message,
      field: exports.faultField.value,
      at: exports.faultAt.value >>> 0,
      value: exports.faultValue.value,
    };
  }
}

/** Keys are hashed this many bytes at a time, unless one alone is longer. */
const HASHED_BYTES_MAX = 1 << 20;
/** After a key that grew the memory beyond this, the instance is dropped. */
const HASHER_MEMORY_MAX = 16 << 20;
let rowHasher: IngestKernel | undefined;

/**
 * Hashes the keys of series `[from, to)`, key `i` being `keys[keyEnds[i-1]..keyEnds[i])`, into the four words from
 * `target[4 * i]` on: SipHash-1-3 under the key of the process over domain, tenant and key.
 */
export function hashRowKeys(
  tenant: Tenant,
  keys: Uint8Array,
  keyEnds: Uint32Array,
  from: number,
  to: number,
  target: Uint32Array,
): void {
  rowHasher ??= new IngestKernel();
  rowHasher.hashRowKeys(tenant, keys, keyEnds, from, to, target);
  if (rowHasher.memoryBytes > HASHER_MEMORY_MAX) rowHasher = undefined;
}

function layColumns(lo: number, seriesRoom: number, sampleRoom: number, metadataRoom: number): Columns {
  const hashes = alignUp(lo);
  const labelRanges = hashes + 16 * seriesRoom;
  const sampleEnds = labelRanges + 8 * seriesRoom;
  const metadataRanges = alignUp(sampleEnds + 4 * seriesRoom);
  const timestamps = metadataRanges + 8 * metadataRoom;
  const values = timestamps + 8 * sampleRoom;
  const end = values + 8 * sampleRoom;
  return {
    hashes,
    labelRanges,
    sampleEnds,
    metadataRanges,
    timestamps,
    values,
    end,
    seriesRoom,
    sampleRoom,
    metadataRoom,
  };
}

/** To a multiple of 16, without the 32-bit operators: addresses go up to 2^32. */
function alignUp(address: number): number {
  return Math.ceil(address / 16) * 16;
}

function tooLarge(bytes: number, maxBytes: number): InputError {
  return new InputError(`remote write: the request has ${bytes} bytes, at most ${maxBytes} are taken`, 413);
}
