// Writes a .br and a .gz twin beside every compressible file of the build, for a server that sends them as they are.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);
const compressible = new Set([".html", ".js", ".mjs", ".css", ".svg", ".json", ".webmanifest", ".wasm"]);
const dist = new URL("../dist", import.meta.url).pathname;

const entries = await readdir(dist, { recursive: true, withFileTypes: true });
const files = entries.filter((entry) => entry.isFile() && compressible.has(extname(entry.name)));
await Promise.all(
    files.map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const plain = await readFile(path);
        const params = {
            [constants.BROTLI_PARAM_QUALITY]: 11,
            [constants.BROTLI_PARAM_LGWIN]: 24,
            [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
        };
        await Promise.all([
            writeFile(`${path}.br`, await brotli(plain, { params })),
            writeFile(`${path}.gz`, await zip(plain, { level: 9 })),
        ]);
    }),
);
console.log(`compressed ${files.length} files`);
