import { MemoryStore, SyncAccumulator, type IStateEventWithRoomId, type ISyncResponse } from "matrix-js-sdk";
import type { ISavedSync } from "matrix-js-sdk/lib/store";
import type { Vault } from "./vault.ts";

const RECORD = "sync";
const MEMBERS = "members:";
/** What comes is written at most this often; the rest when the page is left. */
const SAVE_EVERY_MS = 20_000;

interface Kept {
    /** When the server last answered, milliseconds since the epoch. */
    at: number;
    sync: ISavedSync;
}

/** An event as it is kept. */
interface KeptEvent {
    event_id: string;
    type: string;
    state_key?: string;
    origin_server_ts: number;
    content: object;
    unsigned?: Record<string, unknown>;
}

/**
 * The conversations as the server last told them, kept in the vault between visits: the app opens with them without a
 * connection, and asks only for what has happened since. Messages stay encrypted in it with their own keys as well.
 */
export class VaultStore extends MemoryStore {
    private readonly accumulator = new SyncAccumulator();
    private saved = Date.now();
    private lastAnswer: number | undefined;

    private constructor(private readonly vault: Vault) {
        super();
    }

    /** Reads what the last visit left. */
    static async open(vault: Vault): Promise<VaultStore> {
        const store = new VaultStore(vault);
        const kept = await vault.get<Kept>(RECORD);
        if (!kept) return store;
        const { nextBatch, roomsData, accountData } = kept.sync;
        store.lastAnswer = kept.at;
        const answer = { next_batch: nextBatch, rooms: roomsData, account_data: { events: accountData } };
        store.accumulator.accumulate(answer, true);
        return store;
    }

    /** When what is kept was the present; `undefined` on the first visit. */
    get keptAt(): number | undefined {
        return this.lastAnswer;
    }

    override setSyncData(answer: ISyncResponse): Promise<void> {
        this.accumulator.accumulate(answer);
        this.lastAnswer = Date.now();
        return Promise.resolve();
    }

    override getSavedSync(): Promise<ISavedSync | null> {
        if (!this.accumulator.getNextBatchToken()) return Promise.resolve(null);
        // A copy: what is done with it must not change what is kept.
        return Promise.resolve(structuredClone(this.accumulator.getJSON()));
    }

    override getSavedSyncToken(): Promise<string | null> {
        return Promise.resolve(this.accumulator.getNextBatchToken() || null);
    }

    override wantsSave(): boolean {
        return Date.now() - this.saved > SAVE_EVERY_MS;
    }

    override async save(force = false): Promise<void> {
        if (!force && !this.wantsSave()) return;
        if (!this.accumulator.getNextBatchToken()) return;
        this.saved = Date.now();
        const kept: Kept = {
            at: this.lastAnswer ?? this.saved,
            sync: this.accumulator.getJSON(true),
        };
        // A full disk must not end the conversation: the next visit only has more to fetch.
        await this.vault.put(RECORD, kept).catch(() => undefined);
    }

    /**
     * Keeps no more what the server has erased of a conversation: what was said before an instant (`before`), and all up to a message
     * (`upTo`). The events stay, and say nothing, as the server tells them now (`erased.ts`). Resolves when it is on disk.
     */
    async forget(roomId: string, { before, upTo }: { before?: number; upTo?: string }): Promise<void> {
        // What is kept itself, not a copy.
        const { join } = this.accumulator.getJSON(true).roomsData;
        const events = (join[roomId]?.timeline.events ?? []) as KeptEvent[];
        const last = events.findIndex(({ event_id: id }) => id === upTo);
        const erased = events.filter(
            (event, at) =>
                event.state_key === undefined &&
                event.type !== "m.room.redaction" &&
                Object.keys(event.content).length > 0 &&
                (at <= last || event.origin_server_ts < (before ?? -Infinity)),
        );
        for (const event of erased) {
            event.content = {};
            // The newest version of what was changed, and what the server said beside it.
            delete event.unsigned?.["m.relations"];
        }
        if (erased.length > 0) await this.save(true);
    }

    override async getOutOfBandMembers(roomId: string): Promise<IStateEventWithRoomId[] | null> {
        return (await this.vault.get<IStateEventWithRoomId[]>(MEMBERS + roomId)) ?? null;
    }

    override async setOutOfBandMembers(roomId: string, members: IStateEventWithRoomId[]): Promise<void> {
        await this.vault.put(MEMBERS + roomId, members).catch(() => undefined);
    }

    override clearOutOfBandMembers(roomId: string): Promise<void> {
        return this.vault.remove(MEMBERS + roomId);
    }
}
