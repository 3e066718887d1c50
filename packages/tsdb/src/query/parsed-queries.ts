/**
 * Trees of texts that were asked before: a dashboard asks the same every few seconds, and reading a small query costs as much as answering it. Trees
 * are never changed, so one serves any number of queries at a time.
 */

/** Longer texts are read anew each time: what reading them costs is little beside what they ask for. */
const KEPT_UNITS_MAX = 4096;

export class ParsedQueries<Tree> {
  private readonly read: (text: string) => Tree;
  private readonly unitsMax: number;
  /** Least recently asked first. */
  private readonly trees: Map<string, Tree> = new Map();
  private units = 0;

  /** Keeps the trees of texts of `unitsMax` UTF-16 units in all; a tree takes some fifty bytes for each. */
  constructor(read: (text: string) => Tree, unitsMax: number = 1 << 17) {
    this.read = read;
    this.unitsMax = unitsMax;
  }

  /** The tree of a text. @throws what reading it throws, each time */
  get(text: string): Tree {
    const known = this.trees.get(text);
    if (known !== undefined) {
      this.trees.delete(text);
      this.trees.set(text, known);
      return known;
    }
    const tree = this.read(text);
    if (text.length > KEPT_UNITS_MAX) return tree;
    this.trees.set(text, tree);
    this.units += text.length;
    for (const oldest of this.trees.keys()) {
      if (this.units <= this.unitsMax) break;
      this.trees.delete(oldest);
      this.units -= oldest.length;
    }
    return tree;
  }
}
