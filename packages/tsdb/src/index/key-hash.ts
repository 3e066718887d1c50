/**
 * Hashes of series keys for files. Unlike the hashes of the registry they outlive the process, so each is made with a random key that stands in
 * the file: who sends series cannot aim at collisions.
 */
import { randomHashKey } from "../base/hash.ts";
import type { Tenant } from "../base/tenant.ts";
import { IngestKernel } from "../kernel/ingest-kernel.ts";

/** Kernels kept, one a hash key: databases of one process, months of one database. */
const KERNELS_MAX = 4;
/** A key that made a kernel grow beyond this costs it its place. */
const KERNEL_BYTES_MAX = 16 << 20;
const kernels: Map<string, IngestKernel> = new Map();

export type HashKey = Uint32Array;

export function newHashKey(): HashKey {
  return randomHashKey();
}

/** 32 bits of the SipHash of each key, key `i` being `keys[ends[i-1]..ends[i])`. */
export function hashKeys(hashKey: HashKey, tenant: Tenant, keys: Uint8Array, ends: Uint32Array): Uint32Array {
  const name = hashKey.join();
  let kernel = kernels.get(name);
  if (kernel === undefined) {
    if (kernels.size >= KERNELS_MAX) kernels.clear();
    kernel = new IngestKernel(hashKey);
    kernels.set(name, kernel);
  }
  const words = new Uint32Array(4 * ends.length);
  kernel.hashRowKeys(tenant, keys, ends, 0, ends.length, words);
  if (kernel.memoryBytes > KERNEL_BYTES_MAX) kernels.delete(name);
  return Uint32Array.from(ends, (_end, i) => words[4 * i] as number);
}
