import { describe, expect, it } from "vitest";
import { mediaOf } from "./media.ts";

const file = { url: "mxc://riverside.example/abc-1", key: { k: "k" }, iv: "iv", hashes: { sha256: "h" } };
const image = {
    msgtype: "m.image",
    body: "left shin",
    filename: "photo.jpg",
    file,
    info: { mimetype: "image/jpeg", w: 800, h: 600, size: 1000, thumbnail_file: file },
};

describe("an attachment in an event", () => {
    it("is a picture with its caption", () => {
        expect(mediaOf(image)).toMatchObject({
            picture: true,
            name: "photo.jpg",
            caption: "left shin",
            width: 800,
            thumbnail: file,
        });
    });

    it("is drawn only in formats that hold no script, and offered as a file otherwise", () => {
        const svg = { ...image, info: { mimetype: "image/svg+xml" } };
        expect(mediaOf(svg)).toMatchObject({ picture: false, name: "photo.jpg" });
        expect(mediaOf({ ...image, msgtype: "m.file" })?.picture).toBe(false);
    });

    it("is nothing when it is not encrypted or its address is not one", () => {
        expect(mediaOf({ ...image, file: undefined, url: "mxc://x/y" })).toBeUndefined();
        expect(mediaOf({ ...image, file: { ...file, url: "https://elsewhere.example/x" } })).toBeUndefined();
        expect(mediaOf({ ...image, file: { ...file, url: "mxc://x/../admin" } })).toBeUndefined();
    });
});
