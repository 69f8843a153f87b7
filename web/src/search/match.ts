/** Finding things by what somebody types. Pure. */

/** Letters without case and accents, so that `sian` finds Siân; as long as it was where that can be. */
export function folded(text: string): string {
    return text
        .normalize("NFD")
        .replaceAll(/\p{Diacritic}/gu, "")
        .toLowerCase()
        .replaceAll("’", "'");
}

/** The words that somebody looks for. */
export function wordsOf(wanted: string): string[] {
    return folded(wanted).split(/\s+/).filter(Boolean);
}

/** Whether every word that is looked for stands somewhere in the texts; nothing looked for is found everywhere. */
export function found(wanted: string, ...texts: readonly (string | undefined)[]): boolean {
    const within = folded(texts.filter(Boolean).join(" "));
    return wordsOf(wanted).every((word) => within.includes(word));
}

/** How well a name fits: what begins with the words is better than what only holds them. Less is better. */
export function rank(wanted: string, name: string): number {
    const words = wordsOf(wanted);
    const parts = folded(name).split(/[\s,()]+/);
    return words.filter((word) => !parts.some((part) => part.startsWith(word))).length;
}

/** A part of a text, and whether it is what was looked for. */
export interface Piece {
    text: string;
    hit: boolean;
}

/** Letters that fold to one stay one; those that vanish or grow would shift what follows, so each is folded by itself. */
function positions(text: string): { folded: string; at: number[] } {
    let all = "";
    const at: number[] = [];
    for (let index = 0; index < text.length;) {
        const letter = String.fromCodePoint(text.codePointAt(index) ?? 0);
        const plain = folded(letter);
        for (let n = 0; n < plain.length; n++) at.push(index);
        all += plain;
        index += letter.length;
    }
    at.push(text.length);
    return { folded: all, at };
}

/** Some text around the first hit, and where in it the hits are. */
export function excerpt(text: string, wanted: string, around = 60): Piece[] {
    const words = wordsOf(wanted);
    const { folded: plain, at } = positions(text);
    const hits = words
        .flatMap((word) => {
            const places: [number, number][] = [];
            for (let from = plain.indexOf(word); from >= 0; from = plain.indexOf(word, from + word.length))
                places.push([at[from] ?? 0, at[from + word.length] ?? text.length]);
            return places;
        })
        .toSorted((a, b) => a[0] - b[0]);
    const first = hits[0]?.[0] ?? 0;
    const start = first <= around ? 0 : first - around;
    const end = Math.min(text.length, start + 4 * around);
    const pieces: Piece[] = [];
    let done = start;
    if (start > 0) pieces.push({ text: "…", hit: false });
    for (const [from, to] of hits) {
        if (from < done || to > end) continue;
        if (from > done) pieces.push({ text: text.slice(done, from), hit: false });
        pieces.push({ text: text.slice(from, to), hit: true });
        done = to;
    }
    if (done < end) pieces.push({ text: text.slice(done, end), hit: false });
    if (end < text.length) pieces.push({ text: "…", hit: false });
    return pieces;
}
