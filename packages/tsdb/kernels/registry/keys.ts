// @ts-nocheck
// Series as others want them, many at a time: their keys, hashes of those, numbers of their pairs.
import { absorb, beginKept, beginWideHash, finishWide, keep, setHashKey } from "../hash/sip";
import { copyText, labelAddress, pairAddress, recordAddress, tenantAddress, tenantOf, tenantOfRecord } from "./entries";
import { ensure, readEnd, readVarint, scratch, top } from "./memory";
import { useOwnKey } from "./own-key";

/** Series done by the last `writeKeys` or `define`. */
export let done: u32 = 0;

/**
 * Keys (index/series-key.ts) of series from `slots[0]` on, one behind the other, and where each ends, as u32 from `ends` on. Stops before the
 * one that would go beyond `room`, and behind one of another tenant than the first's; see `done`. Returns the bytes written, or, if the first alone needs
 * more than `room`, how many it needs.
 */
export function writeKeys(slots: usize, count: u32, ends: usize, target: usize, room: u32): u32 {
  let at = target;
  let tenant: u32 = 0;
  for (done = 0; done < count; done++) {
    const record = recordAddress(load<u32>(slots + ((<usize>done) << 2)));
    const own = tenantOfRecord(record);
    if (done == 0) tenant = own;
    else if (own != tenant) break;
    let needed: u32 = 0;
    let left = readVarint(record);
    for (let next = readEnd; left > 0; left--) {
      const pair = pairAddress(readVarint(next));
      next = readEnd;
      needed +=
        10 + readVarint(<usize>load<u32>(pair)) + readVarint(<usize>load<u32>(labelAddress(load<u32>(pair, 4))));
    }
    if (<u32>(at - target) + needed > room) return done == 0 ? needed : <u32>(at - target);
    left = readVarint(record);
    for (let next = readEnd; left > 0; left--) {
      const pair = pairAddress(readVarint(next));
      next = readEnd;
      at = copyText(<usize>load<u32>(labelAddress(load<u32>(pair, 4))), at);
      at = copyText(<usize>load<u32>(pair), at);
    }
    store<u32>(ends + ((<usize>done) << 2), <u32>(at - target));
  }
  return <u32>(at - target);
}

/**
 * The first 32 bits of the hashes of the keys of series, all of one tenant, as u32 to `target`: what src/index/key-hash.ts makes of the keys, in the hash's
 * `domain` and under another key than the registry's. False without memory: keys are put together behind the scratch memory's first `used` bytes.
 */
export function hashKeys(
  a: u32,
  b: u32,
  c: u32,
  d: u32,
  domain: u32,
  slots: usize,
  count: u32,
  target: usize,
  used: usize,
): bool {
  if (count == 0) return true;
  const tenant = tenantAddress(tenantOf(load<u32>(slots)));
  setHashKey(a, b, c, d);
  beginWideHash();
  absorb(<u64>domain);
  absorb(<u64>load<u32>(tenant) | ((<u64>load<u32>(tenant, 4)) << 32));
  keep();
  const key = scratch(used) + ((used + 23) & ~7);
  let isWhole = true;
  for (let i: u32 = 0; i < count; i++) {
    let left = readVarint(recordAddress(load<u32>(slots + ((<usize>i) << 2))));
    let at = key + 16;
    for (let next = readEnd; left > 0; left--) {
      const pair = pairAddress(readVarint(next));
      next = readEnd;
      const name = <usize>load<u32>(labelAddress(load<u32>(pair, 4)));
      const value = <usize>load<u32>(pair);
      const bytes = readVarint(name) + readVarint(value) + 10;
      isWhole = isWhole && ensure(at + bytes - top);
      if (!isWhole) break;
      at = copyText(value, copyText(name, at));
    }
    if (!isWhole) break;
    beginKept();
    finishWide(key + 16, at, 16, key);
    store<u32>(target + ((<usize>i) << 2), load<u32>(key));
  }
  useOwnKey();
  return isWhole;
}

/** Numbers of the pairs of series, as u32, and how many there are up to each series' end; for the rest as writeKeys. */
export function writePairs(slots: usize, count: u32, ends: usize, target: usize, room: u32): u32 {
  let at = target;
  for (done = 0; done < count; done++) {
    const record = recordAddress(load<u32>(slots + ((<usize>done) << 2)));
    let left = readVarint(record);
    const needed = left << 2;
    if (<u32>(at - target) + needed > room) return done == 0 ? needed : <u32>(at - target);
    let next = readEnd;
    for (; left > 0; left--) {
      // Numbers of pairs that are met often are small.
      let pair = <u32>load<u8>(next++);
      if (pair >= 0x80) {
        pair = readVarint(next - 1);
        next = readEnd;
      }
      store<u32>(at, pair);
      at += 4;
    }
    store<u32>(ends + ((<usize>done) << 2), <u32>(at - target) >> 2);
  }
  return <u32>(at - target);
}
