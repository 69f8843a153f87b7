import { expect, test } from "vitest";
import { chooseLanguage } from "./index.ts";
import { refusalWords } from "./refusal.ts";

test("a refusal is told by its code, in the server's own sentence only where that is not known", () => {
    const message = "somebody holds this role";
    expect(refusalWords({ message, refusal: { code: "role-held" } })).toMatch(
        /^somebody holds this role: they/,
    );
    expect(refusalWords({ message: "at most 50 MB", errcode: "M_TOO_LARGE" })).toBe("at most 50 MB");
    expect(refusalWords({ message, refusal: { code: "never-heard-of" } })).toBe(message);
    expect(refusalWords({ message })).toBe(message);
    const at = new Date(new Date().setHours(20, 5, 0, 0)).getTime();
    expect(refusalWords({ message, refusal: { code: "overlap", at } })).toMatch(
        /another shift of the role \(20:05\)$/,
    );
});

test("no refusal whose code is known is told in English to who reads Welsh", async () => {
    await chooseLanguage("cy");
    expect(refusalWords({ message: "at most 50 MB", errcode: "M_TOO_LARGE" })).toBe("mae'n rhy fawr");
    expect(refusalWords({ message: "x", refusal: { code: "role-held" } })).toMatch(
        /^mae rhywun yn y rôl hon/,
    );
    await chooseLanguage("en");
});
