import { defineConfig } from "vite";

/** The workbench is served (`npm run workbench`) or built by its test; `npm run build` knows nothing of it. */
export default defineConfig({
    root: new URL(".", import.meta.url).pathname,
    oxc: { jsx: { runtime: "automatic" } },
    build: { target: "chrome119", emptyOutDir: true, chunkSizeWarningLimit: 4000 },
});
