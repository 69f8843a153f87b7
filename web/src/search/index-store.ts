import type { Vault } from "../matrix/vault.ts";
import { RoomIndex, type Doc } from "./room-index.ts";

const CHUNKS = "search:";
const STATES = "search-state:";
const WRITE_AFTER_MS = 3_000;

/** A stretch of a conversation that was not read yet. */
export interface Gap {
    /** From here on backwards (client-server API, `GET …/messages`). */
    token: string;
    /** What was said before that instant is known; `undefined` for the beginning of the conversation. */
    until?: number | undefined;
}

/** How far a conversation has been read. */
export interface Reach {
    gaps: Gap[];
    /** How many events have been read going back. */
    read: number;
}

interface Chunk {
    room: string;
    chunk: number;
    docs: Doc[];
}

/** What was said in every conversation, kept in the vault, a record at a time. */
export class IndexStore {
    private readonly rooms = new Map<string, Promise<RoomIndex>>();
    private readonly loaded = new Map<string, RoomIndex>();
    private readonly reaches = new Map<string, Reach>();
    private readonly moved = new Set<string>();
    private timer: ReturnType<typeof setTimeout> | undefined;
    private writing: Promise<void> = Promise.resolve();

    private constructor(private readonly vault: Vault) {}

    static async open(vault: Vault): Promise<IndexStore> {
        const store = new IndexStore(vault);
        const states = await vault.list<Reach & { room: string }>(STATES);
        for (const { room, gaps, read } of states) store.reaches.set(room, { gaps, read });
        return store;
    }

    /** The index of one conversation, from the vault the first time. */
    room(roomId: string): Promise<RoomIndex> {
        let index = this.rooms.get(roomId);
        if (!index) {
            index = this.load(roomId);
            this.rooms.set(roomId, index);
        }
        return index;
    }

    private async load(roomId: string): Promise<RoomIndex> {
        const chunks = await this.chunks(roomId);
        const index = new RoomIndex(new Map(chunks.map(({ chunk, docs }) => [chunk, docs])));
        this.loaded.set(roomId, index);
        return index;
    }

    private async chunks(roomId: string): Promise<Chunk[]> {
        const all = await this.vault.list<Chunk>(`${CHUNKS}${roomId}:`);
        // The name of one conversation may begin with that of another.
        return all.filter(({ room }) => room === roomId);
    }

    reach(roomId: string): Reach | undefined {
        return this.reaches.get(roomId);
    }

    setReach(roomId: string, reach: Reach): void {
        this.reaches.set(roomId, reach);
        this.moved.add(roomId);
        this.later();
    }

    /** Something was put into the index of a conversation. */
    changed(): void {
        this.later();
    }

    /** Nothing of a conversation is kept any longer. */
    async drop(roomId: string): Promise<void> {
        this.rooms.delete(roomId);
        this.loaded.delete(roomId);
        this.reaches.delete(roomId);
        this.moved.delete(roomId);
        const chunks = await this.chunks(roomId);
        for (const { chunk } of chunks) await this.vault.remove(name(roomId, chunk));
        await this.vault.remove(STATES + roomId);
    }

    private later(): void {
        this.timer ??= setTimeout(() => void this.write(), WRITE_AFTER_MS);
    }

    /** Writes what has changed: first what was said, then how far it goes, so that a crash reads twice and never leaves out. */
    write(): Promise<void> {
        clearTimeout(this.timer);
        this.timer = undefined;
        this.writing = this.writing.then(() => this.writeNow());
        return this.writing;
    }

    private async writeNow(): Promise<void> {
        const moved = [...this.moved];
        this.moved.clear();
        try {
            for (const [room, index] of this.loaded) {
                const changes = index.changes();
                try {
                    for (const [chunk, docs] of changes)
                        await this.vault.put(name(room, chunk), { room, chunk, docs } satisfies Chunk);
                } catch (error) {
                    index.again(changes.keys());
                    throw error;
                }
            }
            for (const room of moved) {
                const reach = this.reaches.get(room);
                if (reach) await this.vault.put(STATES + room, { room, ...reach });
            }
        } catch {
            // No room on the disk: it is in memory, and tried again with the next change.
            for (const room of moved) this.moved.add(room);
        }
    }
}

function name(roomId: string, chunk: number): string {
    return `${CHUNKS}${roomId}:${chunk}`;
}
