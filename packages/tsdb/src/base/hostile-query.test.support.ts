/** Texts for a parser that must survive them: garbage, queries with mistakes in them, and a few pieces over and over. */
import type { Dice } from "./random.ts";

export interface HostileLanguage {
  /** Words, signs and broken literals of the language. */
  readonly pieces: readonly string[];
  /** A query without mistakes; `depth` bounds how deep it nests. */
  readonly randomQuery: (dice: Dice, depth?: number) => string;
  /** Characters of the longest query. */
  readonly lengthMax: number;
}

/** Pieces that every language of queries has. */
export const COMMON_PIECES: readonly string[] = [
  ..."{}[](),@+-*/%^<>=!~\"'`\\#$:.0159aemibx_é🜚\n\t \0\x7f\ud800",
  ...["sum", "by", "on", "or", "offset", "bool", "group_left", "inf", "fill", "1h", "5M", "1e", "0x", "\\x4", '"\\u'],
  ...["=~", '"("', "a{2}", ".*", "__name__", "__proto__", "up"],
];

/** Three times of six a query with mistakes. */
export function hostileQuery(dice: Dice, language: HostileLanguage): string {
  switch (dice(6)) {
    case 0:
      return garbage(dice, language);
    case 1:
      return language.randomQuery(dice, 5).slice(0, language.lengthMax);
    case 2:
      return repeated(dice, language);
    default:
      return mutated(dice, language);
  }
}

function garbage(dice: Dice, { pieces }: HostileLanguage): string {
  let text = "";
  for (let count = dice(60); count > 0; count--) text += pieces[dice(pieces.length)];
  return text;
}

function mutated(dice: Dice, { pieces, randomQuery, lengthMax }: HostileLanguage): string {
  let text = randomQuery(dice);
  for (let count = 1 + dice(4); count > 0; count--) {
    const at = dice(text.length + 1);
    const end = Math.min(text.length, at + dice(12));
    const kind = dice(4);
    if (kind === 0) text = text.slice(0, at) + text.slice(end);
    else if (kind === 1) text = text.slice(0, at) + pieces[dice(pieces.length)] + text.slice(at);
    else if (kind === 2) text = text.slice(0, end) + text.slice(at);
    else text = text.slice(0, at) + randomQuery(dice, 2);
  }
  return text.slice(0, lengthMax);
}

/** One or two pieces over and over: deep, wide, or long. */
function repeated(dice: Dice, language: HostileLanguage): string {
  const { pieces, lengthMax } = language;
  const count = 1 << dice(15);
  const piece = `${pieces[dice(pieces.length)]}${dice(2) === 0 ? pieces[dice(pieces.length)] : ""}`;
  const around = dice(2) === 0 ? mutated(dice, language) : "";
  return (around + piece.repeat(count) + (dice(2) === 0 ? mutated(dice, language) : "")).slice(0, lengthMax);
}
