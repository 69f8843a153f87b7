/** The event of a voice note: `m.audio` with the fields of MSC3245 and MSC3246. Pure. */
import * as v from "valibot";
import type { Recorded } from "./recorder.ts";

const VOICE = "org.matrix.msc3245.voice";
const AUDIO = "org.matrix.msc1767.audio";
const TEXT = "org.matrix.msc1767.text";

const VoiceSchema = v.object({
    [VOICE]: v.optional(v.object({})),
    [AUDIO]: v.optional(
        v.object({
            duration: v.optional(v.pipe(v.number(), v.minValue(0))),
            waveform: v.fallback(
                v.optional(v.pipe(v.array(v.pipe(v.number(), v.finite())), v.maxLength(2000)), []),
                [],
            ),
        }),
        {},
    ),
});

/** What is known of a sound before it is fetched. */
export interface Sound {
    /** Spoken into the app, and not a file of sound. */
    voice: boolean;
    durationMs: number | undefined;
    waveform: number[];
}

/** What the content of an `m.audio` says of its sound. */
export function soundOf(content: unknown): Sound {
    const result = v.safeParse(VoiceSchema, content);
    if (!result.success) return { voice: false, durationMs: undefined, waveform: [] };
    const { [VOICE]: voice, [AUDIO]: audio } = result.output;
    return { voice: voice !== undefined, durationMs: audio.duration, waveform: audio.waveform ?? [] };
}

const endings: Record<string, string | undefined> = { "audio/ogg": "ogg", "audio/mp4": "m4a" };

/** The content of the event for a recording, without what is known only after the upload. */
export function voiceContent(recorded: Recorded, words: string): Record<string, unknown> {
    const { blob, type, durationMs: duration, waveform } = recorded;
    return {
        msgtype: "m.audio",
        body: words,
        filename: `voice-note.${endings[type] ?? "webm"}`,
        info: { mimetype: type, size: blob.size, duration },
        [TEXT]: words,
        [AUDIO]: { duration, waveform },
        [VOICE]: {},
    };
}
