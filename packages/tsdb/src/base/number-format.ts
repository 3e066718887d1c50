/**
 * Floats as VictoriaMetrics writes them in answers: the shortest decimal that reads back to the same float, and never an
 * exponent (Go's `strconv.FormatFloat(v, 'f', -1, 64)`). JavaScript finds the same digits but switches
 * to exponents from 1e21 up and below 1e-6.
 */
export function formatFloat(value: number): string {
  // Small integers first: most samples are, and V8 prints them without looking for digits.
  if ((value | 0) === value) return value === 0 && 1 / value < 0 ? "-0" : `${value}`;
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  const text = `${value}`;
  const exponentAt = text.indexOf("e");
  return exponentAt < 0 ? text : expandExponent(text, exponentAt);
}

/** `-1.5e-7` → `-0.00000015`, `1e+21` → `1000000000000000000000`. */
function expandExponent(text: string, exponentAt: number): string {
  const exponent = Number(text.slice(exponentAt + 1));
  const isNegative = text[0] === "-";
  const mantissa = text.slice(isNegative ? 1 : 0, exponentAt);
  const digits = mantissa.replace(".", "");
  const plain = exponent < 0 ? `0.${"0".repeat(-exponent - 1)}${digits}` : digits.padEnd(exponent + 1, "0");
  return isNegative ? `-${plain}` : plain;
}
