/** The sounds of a call: two tones for whoever is called, a quiet one for whoever waits. */

const RING_EVERY_MS = 3_000;
const VIBRATION = [400, 200, 400];

/** Rings until the returned function is called. Where the browser allows no sound the screen alone says it. */
export function ring(incoming: boolean): () => void {
    const context = new AudioContext();
    const tone = (hertz: number, from: number, seconds: number, loudness: number): void => {
        const oscillator = new OscillatorNode(context, { frequency: hertz });
        const gain = new GainNode(context, { gain: 0 });
        const start = context.currentTime + from;
        gain.gain.setTargetAtTime(loudness, start, 0.02);
        gain.gain.setTargetAtTime(0, start + seconds, 0.02);
        oscillator.connect(gain).connect(context.destination);
        oscillator.start(start);
        oscillator.stop(start + seconds + 0.2);
    };
    const once = (): void => {
        if (context.state !== "running") void context.resume().catch(() => undefined);
        if (!incoming) {
            tone(425, 0, 1, 0.04);
            return;
        }
        tone(660, 0, 0.4, 0.2);
        tone(880, 0.5, 0.4, 0.2);
        navigator.vibrate?.(VIBRATION);
    };
    once();
    const timer = setInterval(once, RING_EVERY_MS);
    return () => {
        clearInterval(timer);
        navigator.vibrate?.(0);
        void context.close().catch(() => undefined);
    };
}
