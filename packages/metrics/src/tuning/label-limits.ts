/**
 * Cardinality limits for whole sets of attributes, a limiter a label: for instruments that take their attributes at each call, such as
 * OpenTelemetry's.
 *
 *     const limits = new LabelLimits({ path: { maxValues: 200 }, customer: { policy: "top", maxValues: 50 } });
 *     counter.add(1, limits.fold({ method: "GET", path: "/x", customer: "c-1" }));
 */
import type { Attributes, AttributeValue } from "./attributes.ts";
import { CardinalityLimiter, type CardinalityLimiterOptions, type CardinalityStats } from "./cardinality-limiter.ts";

/**
 * A {@link CardinalityLimiter} for each of several labels, put on whole sets of attributes.
 *
 * @example
 * const limits = new LabelLimits({ path: { maxValues: 200 }, tenant: { policy: "top", maxValues: 50 } });
 * counter.add(1, limits.fold({ path: "/x", tenant: "t-1" }));
 */
export class LabelLimits {
  readonly #limiters = new Map<string, CardinalityLimiter>();

  /**
   * A limiter for each label that has one; a limiter may be shared by several labels or sets.
   * @throws like {@link CardinalityLimiter}; TypeError for a label `__proto__`
   */
  constructor(limits: { readonly [label: string]: CardinalityLimiter | CardinalityLimiterOptions }) {
    for (const [label, limit] of Object.entries(limits)) {
      if (label === "__proto__") throw new TypeError("label limits: __proto__ is no label");
      this.#limiters.set(label, limit instanceof CardinalityLimiter ? limit : new CardinalityLimiter(limit));
    }
  }

  /**
   * `attributes` with the limited labels folded: the same object if nothing changed, else a copy. Other labels stay as they are. A
   * list becomes the text of its members, in commas (["a,b"] and ["a", "b"] are one value, not two); what is no attribute value (an object)
   * becomes "". Attributes that throw when read become none at all. Never throws.
   */
  fold(attributes: Attributes): Attributes {
    if (typeof attributes !== "object" || attributes === null) return attributes;
    try {
      return this.#fold(attributes);
    } catch {
      // A getter or a proxy of the caller's: handed on, it would throw where it is counted.
      return {};
    }
  }

  #fold(attributes: Attributes): Attributes {
    let folded: { [label: string]: AttributeValue | undefined } | null = null;
    for (const [label, limiter] of this.#limiters) {
      const value = Object.hasOwn(attributes, label) ? attributes[label] : undefined;
      if (value === undefined || value === null) continue;
      const text = Array.isArray(value) ? textOfList(value) : value;
      const kept = limiter.fold(text);
      if (kept === value || ((typeof value === "number" || typeof value === "boolean") && kept === String(value)))
        continue;
      folded ??= { ...attributes };
      folded[label] = kept;
    }
    return folded ?? attributes;
  }

  /** By label. */
  stats(): Map<string, CardinalityStats> {
    return new Map([...this.#limiters].map(([label, limiter]) => [label, limiter.stats()]));
  }
}

function textOfList(list: readonly unknown[]): string {
  try {
    return list.join(",");
  } catch {
    // A member that cannot be written: no attribute value.
    return "";
  }
}
