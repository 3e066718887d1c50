/** Label sets as plain data for another thread: each text once, however many series have it. */
import { Labels } from "../../base/labels.ts";

export interface PackedLabels {
  readonly texts: readonly string[];
  /** Indexes of texts: of each set its name, then names and values in turn. */
  readonly refs: Uint32Array;
  /** Where each set ends in `refs`. */
  readonly ends: Uint32Array;
}

export function packLabels(list: readonly Labels[]): PackedLabels {
  const ends = new Uint32Array(list.length);
  let length = 0;
  for (let i = 0; i < list.length; i++) {
    length += 1 + (list[i] as Labels).pairs.length;
    ends[i] = length;
  }
  const texts: string[] = [];
  const known: Map<string, number> = new Map();
  const refOf = (text: string): number => {
    let ref = known.get(text);
    if (ref === undefined) {
      ref = texts.push(text) - 1;
      known.set(text, ref);
    }
    return ref;
  };
  const refs = new Uint32Array(length);
  let at = 0;
  for (const { name, pairs } of list) {
    refs[at++] = refOf(name);
    for (let i = 0; i < pairs.length; i++) refs[at++] = refOf(pairs[i] as string);
  }
  return { texts, refs, ends };
}

export function unpackLabels({ texts, refs, ends }: PackedLabels): Labels[] {
  const list: Labels[] = [];
  let at = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] as number;
    const name = texts[refs[at++] as number] as string;
    const pairs = new Array<string>(end - at);
    for (let k = 0; at < end; k++) pairs[k] = texts[refs[at++] as number] as string;
    list.push(name === "" && pairs.length === 0 ? Labels.empty : new Labels(name, pairs));
  }
  return list;
}
