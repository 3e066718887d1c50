/** Label names and values as they were found, as bytes. Most go on as such; who asks for `items` gets strings, made then. */
import type { Texts } from "../base/texts.ts";
import type { Answer } from "../query/source.ts";

/** The index room's TextRun, as far as it is needed here. */
interface Run {
  readonly texts: Texts;
  toStrings(): string[];
}

export class FoundTexts implements Answer<string> {
  readonly isPartial: boolean;
  readonly #run: Run;
  #items: string[] | null = null;

  /** The run is the answer's from now on. */
  constructor(run: Run, isPartial: boolean) {
    this.#run = run;
    this.isPartial = isPartial;
  }

  get items(): string[] {
    this.#items ??= this.#run.toStrings();
    return this.#items;
  }

  get texts(): Texts {
    return this.#run.texts;
  }
}
