/** The shape of a voice note: what is sent of it (MSC3246: whole numbers, 0 to 1024) and what is drawn. Pure. */

/** The loudest value of MSC3246. */
export const LOUDEST = 1024;
/** So many values are sent. */
export const SENT = 100;
/** What is quieter than this is drawn as silence, however quiet the whole note is. */
const FLOOR = 0.05;

/** `values` as `count` numbers, each the largest of its stretch; values are repeated where there are too few. */
export function resampled(values: readonly number[], count: number): number[] {
    if (values.length === 0) return Array.from({ length: count }, () => 0);
    return Array.from({ length: count }, (_, index) => {
        const from = Math.floor((index * values.length) / count);
        const to = Math.max(from + 1, Math.floor(((index + 1) * values.length) / count));
        return Math.max(...values.slice(from, to));
    });
}

/** Levels (0 to 1) as they are sent: the loudest is `LOUDEST`. */
export function waveform(levels: readonly number[]): number[] {
    const clean = levels.map((level) => (Number.isFinite(level) ? Math.max(0, level) : 0));
    const loudest = clean.reduce((most, level) => Math.max(most, level), FLOOR);
    return resampled(clean, Math.min(SENT, Math.max(1, clean.length))).map((level) =>
        Math.round((level / loudest) * LOUDEST),
    );
}

/** Heights of `count` bars, 0 to 1, of a received shape; a note without one is drawn as an even line. */
export function bars(shape: readonly number[], count: number): number[] {
    if (shape.length === 0) return Array.from({ length: count }, () => 0.3);
    return resampled(shape, count).map((value) => Math.min(1, Math.max(0, value / LOUDEST)));
}

/** `0:07`, `12:30`. */
export function minutes(milliseconds: number): string {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
