/**
 * Rows by their labels, for series that no link tells about: which row has these?
 *
 * Of few rows the labels are kept, as they are wanted next. Of many that would be hundreds of bytes each in JavaScript's heap: of these only hashes are, 16 bytes in
 * arrays and 8 of table, and whoever reads the rows reads their labels again. The hashes are SipHash of 128 bits under a key that nobody knows, as those by which
 * the series of the head are told apart.
 */
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import { hashRowKeys } from "../../kernel/ingest-kernel.ts";

const KEPT_ROWS_MAX = 50_000;
const HASH_WORDS = 4;
const KEY_BYTES = 1 << 10;

export class RowLabels {
  /** In order of rows; null if there may be too many. */
  readonly kept: Labels[] | null;
  private readonly hashes: RowHashes | null;
  /** Rows by labels that are kept. Made only if somebody asks. */
  private readonly byText: Map<string, number> = new Map();
  private inText = 0;
  private rows = 0;

  /** @param room rows there can be */
  constructor(tenant: Tenant, room: number, keptMax: number = KEPT_ROWS_MAX) {
    this.kept = room <= keptMax ? [] : null;
    this.hashes = room <= keptMax ? null : new RowHashes(tenant, room);
  }

  get count(): number {
    return this.rows;
  }

  /** The next row is one with these labels, which no other has. Returns its number. */
  add(labels: Labels): number {
    if (this.kept !== null) this.kept.push(labels);
    else this.hashes?.add(labels, this.rows);
    return this.rows++;
  }

  /** A row without a look at its labels: one that nobody looks for. Their labels are theirs to give. */
  addUnasked(labels: Labels): number {
    this.kept?.push(labels);
    return this.rows++;
  }

  /** The row with these labels, or -1. */
  find(labels: Labels): number {
    const { byText, kept } = this;
    if (kept === null) return (this.hashes as RowHashes).find(labels);
    for (; this.inText < kept.length; this.inText++) byText.set(joinKey(kept[this.inText] as Labels), this.inText);
    return byText.get(joinKey(labels)) ?? -1;
  }
}

/** An open table of rows by the hash of their labels. */
class RowHashes {
  private readonly tenant: Tenant;
  /** Row + 1, found from the first word on; twice as many places as there can be rows at least. */
  private readonly table: Uint32Array;
  private readonly words: Uint32Array;
  private readonly wanted: Uint32Array = new Uint32Array(HASH_WORDS);
  private key: Buffer = Buffer.alloc(KEY_BYTES);
  private readonly keyEnd: Uint32Array = new Uint32Array(1);

  constructor(tenant: Tenant, room: number) {
    this.tenant = tenant;
    this.table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * Math.max(1, room))));
    this.words = new Uint32Array(HASH_WORDS * room);
  }

  add(labels: Labels, row: number): void {
    this.words.set(this.hash(labels), HASH_WORDS * row);
    this.table[this.placeOf()] = row + 1;
  }

  find(labels: Labels): number {
    this.hash(labels);
    return (this.table[this.placeOf()] as number) - 1;
  }

  /** Where the wanted hash stands, or the place that is free for it. */
  private placeOf(): number {
    const { table, wanted, words } = this;
    const mask = table.length - 1;
    for (let place = (wanted[0] as number) & mask; ; place = (place + 1) & mask) {
      const at = HASH_WORDS * ((table[place] as number) - 1);
      if (at < 0) return place;
      if (
        words[at] === wanted[0] &&
        words[at + 1] === wanted[1] &&
        words[at + 2] === wanted[2] &&
        words[at + 3] === wanted[3]
      ) {
        return place;
      }
    }
  }

  private hash(labels: Labels): Uint32Array {
    const text = joinKey(labels);
    // Two bytes a unit: texts of labels that are no UTF-8 have units that would become the same in others.
    const bytes = 2 * text.length;
    if (this.key.length < bytes) this.key = Buffer.alloc(2 * bytes);
    this.key.write(text, "utf16le");
    this.keyEnd[0] = bytes;
    hashRowKeys(this.tenant, this.key, this.keyEnd, 0, 1, this.wanted);
    return this.wanted;
  }
}

/** Labels as one string, each text behind its length: no two label sets have the same, whatever bytes are in them. */
export function joinKey({ name, pairs }: Labels): string {
  let key = `${name.length}:${name}`;
  for (let i = 0; i < pairs.length; i++) {
    const text = pairs[i] as string;
    key += `${text.length}:${text}`;
  }
  return key;
}
