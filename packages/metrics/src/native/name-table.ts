/**
 * Which family writes which names. Two families in one exposition must not write samples of the same name: a counter `x_count`
 * beside a histogram `x` would be read as a part of it. So each family owns all names it writes,
 *
 *     counter, gauge     x
 *     summary            x  x_sum  x_count
 *     histogram          x  x_sum  x_count  x_bucket
 *
 * and a family that needs a name which is taken is refused when it is made.
 */
import { listSampleNames } from "../exposition/sample-names.ts";
import type { MetricKind } from "./metric.ts";

export class NameTable {
  /** Family and kind by each name it owns. */
  readonly #owners = new Map<string, { readonly family: string; readonly title: string }>();

  /** @throws TypeError if another family owns one of the names */
  claim(family: string, kind: MetricKind): void {
    const names = ownNames(family, kind);
    for (const name of names) {
      const owner = this.#owners.get(name);
      if (owner === undefined) continue;
      throw new TypeError(
        owner.family === family
          ? `metric ${family}: want a ${kind.title}, but ${family} is a ${owner.title} already`
          : `metric ${family}: a ${kind.title} writes ${name}, which belongs to the ${owner.title} ${owner.family}`,
      );
    }
    for (const name of names) this.#owners.set(name, { family, title: kind.title });
  }

  release(family: string, kind: MetricKind): void {
    for (const name of ownNames(family, kind)) this.#owners.delete(name);
  }
}

function ownNames(family: string, kind: MetricKind): string[] {
  return listSampleNames({ name: family, type: kind.type, help: "", unit: "", aggregation: "sum", samples: [] });
}
