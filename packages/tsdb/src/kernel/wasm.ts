/**
 * Loads the WebAssembly kernels of packages/tsdb/kernels and gives typed views of their memory.
 *
 *   kernels/<name>.ts  ──npm run kernels──▶  kernels/<name>.wasm  ──loadKernel("<name>")──▶  one instance, one memory
 *
 * Every call makes a new instance, so each owner has a memory of its own and gives it back by dropping it (wasm
 * memory grows and never shrinks); the compiled module behind it is shared. A kernel has no allocator: it keeps its
 * static data below `heapBase()` and its owner lays out everything from there on.
 *
 * The one file outside disk/ that reads a file itself: the kernels are part of the program, not of the data.
 */
import { readFileSync } from "node:fs";

/** What TypeScript's libraries for Node do not declare, as far as it is needed here. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB; throws RangeError where the limit is. */
  grow(pages: number): number;
}

interface WasmRuntime {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: KernelImports) => { readonly exports: unknown };
}
type WasmModule = object;

/** Imports by module and name, as WebAssembly takes them. Ours need none, except a head that shares its memory. */
export type KernelImports = Record<string, Record<string, unknown>>;

/** What every kernel exports besides its functions. */
export interface KernelExports {
  /** Absent when the kernel was built with an imported memory. */
  readonly memory?: WasmMemory;
  /** `export function heapBase(): usize { return __heap_base }`: first byte behind the static data. */
  heapBase(): number;
}

export interface Kernel<Exports> {
  readonly exports: Exports;
  readonly memory: KernelMemory;
}

const PAGE_BYTES = 65_536;
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WasmRuntime }).WebAssembly;
const modules = new Map<string, WasmModule>();

/**
 * A new instance of kernels/`name`.wasm. Synchronous: compiling takes about a millisecond and happens once a process.
 *
 * @throws Error when the file is missing, that is when the checkout was not built.
 */
export function loadKernel<Exports extends KernelExports>(name: string, imports: KernelImports = {}): Kernel<Exports> {
  let module = modules.get(name);
  if (module === undefined) {
    module = new Module(readKernel(name));
    modules.set(name, module);
  }
  // AssemblyScript calls env.abort where it cannot prove that a trap will not need a message.
  const instance = new Instance(module, { ...imports, env: { abort, ...imports["env"] } });
  const exports = instance.exports as Exports;
  const memory = exports.memory ?? (imports["env"]?.["memory"] as WasmMemory);
  return { exports, memory: new KernelMemory(memory, exports.heapBase()) };
}

/**
 * The memory of one kernel instance, seen through typed arrays.
 *
 * The views are plain fields because hot wrappers read them: they hold until the memory grows, which happens only in
 * `reserve()` or in a kernel call known to grow it; call `refresh()` after such a call.
 */
export class KernelMemory {
  /** First byte behind the kernel's static data, a multiple of 16: scratch starts here. */
  readonly base: number;
  u8: Uint8Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
  f64: Float64Array<ArrayBuffer>;
  readonly #memory: WasmMemory;

  constructor(memory: WasmMemory, base: number) {
    this.#memory = memory;
    this.base = (base + 15) & ~15;
    const { buffer } = memory;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** Bytes there are now. */
  get byteLength(): number {
    return this.u8.length;
  }

  /**
   * Sees to it that bytes `[0, end)` exist. What was in memory stays; the views are new if it had to grow.
   *
   * @throws RangeError when the machine or wasm's 4 GiB do not allow it.
   */
  reserve(end: number): void {
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.refresh();
  }

  /** Remakes the views if the memory has grown since. */
  refresh(): void {
    const { buffer } = this.#memory;
    if (this.u8.buffer === buffer) return;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }
}

/**
 * A memory that instances on several threads may use, for kernels built with `--sharedMemory`. It reserves 4 GiB of addresses and takes
 * real memory as it grows; its views stay valid when it does, but end where it ended before.
 */
export function createSharedMemory(initialPages: number): WasmMemory {
  return new Memory({ initial: initialPages, maximum: 65_536, shared: true });
}

function readKernel(name: string): Uint8Array {
  const url = new URL(`../../kernels/${name}.wasm`, import.meta.url);
  try {
    return readFileSync(url);
  } catch (cause) {
    throw new Error(`load kernel ${name}: cannot read ${url.pathname}: run \`npm run build\` first`, { cause });
  }
}

function abort(): never {
  throw new Error("kernel aborted");
}
