// @ts-nocheck
// The registry's own hash key: the hasher is lent to others.
import { setHashKey } from "../hash/sip";

let ownKey0: u32 = 0;
let ownKey1: u32 = 0;
let ownKey2: u32 = 0;
let ownKey3: u32 = 0;

export function startOwnKey(a: u32, b: u32, c: u32, d: u32): void {
  ownKey0 = a;
  ownKey1 = b;
  ownKey2 = c;
  ownKey3 = d;
  useOwnKey();
}

export function useOwnKey(): void {
  setHashKey(ownKey0, ownKey1, ownKey2, ownKey3);
}
