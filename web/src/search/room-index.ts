/** What was said in one conversation, for finding it again. Pure: `MessageIndex` keeps it in the vault. */
import { folded, wordsOf } from "./match.ts";

/** One thing that was said, as it reads now. */
export interface Doc {
    id: string;
    /** When it was said, milliseconds since the epoch. */
    at: number;
    /** User id of who said it. */
    by: string;
    text: string;
    /** The event that changed it last, and when. */
    edit?: { id: string; at: number } | undefined;
    /** Only a change of it is known so far. */
    partial?: boolean | undefined;
}

/** Documents in one record: small enough to be written often, large enough that a long history is few records. */
const CHUNK = 400;

export class RoomIndex {
    private readonly docs = new Map<string, Doc>();
    private readonly plain = new Map<string, string>();
    private readonly chunkOf = new Map<string, number>();
    private readonly sizes: number[] = [];
    /** Deleted during this visit: what is still being fetched must not bring it back. */
    private readonly gone = new Set<string>();
    private readonly dirty = new Set<number>();

    constructor(chunks: ReadonlyMap<number, readonly Doc[]> = new Map()) {
        for (const [chunk, docs] of chunks) for (const doc of docs) this.hold(doc, chunk);
    }

    get size(): number {
        return this.docs.size;
    }

    /** Whether a message is in it as a whole. */
    has(id: string): boolean {
        const doc = this.docs.get(id);
        return doc !== undefined && doc.partial !== true;
    }

    /** When the newest thing in it was said. */
    get newest(): number | undefined {
        let newest: number | undefined;
        for (const { at } of this.docs.values()) if (newest === undefined || at > newest) newest = at;
        return newest;
    }

    /** Takes in what somebody said. */
    put(doc: Doc): void {
        if (this.gone.has(doc.id)) return;
        const known = this.docs.get(doc.id);
        // A change that came before what it changes counts, if it is of the same person.
        const changed = known?.edit !== undefined && known.by === doc.by;
        if (known && known.partial !== true && (changed || known.text === doc.text)) return;
        this.hold({ ...doc, ...(changed && { text: known.text, edit: known.edit }) });
    }

    /** Takes in what a message says now. Only who wrote it can change it. */
    change(id: string, by: string, text: string, edit: { id: string; at: number }): void {
        if (this.gone.has(id) || this.gone.has(edit.id)) return;
        const known = this.docs.get(id);
        if (known && (known.by !== by || (known.edit && known.edit.at > edit.at))) return;
        this.hold({ ...(known ?? { id, by, at: edit.at, partial: true }), text, edit });
    }

    /**
     * Forgets a message that was deleted. Where a change of a message was deleted, what it said before is not known here: the
     * id of that message is given, to be read anew.
     */
    remove(id: string): string | undefined {
        this.gone.add(id);
        if (this.docs.has(id)) {
            this.drop(id);
            return undefined;
        }
        const changed = [...this.docs.values()].find((doc) => doc.edit?.id === id);
        if (!changed) return undefined;
        this.drop(changed.id);
        return changed.id;
    }

    /** The ids of all messages, oldest first. */
    ids(): string[] {
        return [...this.docs.values()].toSorted((a, b) => a.at - b.at).map(({ id }) => id);
    }

    /** Forgets what was said before an instant; whether there was something. */
    removeBefore(instant: number): boolean {
        const old = [...this.docs.values()].filter(({ at }) => at < instant);
        for (const { id } of old) this.drop(id);
        return old.length > 0;
    }

    /** The newest `most` that hold every word, newest first, without those for which `hidden` holds. */
    search(wanted: string, most: number, hidden: (id: string) => boolean = () => false): Doc[] {
        const words = wordsOf(wanted);
        if (words.length === 0) return [];
        return [...this.docs.values()]
            .filter((doc) => {
                const text = this.plain.get(doc.id) ?? "";
                return words.every((word) => text.includes(word)) && !hidden(doc.id);
            })
            .toSorted((a, b) => b.at - a.at)
            .slice(0, most);
    }

    /** What has to be written: the documents of each chunk that has changed. Empties the list of changes. */
    changes(): Map<number, Doc[]> {
        const changed = new Map<number, Doc[]>([...this.dirty].map((chunk) => [chunk, []]));
        if (changed.size > 0)
            for (const doc of this.docs.values()) changed.get(this.chunkOf.get(doc.id) ?? -1)?.push(doc);
        this.dirty.clear();
        return changed;
    }

    /** Has chunks written again that could not be. */
    again(chunks: Iterable<number>): void {
        for (const chunk of chunks) this.dirty.add(chunk);
    }

    private hold(doc: Doc, stored?: number): void {
        let chunk = stored ?? this.chunkOf.get(doc.id);
        if (chunk === undefined) {
            chunk = this.sizes.findIndex((size) => size < CHUNK);
            if (chunk < 0) chunk = this.sizes.length;
        }
        if (!this.docs.has(doc.id)) this.sizes[chunk] = (this.sizes[chunk] ?? 0) + 1;
        this.docs.set(doc.id, doc);
        this.plain.set(doc.id, folded(doc.text));
        this.chunkOf.set(doc.id, chunk);
        if (stored === undefined) this.dirty.add(chunk);
    }

    private drop(id: string): void {
        const chunk = this.chunkOf.get(id);
        if (chunk === undefined) return;
        this.docs.delete(id);
        this.plain.delete(id);
        this.chunkOf.delete(id);
        this.sizes[chunk] = (this.sizes[chunk] ?? 1) - 1;
        this.dirty.add(chunk);
    }
}
