/**
 * Label sets as JSON, many of them in order: what a set has in common with the one before is copied from there.
 *
 *   {"__name__":"m","instance":"a:9100","job":"node"},{"__name__":"m","instance":"b:9100","job":"node"}
 *   └─ unit 0 ─────┘└─ unit 1 ────────┘└─ unit 2 ──┘
 */
import type { Labels } from "@nyanza/tsdb";
import type { JsonWriter } from "./json-writer.ts";

export class LabelSetWriter {
  readonly #json: JsonWriter;
  /** The set before: its labels, and where its units ended; unit 0 began at the first of these places. */
  #name = "";
  #pairs: readonly string[] = [];
  #places: number[] = [0, 0];
  /** In which piece it is. */
  #piece = -1;

  constructor(json: JsonWriter) {
    this.#json = json;
  }

  /** `{"__name__":"up","job":"node"}` */
  write(labels: Labels): void {
    const json = this.#json;
    const places = this.#places;
    const { name, pairs } = labels;
    // Without a name there is no comma in front of the first label.
    const isKnown = this.#piece === json.taken && (name === "") === (this.#name === "");
    const before = isKnown ? this.#pairs : [];
    let lo = places[0] as number;
    let hi = places[1] as number;
    let at = json.length;
    places[0] = at;
    /** What of the set before is still to be copied: `[copyLo, copyHi)`. */
    let copyLo = lo;
    let copyHi = lo;
    if (isKnown && name === this.#name) copyHi = hi;
    else {
      json.raw("{");
      if (name !== "") {
        json.raw('"__name__":');
        json.string(name);
      }
      copyLo = hi;
      copyHi = hi;
    }
    at = json.length + copyHi - copyLo;
    places[1] = at;
    for (let i = 0; i < pairs.length; i += 2) {
      lo = hi;
      hi = places[i / 2 + 2] as number;
      if (i < before.length && pairs[i] === before[i] && pairs[i + 1] === before[i + 1]) {
        copyHi = hi;
        at += hi - lo;
      } else {
        if (copyHi > copyLo) json.repeat(copyLo, copyHi);
        if (i > 0 || name !== "") json.comma();
        json.string(pairs[i] as string);
        json.raw(":");
        json.string(pairs[i + 1] as string);
        copyLo = hi;
        copyHi = hi;
        at = json.length;
      }
      places[i / 2 + 2] = at;
    }
    if (copyHi > copyLo) json.repeat(copyLo, copyHi);
    json.raw("}");
    this.#name = name;
    this.#pairs = pairs;
    this.#piece = json.taken;
  }
}
