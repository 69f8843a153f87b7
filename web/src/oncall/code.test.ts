import { describe, expect, it } from "vitest";
import { grouped, readRoleCode, typed, writeRoleCode } from "./code.ts";
import { decode, modules } from "./qr.ts";

const code = { roleId: "medical-registrar", code: "aB3-_xYz0123456789abcdEF" };

describe("a role's code", () => {
    it("comes back as it was written, and nothing else is taken for one", () => {
        expect(readRoleCode(writeRoleCode(code))).toEqual(code);
        const strange = { ...code, roleId: "a b/%ü" };
        expect(readRoleCode(writeRoleCode(strange))).toEqual(strange);
        for (const other of [
            "",
            "https://elsewhere.example",
            "wardline-role x",
            "wardline-role % y",
            "a b c",
        ])
            expect(readRoleCode(other)).toBeUndefined();
    });

    it("is read out in groups and typed with or without gaps", () => {
        expect(grouped("abcdefghij")).toBe("abcd efgh ij");
        expect(typed(` ${grouped(code.code)} `)).toBe(code.code);
    });

    it("is read from a picture of its QR code", () => {
        const rows = modules(writeRoleCode(code));
        const scale = 6;
        const size = rows.length * scale;
        const data = new Uint8ClampedArray(size * size * 4).fill(255);
        rows.forEach((row, y) =>
            row.forEach((dark, x) => {
                if (!dark) return;
                for (let line = y * scale; line < (y + 1) * scale; line++)
                    for (let column = x * scale; column < (x + 1) * scale; column++)
                        data.fill(0, (line * size + column) * 4, (line * size + column) * 4 + 3);
            }),
        );
        const picture = (pixels: Uint8ClampedArray): ImageData =>
            ({ width: size, height: size, data: pixels, colorSpace: "srgb" }) as ImageData;
        expect(readRoleCode(decode(picture(data)) ?? "")).toEqual(code);
        expect(decode(picture(new Uint8ClampedArray(data.length).fill(255)))).toBeUndefined();
    });
});
