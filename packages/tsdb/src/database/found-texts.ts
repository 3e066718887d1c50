/** Label names and values as they were found, as bytes. Most go on as such; who asks for `items` gets strings, made then. */
import type { Texts } from "../base/texts.ts";
import type { TextRun } from "../index/text-run.ts";
import type { Answer } from "../query/source.ts";

export class FoundTexts implements Answer<string> {
  readonly isPartial: boolean;
  readonly #run: TextRun;
  #items: string[] | null = null;

  /** The run is the answer's from now on. */
  constructor(run: TextRun, isPartial: boolean) {
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
