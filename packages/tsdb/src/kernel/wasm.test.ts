import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelExports, KernelMemory, loadKernel, type WasmMemory } from "./wasm.ts";

test("loadKernel says what to do when a kernel was not built", () => {
  assert.throws(() => loadKernel<KernelExports>("no-such-kernel"), /load kernel no-such-kernel: .*`npm run build`/);
});

test("KernelMemory grows by pages, keeps its bytes and remakes its views only then", () => {
  const memory = new FakeMemory();
  const view = new KernelMemory(memory, 1025);
  assert.equal(view.base, 1040);
  const { u8 } = view;
  u8[70] = 7;
  view.reserve(65_536);
  assert.equal(view.u8, u8);
  view.reserve(65_537);
  assert.equal(view.byteLength, 2 * 65_536);
  assert.notEqual(view.u8, u8);
  assert.equal(view.u8[70], 7);
  assert.equal(view.f64.length, (2 * 65_536) / 8);
  memory.grow(1);
  view.refresh();
  assert.equal(view.u32.length, (3 * 65_536) / 4);
});

class FakeMemory implements WasmMemory {
  buffer: ArrayBuffer = new ArrayBuffer(65_536);
  grow(pages: number): number {
    const grown = new Uint8Array(this.buffer.byteLength + pages * 65_536);
    grown.set(new Uint8Array(this.buffer));
    this.buffer = grown.buffer;
    return pages;
  }
}
