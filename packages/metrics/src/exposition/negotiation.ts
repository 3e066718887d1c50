/**
 * Which format a scraper gets, by its Accept header. What they send:
 *
 *     Prometheus 2.42  application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,
 *                      text/plain;version=0.0.4;q=0.5,∗/∗;q=0.1                                          → OpenMetrics
 *     Prometheus 3     the same with escaping=allow-utf-8, text/plain;version=1.0.0, other weights       → OpenMetrics
 *     vmagent          text/plain;version=0.0.4;q=1,∗/∗;q=0.1                                            → text
 *     curl             ∗/∗                                                                               → text
 *     a browser        text/html,application/xhtml+xml,…                                                 → text
 *
 * Nobody is refused: who asks for something we do not have gets text 0.0.4, which everybody reads.
 */

export type ExpositionFormat = "text" | "openmetrics";

/**
 * OpenMetrics 1.0 if the header names it and gives it more weight than text, or the same weight and an earlier place; else text.
 * A wildcard is no wish for OpenMetrics. Never throws.
 */
export function chooseFormat(accept: string | undefined): ExpositionFormat {
  let best: ExpositionFormat = "text";
  let bestWeight = 0;
  for (const { value, parameters, weight } of parseHeader(accept)) {
    if (weight <= bestWeight) continue;
    const version = parameters.get("version");
    if (value === "application/openmetrics-text") {
      // 0.0.1 is a draft that differs, 2.0 does not exist here; without a version the specification means 1.0.0.
      if (version !== undefined && version !== "1.0.0") continue;
      best = "openmetrics";
      bestWeight = weight;
    } else if (value === "text/plain" || value === "text/*") {
      best = "text";
      bestWeight = weight;
    }
  }
  return best;
}

/** Whether an Accept-Encoding header allows gzip. Without a header nothing is compressed. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  let wildcard = false;
  for (const { value, weight } of parseHeader(acceptEncoding)) {
    if (value === "gzip" || value === "x-gzip") return weight > 0;
    if (value === "*") wildcard = weight > 0;
  }
  return wildcard;
}

interface HeaderItem {
  /** In lower case. */
  readonly value: string;
  /** Names in lower case; quotes gone; without `q`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** 0 to 1; what is no number counts as 1, as a sender that means nothing special leaves it out. */
  readonly weight: number;
}

/**
 * `a;k=v;q=0.5, b` item by item. Commas and semicolons within quotes are not looked for: no media type that we know has them there,
 * and a wrong cut costs no more than the item. Node bounds a header to 16 KB, so this is bounded too.
 */
function parseHeader(header: string | undefined): HeaderItem[] {
  if (header === undefined) return [];
  return header.split(",").map((item) => {
    const [value = "", ...rest] = item.split(";");
    const parameters = new Map<string, string>();
    let weight = 1;
    for (const parameter of rest) {
      const equals = parameter.indexOf("=");
      if (equals < 0) continue;
      const name = parameter.slice(0, equals).trim().toLowerCase();
      const text = unquote(parameter.slice(equals + 1).trim());
      if (name === "q") weight = parseWeight(text);
      else parameters.set(name, text);
    }
    return { value: value.trim().toLowerCase(), parameters, weight };
  });
}

function parseWeight(text: string): number {
  const weight = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(weight) ? 1 : Math.min(Math.max(weight, 0), 1);
}

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
