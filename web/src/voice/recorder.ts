/** Records the microphone as Opus, and its loudness beside it. */
import { waveform } from "./waveform.ts";

/** What browsers record, the best first: Opus wherever there is Opus. */
const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4;codecs=opus", "audio/mp4"];
const BITS_PER_SECOND = 32_000;
const LEVEL_EVERY_MS = 50;

/** The longest voice note, milliseconds. */
export const LONGEST_MS = 10 * 60_000;
/** What is shorter was a slip of the finger. */
export const SHORTEST_MS = 700;

export interface Recorded {
    blob: Blob;
    /** Its media type, without parameters. */
    type: string;
    durationMs: number;
    /** MSC3246. */
    waveform: number[];
}

/** One recording. The microphone is let go as soon as it ends, however it ends. */
export class VoiceRecorder {
    private readonly parts: Blob[] = [];
    private readonly levels: number[] = [];
    private readonly started = performance.now();
    private readonly ended: Promise<void>;
    private readonly timer: ReturnType<typeof setInterval>;
    private duration: number | undefined;

    private constructor(
        private readonly stream: MediaStream,
        private readonly context: AudioContext,
        private readonly recorder: MediaRecorder,
        onLevel: (level: number, durationMs: number) => void,
    ) {
        const analyser = context.createAnalyser();
        context.createMediaStreamSource(stream).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        recorder.addEventListener("dataavailable", ({ data }) => this.parts.push(data));
        this.ended = new Promise((resolve) => recorder.addEventListener("stop", () => resolve()));
        this.timer = setInterval(() => {
            analyser.getFloatTimeDomainData(samples);
            const level = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
            this.levels.push(level);
            onLevel(level, this.lengthMs);
            if (this.lengthMs >= LONGEST_MS) this.stop();
        }, LEVEL_EVERY_MS);
        recorder.start(1_000);
    }

    /** Begins; rejects where there is no microphone or it is not allowed. `onLevel` is told 20 times a second. */
    static async start(onLevel: (level: number, durationMs: number) => void): Promise<VoiceRecorder> {
        const audio = { echoCancellation: true, noiseSuppression: true, channelCount: 1 };
        const stream = await navigator.mediaDevices.getUserMedia({ audio, video: false });
        try {
            const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
            if (mimeType === undefined) throw new Error("this browser records nothing that others play");
            const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
            return new VoiceRecorder(stream, new AudioContext(), recorder, onLevel);
        } catch (error) {
            for (const track of stream.getTracks()) track.stop();
            throw error;
        }
    }

    /** So long it is by now. */
    get lengthMs(): number {
        return this.duration ?? performance.now() - this.started;
    }

    /** Ends, and gives what was recorded; `undefined` when it is too short to be one. */
    async finish(): Promise<Recorded | undefined> {
        this.stop();
        await this.ended;
        if (this.lengthMs < SHORTEST_MS) return undefined;
        const type = this.recorder.mimeType.split(";", 1)[0] ?? "audio/webm";
        const durationMs = Math.round(this.lengthMs);
        return { blob: new Blob(this.parts, { type }), type, durationMs, waveform: waveform(this.levels) };
    }

    /** Ends; what was recorded is gone. */
    cancel(): void {
        this.stop();
    }

    private stop(): void {
        if (this.duration !== undefined) return;
        this.duration = performance.now() - this.started;
        clearInterval(this.timer);
        if (this.recorder.state !== "inactive") this.recorder.stop();
        for (const track of this.stream.getTracks()) track.stop();
        void this.context.close();
    }
}
