// @ts-nocheck
// What the registry has one behind the other: tenants, labels, pairs and series, as ../registry.ts draws them, and their texts.
import { allocateBytes, entryOf, giveBack, makeArray, readEnd, readVarint, writeVarint } from "./memory";
import { copySlots, countSlots } from "./postings";

export const TENANT_BYTES: u32 = 24;
export const LABEL_BYTES: u32 = 24;
export const PAIR_BYTES: u32 = 16;
export const SERIES_BYTES: u32 = 4;

export let tenants: usize = 0;
export let labels: usize = 0;
export let pairs: usize = 0;
export let series: usize = 0;

export function startEntries(): void {
  tenants = makeArray();
  labels = makeArray();
  pairs = makeArray();
  series = makeArray();
}

export function tenantAddress(tenant: u32): usize {
  return entryOf(tenants, tenant, TENANT_BYTES);
}

export function labelAddress(label: u32): usize {
  return entryOf(labels, label, LABEL_BYTES);
}

export function pairAddress(pair: u32): usize {
  return entryOf(pairs, pair, PAIR_BYTES);
}

/** Address of a series' record. */
export function recordAddress(slot: u32): usize {
  return <usize>load<u32>(entryOf(series, slot, SERIES_BYTES));
}

/** Tenant of the series with this record. */
export function tenantOfRecord(record: usize): u32 {
  readVarint(record);
  return load<u32>(labelAddress(load<u32>(pairAddress(readVarint(readEnd)), 4)), 4);
}

export function tenantOf(slot: u32): u32 {
  return tenantOfRecord(recordAddress(slot));
}

/** Slots that have a pair. */
export function countPairSlots(pair: u32): u32 {
  return countSlots(pairAddress(pair) + 12);
}

export function copyPairSlots(pair: u32, target: usize): void {
  copySlots(pairAddress(pair) + 12, target);
}

export function countTenantSlots(tenant: u32): u32 {
  return countSlots(tenantAddress(tenant) + 16);
}

export function copyTenantSlots(tenant: u32, target: usize): void {
  copySlots(tenantAddress(tenant) + 16, target);
}

export function isText(text: usize, at: usize, length: u32): bool {
  if (length < 0x80) return load<u8>(text) == length && isSame(text + 1, at, length);
  return readVarint(text) == length && isSame(readEnd, at, length);
}

/** Reads up to 7 bytes beyond the ends. */
function isSame(a: usize, b: usize, length: u32): bool {
  if (length < 8) return (load<u64>(a) ^ load<u64>(b)) << ((8 - length) << 3) == 0 || length == 0;
  const lastOfA = a + length - 8;
  for (; a < lastOfA; a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false;
  // The last eight bytes, some of them a second time.
  return load<u64>(lastOfA) == load<u64>(b - (a - lastOfA));
}

export function addText(at: usize, length: u32): usize {
  const text = allocateBytes(5 + length);
  if (text == 0) return 0;
  const bytes = writeVarint(text, length);
  memory.copy(bytes, at, length);
  // Not all of the five bytes of a length were needed.
  giveBack(bytes + length);
  return text;
}

export function copyText(text: usize, target: usize): usize {
  const bytes = readVarint(text);
  const end = readEnd + bytes;
  copyShort(target, text, end - text);
  return target + (end - text);
}

/** For few bytes, which a call of the engine's own copy is too much for. Reads and writes up to 7 bytes beyond the ends. */
export function copyShort(target: usize, source: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 8) store<u64>(target + i, load<u64>(source + i));
}
