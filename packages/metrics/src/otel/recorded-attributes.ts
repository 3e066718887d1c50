/**
 * Attributes as the SDK may keep them. It holds on to each set it has seen for as long as it lives, as it came and once more as the text it is
 * found by: 10 MB in one label would be 20 MB a reader, and a value that cannot be written as JSON an exception out of `add`.
 */
import type { Attributes, AttributeValue } from "@opentelemetry/api";
import { LABEL_VALUE_LENGTH_MAX } from "./prometheus-names.ts";

/** Attributes of one set that are kept; OpenTelemetry's own limit for spans. */
export const ATTRIBUTES_MAX = 128;
/** UTF-16 units of an attribute's name that are kept. */
export const ATTRIBUTE_NAME_LENGTH_MAX = 256;

/**
 * `attributes` itself if nothing is wrong with them, which costs one walk and no garbage; else a copy in which names and texts are cut, what is neither
 * text, finite number nor boolean is text, and the first {@link ATTRIBUTES_MAX} are kept. What is no object has no attributes.
 * @throws whatever a getter or a `toJSON` in them throws
 */
export function checkAttributes(attributes: Attributes | undefined): Attributes {
  if (typeof attributes !== "object" || attributes === null) return NONE;
  let count = 0;
  for (const name in attributes) {
    const value = attributes[name];
    const isFine =
      typeof value === "string"
        ? value.length <= LABEL_VALUE_LENGTH_MAX
        : typeof value === "number"
          ? Number.isFinite(value)
          : typeof value === "boolean";
    if (!isFine || name.length > ATTRIBUTE_NAME_LENGTH_MAX || ++count > ATTRIBUTES_MAX) return mend(attributes);
  }
  return attributes;
}

const NONE: Attributes = {};

function mend(attributes: Attributes): Attributes {
  const mended = new Map<string, AttributeValue>();
  // Not Object.entries: of a million attributes only the first are looked at.
  for (const name of Object.keys(attributes)) {
    if (mended.size === ATTRIBUTES_MAX) break;
    const value = mendValue(attributes[name]);
    if (value !== undefined) mended.set(cut(name, ATTRIBUTE_NAME_LENGTH_MAX), value);
  }
  // fromEntries makes an own property of `__proto__` too.
  return Object.fromEntries(mended);
}

/** Callers get round the types. `undefined`: no attribute. */
function mendValue(value: unknown): AttributeValue | undefined {
  switch (typeof value) {
    case "string":
      return cut(value, LABEL_VALUE_LENGTH_MAX);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "bigint":
      return cut(String(value), LABEL_VALUE_LENGTH_MAX);
    case "object": {
      if (value === null) return undefined;
      const text = JSON.stringify(value) as string | undefined;
      return text === undefined ? undefined : cut(text, LABEL_VALUE_LENGTH_MAX);
    }
    default:
      return undefined;
  }
}

/** In memory of its own: a slice keeps alive what it was cut from. */
function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : Buffer.from(text.slice(0, lengthMax), "utf8").toString("utf8");
}
