/**
 * Attributes and counters by their shape: OpenTelemetry's fit, ours fit, and this room imports neither.
 */

export type AttributeValue =
  | string
  | number
  | boolean
  | Array<null | undefined | string>
  | Array<null | undefined | number>
  | Array<null | undefined | boolean>;

/** An undefined value is an absent label. */
export interface Attributes {
  [name: string]: AttributeValue | undefined;
}

/** What counts. A typed family of the native client is one by `{ add: (value, attributes) => family.add(value, attributes) }`. */
export interface AddingCounter {
  add(value: number, attributes?: Attributes): void;
}
