/** Snapshots that readers have, by number. Several may have one: what helps a query reads what the query reads. */
import type { Snapshot } from "../../storage/search/search.ts";

interface Held {
  readonly snapshot: Snapshot;
  /** Numbers that it goes by. */
  users: number;
}

/** Those of all readers of a database. */
export class HeldSnapshots {
  private readonly byNumber: Map<number, Held> = new Map();
  private lastNumber = 0;

  /** Released when it was given back under every number that it has. */
  hold(snapshot: Snapshot): number {
    return this.add({ snapshot, users: 0 });
  }

  /** The snapshot with this number under one more; null if it was given back. */
  join(number: number): { readonly number: number; readonly snapshot: Snapshot } | null {
    const held = this.byNumber.get(number);
    return held === undefined ? null : { number: this.add(held), snapshot: held.snapshot };
  }

  giveBack(number: number): void {
    const held = this.byNumber.get(number);
    if (held === undefined || !this.byNumber.delete(number)) return;
    if (--held.users === 0) held.snapshot.release();
  }

  private add(held: Held): number {
    const number = ++this.lastNumber;
    held.users++;
    this.byNumber.set(number, held);
    return number;
  }
}
