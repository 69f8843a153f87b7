// The size gate: what a first visit loads, compressed. Fails when a budget is exceeded.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

const KB = 1000;
const assets = new URL("../dist/assets", import.meta.url).pathname;

async function total(test) {
    const wanted = (await readdir(assets)).filter(test);
    const sizes = await Promise.all(wanted.map(async (name) => (await stat(join(assets, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
}

// What reads documents is fetched by those who open one.
const documents = /^(pdf|DocumentViewer)/;
const names = (await readdir(assets)).filter((name) => /\.(js|css)$/.test(name));
/** The files that `index.html` names, and what those import at once. */
async function first() {
    const html = await readFile(join(assets, "../index.html"), "utf8");
    const found = new Set([...html.matchAll(/assets\/([\w.-]+\.(?:js|css))/g)].map(([, name]) => name));
    for (const name of found) {
        if (!name.endsWith(".js")) continue;
        const script = await readFile(join(assets, name), "utf8");
        // Static imports only: `import"./x.js"` and `from"./x.js"`, never `import("./x.js")`.
        for (const [, other] of script.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
            found.add(other);
    }
    return found;
}
const start = await first();
const gzip = (test) => total((name) => name.endsWith(".gz") && test(name.slice(0, -3)));
const script = (name) => names.includes(name);

const budgets = [
    {
        what: "opening the app: JavaScript and CSS, gzip",
        size: await gzip((name) => start.has(name)),
        most: 130 * KB,
    },
    {
        what: "all screens: JavaScript and CSS, gzip",
        size: await gzip((name) => script(name) && !documents.test(name)),
        most: 700 * KB,
    },
    {
        what: "documents: what reads them, gzip",
        size: await gzip((name) => documents.test(name)),
        most: 480 * KB,
    },
    {
        what: "crypto module, brotli",
        size: await total((name) => name.endsWith(".wasm.br")),
        most: 1500 * KB,
    },
];
let failed = false;
for (const { what, size, most } of budgets) {
    const ok = size > 0 && size <= most;
    failed ||= !ok;
    console.log(`${ok ? "ok  " : "FAIL"} ${what}: ${Math.round(size / KB)} kB of ${most / KB} kB`);
}
process.exit(failed ? 1 : 0);
