/** A store in memory that counts what is asked of it, fails when told to, and lets tests damage what it holds. */
import { type LargeWrite, type ObjectStore, StoreError } from "./object-store.ts";

export class MemoryStore implements ObjectStore {
  readonly place: string;
  readonly objects: Map<string, Uint8Array> = new Map();
  /** Keys that were written, as often as they were. */
  readonly written: string[] = [];
  /** Pieces of unfinished objects by key. */
  readonly unfinished: Map<string, Map<number, Uint8Array>> = new Map();
  /** Told of each writing step; throws to fail it. */
  beforeStep: (what: string) => void = () => {};
  readBytes = 0;

  constructor(name = "one") {
    this.place = `memory:${name}`;
  }

  async claim(): Promise<{ release(): Promise<void> }> {
    return { release: async () => {} };
  }

  async list(): Promise<Map<string, number>> {
    return new Map([...this.objects].map(([key, bytes]) => [key, bytes.length]));
  }

  async readWhole(key: string, bytesMax: number): Promise<Uint8Array | null> {
    const bytes = this.objects.get(key) ?? null;
    if (bytes !== null && bytes.length > bytesMax) throw new StoreError(`${key} is too large`);
    return bytes;
  }

  async read(key: string, offset: number, bytes: number): Promise<Uint8Array> {
    const object = this.objects.get(key);
    if (object === undefined || offset + bytes > object.length) throw new StoreError(`${this.place}/${key} is missing`);
    this.readBytes += bytes;
    return object.slice(offset, offset + bytes);
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    this.beforeStep(`write ${key}`);
    this.objects.set(key, new Uint8Array(bytes));
    this.written.push(key);
  }

  async writeLarge(key: string, bytes: number, _pieceBytes: number): Promise<LargeWrite> {
    const pieces = this.unfinished.get(key) ?? new Map<number, Uint8Array>();
    this.unfinished.set(key, pieces);
    return {
      write: async (index, piece) => {
        this.beforeStep(`write piece ${index} of ${key}`);
        if (pieces.has(index)) return false;
        pieces.set(index, new Uint8Array(piece));
        return true;
      },
      complete: async () => {
        this.beforeStep(`complete ${key}`);
        const whole = Buffer.concat([...pieces].sort(([a], [b]) => a - b).map(([, piece]) => piece));
        if (whole.length !== bytes) throw new Error(`${key}: want ${bytes} bytes, got ${whole.length}`);
        // A Buffer's slices would be windows on it.
        this.objects.set(key, new Uint8Array(whole));
        this.unfinished.delete(key);
        this.written.push(key);
      },
      abandon: async () => {},
    };
  }

  async copyFrom(origin: ObjectStore, key: string): Promise<boolean> {
    if (!(origin instanceof MemoryStore)) return false;
    this.beforeStep(`copy ${key}`);
    this.objects.set(key, (origin.objects.get(key) as Uint8Array).slice());
    return true;
  }

  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.beforeStep(`remove ${key}`);
      this.objects.delete(key);
    }
  }

  async sweep(): Promise<void> {
    this.beforeStep("sweep");
    this.unfinished.clear();
  }
}
