// What a PDF says.

import { readFileSync } from "node:fs";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";

/** The text of a PDF file, line by line as it stands on the pages. */
export async function textOf(file) {
    const task = getDocument({ data: new Uint8Array(readFileSync(file)), verbosity: 0 });
    const pdf = await task.promise;
    const lines = [];
    for (let number = 1; number <= pdf.numPages; number += 1) {
        const { items } = await (await pdf.getPage(number)).getTextContent();
        const rows = new Map();
        for (const { str, transform } of items) {
            if (!str.trim()) continue;
            const y = Math.round(transform[5]);
            rows.set(y, `${rows.get(y) ?? ""} ${str}`);
        }
        lines.push(...[...rows.entries()].toSorted(([a], [b]) => b - a).map(([, row]) => row.trim()));
    }
    await task.destroy();
    return lines.join("\n");
}
