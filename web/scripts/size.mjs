// The size gate: what a first visit loads, compressed. Fails when a budget is exceeded.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const KB = 1000;
const assets = new URL("../dist/assets", import.meta.url).pathname;

async function total(pattern) {
    const names = (await readdir(assets)).filter((name) => pattern.test(name));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(assets, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
}

const budgets = [
    { what: "JavaScript and CSS, gzip", size: await total(/\.(js|css)\.gz$/), most: 700 * KB },
    { what: "crypto module, brotli", size: await total(/\.wasm\.br$/), most: 1500 * KB },
];
let failed = false;
for (const { what, size, most } of budgets) {
    const ok = size > 0 && size <= most;
    failed ||= !ok;
    console.log(`${ok ? "ok  " : "FAIL"} ${what}: ${Math.round(size / KB)} kB of ${most / KB} kB`);
}
process.exit(failed ? 1 : 0);
