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

/** What counts: OpenTelemetry's Counter, and the native client's typed families with the labels they know as `A`. */
export interface AddingCounter<A = Attributes> {
  add(value: number, attributes?: A): void;
}
