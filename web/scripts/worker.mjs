// Fills in the service worker which files the app consists of, and a name for this set of them.
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

const dist = new URL("../dist", import.meta.url).pathname;
const entries = await readdir(dist, { recursive: true, withFileTypes: true });
// What reads documents is kept when it is first used: most people never open one, and it is as large as all the rest.
const later = /^pdf\/|^assets\/(pdf|DocumentViewer)/;
const files = entries
    .filter((entry) => entry.isFile() && !/^sw\.js|\.(br|gz|map)$/.test(entry.name))
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
    .filter((file) => !later.test(file))
    .toSorted();
const hash = createHash("sha256");
for (const file of files) hash.update(file).update(await readFile(join(dist, file)));
const addresses = files.map((file) => (file === "index.html" ? "/" : `/${file}`));

const worker = join(dist, "sw.js");
const script = await readFile(worker, "utf8");
const filled = script
    .replace(/(["'`])__WARDLINE_FILES__\1/, () => JSON.stringify(JSON.stringify(addresses)))
    .replace(/__WARDLINE_VERSION__/, hash.digest("hex").slice(0, 16));
if (filled === script || filled.includes("__WARDLINE"))
    throw new Error("the service worker could not be filled in");
await writeFile(worker, filled);
console.log(`service worker of ${files.length} files`);
