/**
 * Builds the page to dist/page: files that work below any path (relative addresses) and under a Content-Security-Policy of
 * `default-src 'self'` (no inline script, no inline style, nothing inlined as data: URLs).
 */
import { defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    // `npm run dev` shows the data of a server that runs beside it.
    proxy: { "/api": "http://127.0.0.1:8428" },
  },
});

export default config;
