/** Debian's Chromium, driven by playwright-core. */
import { type Browser, chromium } from "playwright-core";
import type { Scope } from "./scope.ts";

/** A browser without a window, closed when the scope ends. */
export async function launchBrowser(scope: Scope): Promise<Browser> {
  const started = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
  scope.onEnd(() => started.close());
  return started;
}
