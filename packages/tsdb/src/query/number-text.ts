/** Numbers as VictoriaMetrics writes them into label values (`count_values`, `quantiles`, `le`). */

/** Shortest digits that read back as `value`, never with an exponent; `+Inf`, `-Inf`, `NaN`. */
export function formatPlain(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  const text = Object.is(value, -0) ? "-0" : String(value);
  const e = text.indexOf("e");
  if (e < 0) return text;
  const sign = text.startsWith("-") ? "-" : "";
  const exponent = Number(text.slice(e + 1));
  const [whole, fraction = ""] = text.slice(sign.length, e).split(".") as [string, string?];
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + "0".repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** `%g` with the shortest digits, as Go prints it: an exponent of two digits or more below 1e-4 and from 1e6 on. */
export function formatShort(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatPlain(value);
  const [mantissa, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return formatPlain(value);
  const size = Math.abs(exponent);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${size < 10 ? `0${size}` : size}`;
}
