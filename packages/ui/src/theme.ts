/** The colours a canvas cannot take from CSS by itself. Changes when the reader's system turns dark or light. */
import { type Signal, signal } from "@preact/signals";

export interface Theme {
  readonly text: string;
  readonly grid: string;
  readonly font: string;
}

export const theme: Signal<Theme> = signal(readTheme());

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  theme.value = readTheme();
});

function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return { text: read("--text-quiet"), grid: read("--grid"), font: `12px ${read("--font")}` };
}
