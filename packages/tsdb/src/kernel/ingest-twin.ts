/**
 * What kernels/ingest.ts computes, written for reading: the specification the kernel is tested against.
 */
import type { Tenant } from "../base/tenant.ts";

/** Where the raw bytes that name a series came from; two domains never share a hash. */
export const DOMAIN_REMOTE_WRITE = 1;
export const DOMAIN_ROWS = 2;

/** 16 bytes hashed before the raw bytes of a series: domain (u64), account (u32), project (u32), little-endian. */
export function seriesHashPrefix(domain: number, tenant: Tenant): Uint8Array {
  const words = new Uint32Array([domain, 0, tenant.accountId, tenant.projectId]);
  return new Uint8Array(words.buffer);
}
