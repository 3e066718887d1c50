/** Colours of lines, six hex digits each: neighbours differ in hue and lightness, and all can be read on light and on dark. */
const COLORS: readonly string[] = [
  "#2f86d6",
  "#e07b39",
  "#2fa37c",
  "#cf4d6f",
  "#8b6fd8",
  "#b9932a",
  "#22a6b8",
  "#d267b0",
  "#7a9a3a",
  "#a8714b",
  "#5f78e6",
  "#87929e",
];

/** After the hand-picked ones, steps of the golden angle: near numbers get far hues. */
export function colorOf(index: number): string {
  return COLORS[index] ?? `hsl(${Math.round(index * 137.508) % 360} 55% 52%)`;
}
