/**
 * A query in two languages at once: in ours, Prometheus 3's, and in that of Prometheus 2.42, which lacks some functions and forms. Most
 * words are the same in both.
 */
export interface Words {
  readonly ours: string;
  readonly theirs: string;
}

/** Puts words together: say`rate(${matrix}) * ${2}`. */
export function say(texts: TemplateStringsArray, ...pieces: readonly (Words | string | number)[]): Words {
  let [ours, theirs] = ["", ""];
  for (const [i, text] of texts.entries()) {
    ours += text;
    theirs += text;
    const piece = pieces[i];
    if (piece === undefined) continue;
    const isPair = typeof piece === "object";
    ours += isPair ? piece.ours : piece;
    theirs += isPair ? piece.theirs : piece;
  }
  return { ours, theirs };
}

export function join(list: readonly Words[], separator: string): Words {
  return {
    ours: list.map(({ ours }) => ours).join(separator),
    theirs: list.map(({ theirs }) => theirs).join(separator),
  };
}
