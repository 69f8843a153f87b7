import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a running Wardline (`cargo run -p wardline`).
const server = process.env["WARDLINE_SERVER"] ?? "http://127.0.0.1:8008";

/** What documents with scanned pages are read with, at an address that does not change: the reader asks for it by name. */
function documentDecoders(): Plugin {
    const folder = join(dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json")), "wasm");
    return {
        name: "document-decoders",
        apply: "build",
        generateBundle() {
            for (const file of ["jbig2.wasm", "openjpeg.wasm", "qcms_bg.wasm"]) {
                const source = readFileSync(join(folder, file));
                this.emitFile({ type: "asset", fileName: `pdf/${file}`, source });
            }
        },
    };
}

export default defineConfig({
    plugins: [documentDecoders()],
    oxc: { jsx: { runtime: "automatic" } },
    build: {
        target: ["chrome119", "safari17.4", "firefox121"],
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 1500,
        rolldownOptions: {
            input: { index: "index.html", sw: "src/sw.ts" },
            output: {
                // The worker's address must stay the same, or browsers would keep the old one.
                entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
            },
            onLog(level, log, report) {
                // Libraries mark modules "use client" for server rendering, which we do not do.
                if (log.code !== "MODULE_LEVEL_DIRECTIVE") report(level, log);
            },
        },
    },
    server: {
        proxy: {
            "/_matrix": server,
            "/fhir": server,
            "/_wardline": server,
            "/.well-known": server,
        },
    },
    test: {
        environment: "happy-dom",
        include: ["src/**/*.test.ts", "src/**/*.test.tsx"],
    },
});
