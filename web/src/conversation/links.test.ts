import { describe, expect, it } from "vitest";
import { pieces, warning } from "./links.ts";

const links = (text: string): string[] => pieces(text).flatMap((one) => (one.kind === "link" ? one.url : []));

describe("words of a message", () => {
    it("keep every character, and have their links cut out without the sentence's punctuation", () => {
        const text =
            "See https://bnf.nice.org.uk/drugs/apixaban/ (or https://en.wikipedia.org/wiki/X_(y)), ok?";
        expect(links(text)).toEqual([
            "https://bnf.nice.org.uk/drugs/apixaban/",
            "https://en.wikipedia.org/wiki/X_(y)",
        ]);
        expect(
            pieces(text)
                .map((one) => one.text)
                .join(""),
        ).toBe(text);
    });

    it("make links of web addresses only", () => {
        expect(links("javascript:alert(1) data:text/html,x ftp://x mailto:a@b file:///etc")).toEqual([]);
    });

    it("mark the names of those who are named, the longest first, and no others", () => {
        expect(pieces("@Ann Lee and @Ann, not @Bob", ["Ann", "Ann Lee"])).toEqual([
            { kind: "mention", text: "@Ann Lee" },
            { kind: "text", text: " and " },
            { kind: "mention", text: "@Ann" },
            { kind: "text", text: ", not @Bob" },
        ]);
    });
});

describe("before a link is opened", () => {
    it("says where it really leads and what is suspicious", () => {
        expect(warning("https://www.nhs.uk/conditions")).toEqual({
            host: "www.nhs.uk",
            lookalike: false,
            disguised: false,
            numeric: false,
            insecure: false,
        });
        expect(warning("https://nhs.uk@evil.example/")).toMatchObject({
            host: "evil.example",
            disguised: true,
        });
        expect(warning("https://nhѕ.uk/")).toMatchObject({ lookalike: true });
        expect(warning("http://10.0.0.1/x")).toMatchObject({ numeric: true, insecure: true });
    });
});
