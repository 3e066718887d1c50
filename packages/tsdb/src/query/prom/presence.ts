/** Masks of points: 1 where there is a value; null stands for "everywhere". See value.ts. */

export type Presence = Uint8Array | null;

/** True if there is a value at some point. */
export function hasPoint(presence: Presence): boolean {
  return presence === null || presence.indexOf(1) >= 0;
}

/** A mask the caller may write to. */
export function copyPresence(presence: Presence, points: number): Uint8Array {
  return presence === null ? new Uint8Array(points).fill(1) : presence.slice();
}

/** Where both have a value. The result may be `a`, never `b`: masks have one owner. */
export function intersect(a: Presence, b: Presence): Presence {
  if (b === null) return a;
  if (a === null) return b.slice();
  const both = new Uint8Array(a.length);
  for (let k = 0; k < both.length; k++) both[k] = a[k] & b[k];
  return both;
}

/** Adds to `target` the points of `source`. */
export function addPresence(target: Uint8Array, source: Presence): void {
  if (source === null) target.fill(1);
  else for (let k = 0; k < target.length; k++) target[k] |= source[k];
}

/** Where at least one of them has a value. Read only: the mask of a single one is its own. */
export function unite(list: readonly { readonly present: Presence }[], points: number): Presence {
  if (list.length === 1) return (list[0] as { readonly present: Presence }).present;
  const union = new Uint8Array(points);
  for (const { present } of list) {
    if (present === null) return null;
    addPresence(union, present);
  }
  return union;
}

/** The same of masks that come one after the other and are only lent. */
export class PresenceUnion {
  #mask: Uint8Array | null = null;
  #isEverywhere = false;

  add(presence: Presence): void {
    if (this.#isEverywhere) return;
    if (presence === null) {
      this.#isEverywhere = true;
      this.#mask = null;
    } else if (this.#mask === null) {
      this.#mask = presence.slice();
    } else {
      addPresence(this.#mask, presence);
    }
  }

  /** Of at least one mask. */
  get mask(): Presence {
    return this.#mask;
  }
}

/** Where `a` has a value and `b` has none. */
export function subtract(a: Presence, b: Presence, points: number): Uint8Array {
  const rest = new Uint8Array(points);
  if (b === null) return rest;
  for (let k = 0; k < points; k++) rest[k] = (a === null ? 1 : a[k]) & (b[k] ^ 1);
  return rest;
}
