/** Lines of the Prometheus text format. */

/** Appends `name value`; `name` carries its labels. */
export function writeSample(lines: string[], name: string, value: number): void {
  lines.push(`${name} ${formatValue(value)}`);
}

/** The shortest decimal that reads back as the same float64; infinities and NaN as the format spells them. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
