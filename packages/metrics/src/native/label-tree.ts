/**
 * Finds what belongs to a tuple of label values: a map of the first label's values, in it maps of the second's, and so on.
 *
 *     root ─ "GET" ─ "/users" ─ "200" ─ a Counter
 *                             └ "404" ─ a Counter
 *          └ ""    ─ …                        "" is a label that is absent
 *
 * No key text is built to look one up (strings keep their hashes), so the look-up costs three map reads for three labels, and no value can
 * be confused with a separator.
 */
type Branch<T> = Map<string, Branch<T> | T>;

export class LabelTree<T extends object> {
  readonly #depth: number;
  #root: Branch<T> = new Map();
  #leaves = new Set<T>();

  /** `depth` is the length of the tuples, at least 1. */
  constructor(depth: number) {
    this.#depth = depth;
  }

  get size(): number {
    return this.#leaves.size;
  }

  /** Where a look-up that reads its values one by one begins: `get` once a label, `undefined` at any step is a miss. */
  get root(): Branch<T> {
    return this.#root;
  }

  find(values: readonly string[]): T | undefined {
    let node: Branch<T> | T | undefined = this.#root;
    for (let i = 0; i < this.#depth && node !== undefined; i++) node = (node as Branch<T>).get(values[i] as string);
    return node as T | undefined;
  }

  /** Adds a leaf where there is none. */
  add(values: readonly string[], leaf: T): void {
    let node = this.#root;
    for (let i = 0; i < this.#depth - 1; i++) {
      let child = node.get(values[i] as string) as Branch<T> | undefined;
      if (child === undefined) {
        child = new Map();
        node.set(values[i] as string, child);
      }
      node = child;
    }
    node.set(values[this.#depth - 1] as string, leaf);
    this.#leaves.add(leaf);
  }

  /** Takes a leaf out, and the branches that bear nothing any more. Undefined if there was none. */
  remove(values: readonly string[]): T | undefined {
    const branches: Branch<T>[] = [];
    let node: Branch<T> | T | undefined = this.#root;
    for (let i = 0; i < this.#depth && node !== undefined; i++) {
      branches.push(node as Branch<T>);
      node = (node as Branch<T>).get(values[i] as string);
    }
    if (node === undefined) return undefined;
    for (let i = this.#depth - 1; i >= 0; i--) {
      const branch = branches[i] as Branch<T>;
      branch.delete(values[i] as string);
      if (branch.size > 0) break;
    }
    this.#leaves.delete(node as T);
    return node as T;
  }

  clear(): void {
    this.#root = new Map();
    this.#leaves = new Set();
  }

  /** In the order they were added. */
  leaves(): Iterable<T> {
    return this.#leaves;
  }
}
