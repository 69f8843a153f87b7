import { expect, it } from "vitest";

const sources: Record<string, string> = import.meta.glob("../**/*.tsx", {
    eager: true,
    import: "default",
    query: "?raw",
});

/** What browsers keep nothing of. */
const plain = /type="(checkbox|radio|file|range|date|time|datetime-local|number|color)"/u;

/** The opening tags of the fields in which something is written. */
function* fields(source: string): Generator<string> {
    for (const { index } of source.matchAll(/<(?:input|textarea)\b/gu)) {
        let end = index;
        for (let depth = 0; source[end] !== ">" || depth > 0; end++) {
            if (source[end] === "{") depth++;
            if (source[end] === "}") depth--;
        }
        const tag = source.slice(index, end);
        if (!plain.test(tag)) yield tag;
    }
}

it("lets the browser keep nothing of what is written: it would lie on the disk in clear, lock or not", () => {
    const kept = Object.entries(sources).flatMap(([file, source]) =>
        [...fields(source)].filter((tag) => !tag.includes("autoComplete=")).map((tag) => `${file}: ${tag}`),
    );
    expect(Object.keys(sources).length).toBeGreaterThan(50);
    expect(kept).toEqual([]);
});
