import { describe, expect, it } from "vitest";
import { mediaOf } from "../matrix/media.ts";
import { soundOf, voiceContent } from "./content.ts";

const recorded = {
    blob: new Blob(["opus"]),
    type: "audio/webm",
    durationMs: 2100,
    waveform: [0, 512, 1024],
};
const file = { url: "mxc://riverside.example/abc-1", key: { k: "k" }, iv: "iv", hashes: { sha256: "h" } };

describe("a voice note", () => {
    it("is read as it was written", () => {
        const content = { ...voiceContent(recorded, "Voice note"), file };
        expect(mediaOf(content)).toMatchObject({
            picture: false,
            name: "voice-note.webm",
            caption: "",
            sound: { voice: true, durationMs: 2100, waveform: [0, 512, 1024] },
        });
    });

    it("from elsewhere may lack its shape, or have a nonsensical one", () => {
        expect(soundOf({ "org.matrix.msc3245.voice": {} })).toEqual({
            voice: true,
            durationMs: undefined,
            waveform: [],
        });
        const odd = { "org.matrix.msc1767.audio": { duration: 5, waveform: ["loud"] } };
        expect(soundOf(odd)).toEqual({ voice: false, durationMs: 5, waveform: [] });
    });

    it("is a file where the browser would not play it", () => {
        const content = { ...voiceContent(recorded, "x"), file, info: { mimetype: "application/x-sound" } };
        expect(mediaOf(content)?.sound).toBeUndefined();
    });
});
