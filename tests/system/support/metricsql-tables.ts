/** The evaluator's tables of functions and operators: rooms behind the package's door, which users do not import. */

interface RollupTable {
  readonly ROLLUPS: ReadonlyMap<
    string,
    {
      readonly args: readonly string[];
      readonly flags: { readonly previous?: boolean; readonly widens?: boolean; readonly resets?: boolean };
    }
  >;
}

interface TransformTable {
  readonly TRANSFORMS: ReadonlyMap<string, { readonly min: number; readonly max: number }>;
}

interface AggregateTable {
  readonly AGGREGATES: ReadonlyMap<string, { readonly args: readonly string[] }>;
}

interface Operators {
  readonly ARITHMETIC: ReadonlyMap<string, unknown>;
  readonly COMPARISONS: ReadonlyMap<string, unknown>;
}

interface SetOperators {
  readonly SET_OPERATORS: ReadonlyMap<string, unknown>;
}

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../../packages/tsdb/dist/query/${path}`, import.meta.url).href)) as T;
}

const [rollups, transforms, aggregates, operators, sets] = await Promise.all([
  room<RollupTable>("rollup/table.js"),
  room<TransformTable>("transform/table.js"),
  room<AggregateTable>("aggregate/table.js"),
  room<Operators>("binary/operators.js"),
  room<SetOperators>("binary/sets.js"),
]);

export const ROLLUPS: RollupTable["ROLLUPS"] = rollups.ROLLUPS;
export const TRANSFORMS: TransformTable["TRANSFORMS"] = transforms.TRANSFORMS;
export const AGGREGATES: AggregateTable["AGGREGATES"] = aggregates.AGGREGATES;
export const ARITHMETIC: Operators["ARITHMETIC"] = operators.ARITHMETIC;
export const COMPARISONS: Operators["COMPARISONS"] = operators.COMPARISONS;
export const SET_OPERATORS: SetOperators["SET_OPERATORS"] = sets.SET_OPERATORS;
