import { create } from "zustand";

/** How quickly voice notes are played, for as long as the app is open; and which one plays. */
export const usePlayer = create<{ rate: number; playing: symbol | undefined }>(() => ({
    rate: 1,
    playing: undefined,
}));

export const rates = [1, 1.5, 2] as const;

/** The next of the three speeds. */
export function nextRate(rate: number): number {
    const at = rates.findIndex((one) => one === rate);
    return rates[(at + 1) % rates.length] ?? 1;
}

/**
 * Makes a browser find out how long a sound is: what `MediaRecorder` writes does not say, and without it there is no going to
 * a place in it.
 */
export async function measured(audio: HTMLAudioElement): Promise<void> {
    await new Promise<void>((resolve, reject) => {
        audio.addEventListener("loadedmetadata", () => resolve(), { once: true });
        audio.addEventListener("error", () => reject(new Error("this sound cannot be played")), {
            once: true,
        });
    });
    if (Number.isFinite(audio.duration)) return;
    await new Promise<void>((resolve) => {
        const known = (): void => {
            if (!Number.isFinite(audio.duration)) return;
            audio.removeEventListener("durationchange", known);
            resolve();
        };
        audio.addEventListener("durationchange", known);
        // Far beyond its end: the browser reads up to there and then knows.
        audio.currentTime = 1e7;
    });
    audio.currentTime = 0;
}

/** How quickly a sound is played; a voice keeps its pitch. */
export function setRate(audio: HTMLAudioElement, rate: number): void {
    audio.preservesPitch = true;
    audio.playbackRate = rate;
}

/** Goes to a place in a sound. */
export function goTo(audio: HTMLAudioElement, milliseconds: number): void {
    audio.currentTime = milliseconds / 1000;
}

/** Plays from a place on. */
export async function playFrom(audio: HTMLAudioElement, rate: number, milliseconds: number): Promise<void> {
    setRate(audio, rate);
    goTo(audio, milliseconds);
    await audio.play();
}
