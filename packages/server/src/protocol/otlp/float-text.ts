/** Float64 as the text Go's strconv gives it: the spelling of `le`, `quantile` and `vmrange`, by which series must match. */

/** Shortest digits that read back the same, never with an exponent: Go's `FormatFloat(value, 'f', -1, 64)`. */
export function formatPlain(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (value === 0 && Object.is(value, -0)) return "-0";
  const text = String(value);
  const split = text.indexOf("e");
  if (split < 0) return text;
  const sign = value < 0 ? "-" : "";
  const power = Number(text.slice(split + 1));
  const digits = text.slice(sign.length, split).replace(".", "");
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
  return sign + digits.padEnd(power + 1, "0");
}

/** Three digits behind the point and an exponent of two digits or more: Go's `FormatFloat(value, 'e', 3, 64)`. */
export function formatExponent3(value: number): string {
  if (!Number.isFinite(value)) return formatPlain(value);
  const size = Math.abs(value);
  let text = size.toExponential(3);
  const longer = size.toExponential(4);
  // Half way JavaScript rounds up and Go to even: 2^-6 is 1.5625e-2, in Go 1.562e-02. Half way are few: look twice at them only.
  const split = longer.indexOf("e");
  if (longer[split - 1] === "5" && isEven(longer[split - 2]) && /^\d\.\d{4}0*e/.test(size.toExponential(60))) {
    text = longer.slice(0, split - 1) + longer.slice(split);
  }
  const at = text.indexOf("e");
  const power = text.slice(at + 2).padStart(2, "0");
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  return `${sign}${text.slice(0, at)}e${text[at + 1]}${power}`;
}

function isEven(digit: string | undefined): boolean {
  return (Number(digit) & 1) === 0;
}
