/**
 * Families that the application's own code has made. Those of this package are well-formed because their names were checked when they were
 * made; these may be anything at all, and one broken line costs a scraper the whole scrape. So they are read field by field.
 */
import { AGGREGATIONS, FAMILY_TYPES, type Family, type Sample, SUFFIXES } from "./family.ts";
import { isLabelText } from "./label-text.ts";

/**
 * A copy of `given`, safe to be written. `help`, `unit` and `aggregation` may be left out.
 * @throws TypeError if it is no family; what a getter of it throws
 */
export function readFamily(given: unknown): Family {
  if (typeof given !== "object" || given === null) throw new TypeError(`family: want an object, got ${typeof given}`);
  const {
    name,
    type,
    help = "",
    unit = "",
    aggregation = "sum",
    samples,
  } = given as { [field in keyof Family]?: unknown };
  if (typeof name !== "string" || !FAMILY_NAME.test(name)) throw new TypeError("family: want a metric's name");
  const fail = (problem: string): never => {
    throw new TypeError(`family ${name.slice(0, 200)}: ${problem}`);
  };
  if (!isOneOf(FAMILY_TYPES, type)) return fail(`want a type of ${FAMILY_TYPES.join(", ")}`);
  if (!isOneOf(AGGREGATIONS, aggregation)) return fail(`want an aggregation of ${AGGREGATIONS.join(", ")}`);
  if (typeof help !== "string" || typeof unit !== "string") return fail("want texts as help and unit");
  if (!Array.isArray(samples)) return fail("want an array of samples");
  const isPlain = type === "counter" || type === "gauge";
  const copies = samples.map((sample: unknown): Sample => {
    const { suffix = "", labels = "", value } = sample as { [field in keyof Sample]?: unknown };
    if (!isOneOf(SUFFIXES, suffix) || (suffix !== "" && isPlain)) return fail("unknown suffix of a sample");
    if (typeof labels !== "string" || !isLabelText(labels)) return fail("broken label text");
    if (typeof value !== "number") return fail(`want numbers as values, got ${typeof value}`);
    return { suffix, labels, value };
  });
  return { name, type, help, unit, aggregation, samples: copies };
}

function isOneOf<T>(known: readonly T[], given: unknown): given is T {
  return known.includes(given as T);
}

const FAMILY_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
