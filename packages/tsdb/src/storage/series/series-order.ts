/**
 * New series on their way to a partition: in which order they get ids, and the symbols of their index segment. Both come from sorting the texts they use
 * once: a text's place in that order is its symbol, and comparing series is comparing symbols.
 */
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { Tenant } from "../../base/tenant.ts";
import { NO_SYMBOL, type NumberedSeries } from "../../index/numbered-series.ts";
import type { LabelStore } from "../../kernel/label-store.ts";
import type { Pacer } from "../pacer.ts";
import { sortByChunks } from "./chunk-sort.ts";
import type { SeriesRegistry } from "./registry.ts";

/** Series of one tenant that got ids `firstId`, `firstId + 1`, … in the order of `slots`. */
export interface NewSeries {
  readonly tenant: Tenant;
  readonly registry: SeriesRegistry;
  readonly slots: Uint32Array;
  readonly firstId: number;
  readonly symbols: Symbols;
}

/** Marks, among texts to be sorted, a label's name; what is not marked is a pair's value. */
const NAME_MARK = 0x8000_0000;
/** Two symbols make a chunk: no more than this many of them. */
const SYMBOLS_MAX = 2 ** 26;

/** The texts of some series, numbered in byte order. */
export interface Symbols {
  /** Any text with this number: a pair, or a label with NAME_MARK. */
  readonly texts: Uint32Array;
  /** Number + 1 of a pair's value, and of a label's name; 0 where no series has it. */
  readonly ofPair: PagedNumbers;
  readonly ofLabel: PagedNumbers;
}

/**
 * Sorts slots of one tenant by metric name, then job, then instance, then the rest: series that are read together stand together.
 * Returns the symbols it took.
 */
export async function sortForLocality(registry: SeriesRegistry, slots: Uint32Array, pacer: Pacer): Promise<Symbols> {
  const { store } = registry;
  const symbols = await collectSymbols(store, slots, pacer);
  const tenant = slots.length === 0 ? -1 : store.findTenant(store.tenantOf(slots[0] as number));
  const leading = ["", "job", "instance"].map((name) => store.findLabel(tenant, name));
  let pairs = new Uint32Array(64);
  const chunkOf = (slot: number, depth: number): number => {
    const count = store.countPairs(slot);
    if (count > pairs.length) pairs = new Uint32Array(2 * count);
    store.copyPairs(slot, pairs);
    if (depth >= 2) {
      if (depth - 2 >= count) return -1;
      const pair = pairs[depth - 2] as number;
      return symbols.ofLabel.get(store.labelOf(pair)) * SYMBOLS_MAX + symbols.ofPair.get(pair);
    }
    let high = 0;
    let low = 0;
    for (let i = 0; i < count; i++) {
      const pair = pairs[i] as number;
      const label = store.labelOf(pair);
      if (label === leading[2 * depth]) high = symbols.ofPair.get(pair);
      else if (depth === 0 && label === leading[1]) low = symbols.ofPair.get(pair);
    }
    return high * SYMBOLS_MAX + low;
  };
  await sortByChunks(slots, chunkOf, pacer);
  return symbols;
}

/** The series as an index segment wants them. */
export function numberSeries({ registry, slots, firstId, tenant, symbols }: NewSeries): NumberedSeries {
  const { store } = registry;
  let pairs = new Uint32Array(64);
  return {
    tenant,
    symbolCount: symbols.texts.length,
    symbolBytes(symbol) {
      const text = symbols.texts[symbol] as number;
      return text >= NAME_MARK ? store.nameBytes(text - NAME_MARK) : store.valueBytes(text);
    },
    seriesCount: slots.length,
    idOf: (i) => firstId + i,
    countLabels: (i) => store.countPairs(slots[i] as number),
    copyLabels(i, target) {
      const slot = slots[i] as number;
      const count = store.countPairs(slot);
      if (count > pairs.length) pairs = new Uint32Array(2 * count);
      store.copyPairs(slot, pairs);
      for (let k = 0; k < count; k++) {
        const pair = pairs[k] as number;
        const name = symbols.ofLabel.get(store.labelOf(pair));
        target[2 * k] = name === 0 ? NO_SYMBOL : name - 1;
        target[2 * k + 1] = symbols.ofPair.get(pair) - 1;
      }
    },
  };
}

async function collectSymbols(store: LabelStore, slots: Uint32Array, pacer: Pacer): Promise<Symbols> {
  const ofPair = new PagedNumbers();
  const ofLabel = new PagedNumbers();
  let texts = new Uint32Array(1024);
  let count = 0;
  const add = (text: number): void => {
    if (count === texts.length) {
      const larger = new Uint32Array(count * 2);
      larger.set(texts);
      texts = larger;
    }
    texts[count++] = text;
  };
  let pairs = new Uint32Array(64);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    const pairsOfIt = store.countPairs(slot);
    if (pairsOfIt > pairs.length) pairs = new Uint32Array(2 * pairsOfIt);
    store.copyPairs(slot, pairs);
    for (let k = 0; k < pairsOfIt; k++) {
      const pair = pairs[k] as number;
      if (ofPair.get(pair) !== 0) continue;
      ofPair.set(pair, 1);
      add(pair);
      const label = store.labelOf(pair);
      // `__name__`, which is the empty name here, needs no symbol.
      if (ofLabel.get(label) !== 0 || store.nameOf(label) === "") continue;
      ofLabel.set(label, 1);
      add(label + NAME_MARK);
    }
    if (i % 256 === 0 && pacer.isDue) await pacer.pause();
  }
  texts = texts.slice(0, count);
  await sortByChunks(
    texts,
    (text, depth) => (text >= NAME_MARK ? store.nameChunk(text - NAME_MARK, depth) : store.valueChunk(text, depth)),
    pacer,
  );
  // Equal texts, of different labels, are one symbol.
  let symbol = 0;
  for (let i = 0; i < count; i++) {
    const text = texts[i] as number;
    if (i === 0 || !isSameText(store, texts[symbol - 1] as number, text)) texts[symbol++] = text;
    if (text >= NAME_MARK) ofLabel.set(text - NAME_MARK, symbol);
    else ofPair.set(text, symbol);
    if (i % 1024 === 0 && pacer.isDue) await pacer.pause();
  }
  return { texts: texts.subarray(0, symbol), ofPair, ofLabel };
}

function isSameText(store: LabelStore, a: number, b: number): boolean {
  const x = a >= NAME_MARK ? store.nameBytes(a - NAME_MARK) : store.valueBytes(a);
  const y = b >= NAME_MARK ? store.nameBytes(b - NAME_MARK) : store.valueBytes(b);
  return x.length === y.length && Buffer.compare(x, y) === 0;
}
