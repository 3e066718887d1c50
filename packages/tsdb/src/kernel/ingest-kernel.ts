/**
 * Typed wrapper round kernels/ingest.ts, the kernel that reads what strangers sent.
 */
import { randomHashKey, sipHash128 } from "../base/hash.ts";
import type { Tenant } from "../base/tenant.ts";
import { DOMAIN_ROWS, seriesHashPrefix } from "./ingest-twin.ts";

const processKey: Uint32Array = randomHashKey();

/** Hashes the keys of series `[from, to)`, key `i` being `keys[keyEnds[i-1]..keyEnds[i])`, into four words each. */
export function hashRowKeys(
  tenant: Tenant,
  keys: Uint8Array,
  keyEnds: Uint32Array,
  from: number,
  to: number,
  target: Uint32Array,
): void {
  const prefix = seriesHashPrefix(DOMAIN_ROWS, tenant);
  for (let i = from; i < to; i++) {
    const lo = i === 0 ? 0 : (keyEnds[i - 1] as number);
    const message = new Uint8Array(prefix.length + (keyEnds[i] as number) - lo);
    message.set(prefix);
    message.set(keys.subarray(lo, keyEnds[i]), prefix.length);
    sipHash128(processKey, message, 0, message.length, target, i * 4);
  }
}
