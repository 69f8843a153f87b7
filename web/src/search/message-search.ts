/** Finding again what was said, on this device: the server cannot, for it cannot read it. */
import {
    Direction,
    KnownMembership,
    MatrixEventEvent,
    RelationType,
    RoomEvent,
    type MatrixClient,
    type MatrixEvent,
    type Room,
} from "matrix-js-sdk";
import { isErased } from "../matrix/erased.ts";
import { parse, REQUEST, RequestContentSchema } from "../matrix/events.ts";
import { mediaOf } from "../matrix/media.ts";
import { useOutbox } from "../matrix/outbox.ts";
import { changes } from "../matrix/overlay.ts";
import { joinedRooms } from "../matrix/rooms.ts";
import { VaultStore } from "../matrix/vault-store.ts";
import type { Vault } from "../matrix/vault.ts";
import { IndexStore, type Gap } from "./index-store.ts";
import { erasedBefore, fetchRules, type Rules } from "./retention.ts";
import type { Doc, RoomIndex } from "./room-index.ts";

/** So many events are read at a time going back. */
const PAGE = 100;
/** So many of a conversation are read by themselves; the rest when somebody searches. */
const BY_ITSELF = 1_000;
/** A page now and then: reading back must not be felt. */
const PAUSE_MS = 2_000;
/** So often what the server has erased meanwhile is forgotten. */
const TIDY_MS = 3_600_000;
/** Clocks of servers and phones differ: a gap is read this much beyond its end. */
const OVERLAP_MS = 10 * 60_000;

/** Something that was found. */
export interface Hit extends Doc {
    roomId: string;
}

/** The words of an event that can be looked for; `undefined` when there are none. */
export function searchable(type: string, content: Record<string, unknown>): string | undefined {
    if (type === REQUEST) {
        const request = parse(RequestContentSchema, content);
        if (!request) return undefined;
        return [...Object.values(request.sbar ?? {}), request.text ?? ""].filter(Boolean).join("\n");
    }
    if (type !== "m.room.message") return undefined;
    const media = mediaOf(content);
    if (media) return [media.caption, media.name].filter(Boolean).join("\n");
    return typeof content["body"] === "string" ? content["body"] : undefined;
}

export class MessageSearch {
    private stopped = false;
    private readonly ended = new AbortController();
    /** Conversations whose loaded part has been taken in. */
    private readonly begun = new Set<string>();
    private crawling: Promise<void> = Promise.resolve();
    private background = new AbortController();
    /** When the server erases what is old. */
    private rules: Rules | undefined;

    private constructor(
        private readonly client: MatrixClient,
        private readonly store: IndexStore,
        private readonly may: () => boolean,
    ) {}

    /** Reads what is there and follows what comes. What came before is asked for while `may` holds: there is a connection. */
    static async open(client: MatrixClient, vault: Vault, may: () => boolean): Promise<MessageSearch> {
        const search = new MessageSearch(client, await IndexStore.open(vault), may);
        search.follow();
        for (const room of joinedRooms(client)) await search.begin(room);
        void search.tidy();
        search.readByItself();
        return search;
    }

    private readByItself(): void {
        this.background = new AbortController();
        void this.crawl(undefined, false, this.background.signal, () => undefined);
    }

    private follow(): void {
        const { client } = this;
        const read = (event: MatrixEvent): void => void this.read(event);
        const timeline = (event: MatrixEvent, room?: Room, toStart?: boolean): void => {
            if (!room || toStart === true) return;
            void this.begin(room);
            read(event);
        };
        const echo = (event: MatrixEvent): void => {
            if (event.status === null) read(event);
        };
        const redacted = (event: MatrixEvent): void => read(event);
        const reset = (room: Room | undefined): void => {
            if (room) void this.interrupted(room);
        };
        const membership = (room: Room, now: string): void => {
            if (now === KnownMembership.Leave || now === KnownMembership.Ban)
                void this.store.drop(room.roomId);
        };
        client.on(RoomEvent.Timeline, timeline);
        client.on(RoomEvent.LocalEchoUpdated, echo);
        client.on(RoomEvent.Redaction, redacted);
        client.on(RoomEvent.TimelineReset, reset);
        client.on(RoomEvent.MyMembership, membership);
        client.on(MatrixEventEvent.Decrypted, read);
        this.ended.signal.addEventListener("abort", () => {
            client.off(RoomEvent.Timeline, timeline);
            client.off(RoomEvent.LocalEchoUpdated, echo);
            client.off(RoomEvent.Redaction, redacted);
            client.off(RoomEvent.TimelineReset, reset);
            client.off(RoomEvent.MyMembership, membership);
            client.off(MatrixEventEvent.Decrypted, read);
        });
        const hidden = (): void => {
            if (document.visibilityState === "hidden") void this.store.write();
        };
        document.addEventListener("visibilitychange", hidden, { signal: this.ended.signal });
        const timer = setInterval(() => void this.tidy(), TIDY_MS);
        this.ended.signal.addEventListener("abort", () => clearInterval(timer));
    }

    /** Forgets what the server has erased by now because it is old. */
    private async tidy(): Promise<void> {
        try {
            this.rules = await fetchRules(this.client);
        } catch {
            // Without a connection what was said last holds.
        }
        for (const { roomId } of joinedRooms(this.client)) {
            await this.forgetOld(roomId);
            if (this.may()) await this.forgetPurged(roomId).catch(() => undefined);
        }
    }

    /** Forgets what was erased without anybody being told: always all up to some message, so that few have to be asked for. */
    private async forgetPurged(roomId: string): Promise<void> {
        const index = await this.store.room(roomId);
        const ids = index.ids();
        let [kept, erased] = [ids.length, 0];
        for (let at = 0; erased < kept && !this.stopped; at = Math.floor((erased + kept) / 2)) {
            if (await this.isGone(roomId, ids[at] ?? "")) erased = at + 1;
            else kept = at;
        }
        const upTo = ids[kept - 1];
        if (this.stopped || upTo === undefined) return;
        for (const id of ids.slice(0, kept)) index.remove(id);
        this.store.changed();
        await this.kept?.forget(roomId, { upTo });
    }

    /** What is kept of the conversations between visits, which ends with them. */
    private get kept(): VaultStore | undefined {
        const { store } = this.client;
        return store instanceof VaultStore ? store : undefined;
    }

    private async isGone(roomId: string, id: string): Promise<boolean> {
        try {
            const { content } = await this.client.fetchRoomEvent(roomId, id);
            return Object.keys(content ?? {}).length === 0;
        } catch (error) {
            if ((error as { httpStatus?: number }).httpStatus === 404) return true;
            throw error;
        }
    }

    private async forgetOld(roomId: string): Promise<void> {
        const before = this.erasedBefore(roomId);
        if (before === undefined || this.stopped) return;
        if ((await this.store.room(roomId)).removeBefore(before)) this.store.changed();
        await this.kept?.forget(roomId, { before });
    }

    private erasedBefore(roomId: string): number | undefined {
        const room = this.client.getRoom(roomId);
        return this.rules && room ? erasedBefore(this.rules, room, Date.now()) : undefined;
    }

    /** Ends it; what is not written yet is written. */
    stop(): void {
        this.stopped = true;
        this.background.abort();
        this.ended.abort();
        void this.store.write();
    }

    /** What is loaded of a conversation goes into the index; what lies before it is to be read. */
    private async begin(room: Room): Promise<void> {
        const { roomId } = room;
        if (this.begun.has(roomId)) return;
        this.begun.add(roomId);
        const timeline = room.getLiveTimeline();
        const token = timeline.getPaginationToken(Direction.Backward);
        if (!this.store.reach(roomId))
            this.store.setReach(roomId, { gaps: token === null ? [] : [{ token }], read: 0 });
        else if (token !== null) {
            // What was loaded before this began to follow may have left something out.
            const index = await this.store.room(roomId);
            const joins = timeline.getEvents().some((event) => index.has(event.getId() ?? ""));
            if (index.size > 0 && !joins) await this.interrupted(room);
        }
        for (const event of timeline.getEvents()) await this.read(event);
    }

    /** The server left something out between what is known and what came: it is to be read before anything is found there. */
    private async interrupted(room: Room): Promise<void> {
        const { roomId } = room;
        if (!this.begun.has(roomId)) return;
        const until = (await this.store.room(roomId)).newest;
        const token = room.getLiveTimeline().getPaginationToken(Direction.Backward);
        const reach = this.store.reach(roomId);
        if (token === null || !reach) return;
        // Without anything known there is nothing between: then the one stretch begins here.
        const gaps: Gap[] = until === undefined ? [{ token }] : [{ token, until }, ...reach.gaps];
        this.store.setReach(roomId, { ...reach, gaps });
    }

    /** Takes in one event: what it says, what it changes, or what it deletes. */
    private async read(event: MatrixEvent): Promise<void> {
        const roomId = event.getRoomId();
        const id = event.getId();
        if (roomId === undefined || id === undefined || event.isState() || event.status !== null) return;
        if (event.getType() === "m.room.redaction") {
            const target = event.getAssociatedId() ?? event.getContent()["redacts"];
            if (typeof target === "string") await this.forget(roomId, target);
            return;
        }
        if (event.isRedacted() || isErased(event)) {
            await this.forget(roomId, id);
            return;
        }
        if (event.isBeingDecrypted() || event.isDecryptionFailure()) return;
        if (event.getTs() < (this.erasedBefore(roomId) ?? -Infinity)) return;
        const by = event.getSender() ?? "";
        const replaced = event.isRelation(RelationType.Replace) ? event.getRelation()?.event_id : undefined;
        // What was said first: the SDK shows the newest version in its place.
        const content = event.getOriginalContent<Record<string, unknown>>();
        const now = (replaced === undefined ? content : content["m.new_content"]) as
            | Record<string, unknown>
            | undefined;
        const text = now && searchable(event.getType(), now);
        if (text === undefined || text.trim() === "") return;
        const index = await this.store.room(roomId);
        if (replaced === undefined) index.put({ id, at: event.getTs(), by, text });
        else index.change(replaced, by, text, { id, at: event.getTs() });
        this.store.changed();
    }

    private async forget(roomId: string, id: string): Promise<void> {
        const index = await this.store.room(roomId);
        const again = index.remove(id);
        this.store.changed();
        const before = again === undefined ? undefined : this.client.getRoom(roomId)?.findEventById(again);
        if (before) await this.read(before);
    }

    /**
     * The newest `most` messages that hold every word, newest first: in one conversation or in all. Where something was left out
     * (`interrupted`) nothing is found until it is read, for what stands there may have been deleted.
     */
    async find(wanted: string, most: number, within?: string): Promise<Hit[]> {
        const rooms = within === undefined ? joinedRooms(this.client).map(({ roomId }) => roomId) : [within];
        const deleted = new Set(
            useOutbox
                .getState()
                .items.filter(({ type }) => type === "m.room.redaction")
                .map(changes),
        );
        const found: Hit[] = [];
        for (const roomId of rooms) {
            if (this.store.reach(roomId)?.gaps.some(({ until }) => until !== undefined) === true) continue;
            await this.forgetOld(roomId);
            const index: RoomIndex = await this.store.room(roomId);
            for (const doc of index.search(wanted, most, (id) => deleted.has(id)))
                found.push({ ...doc, roomId });
        }
        return found.toSorted((a, b) => b.at - a.at).slice(0, most);
    }

    /** Whether there is something that was not read yet. */
    unread(within?: string): boolean {
        const rooms = joinedRooms(this.client).filter(
            ({ roomId }) => within === undefined || roomId === within,
        );
        return rooms.some(({ roomId }) => (this.store.reach(roomId)?.gaps.length ?? 0) > 0);
    }

    /** Reads all that was said before, page by page, until there is no more or `signal` ends it; `told` after each page. */
    async catchUp(within: string | undefined, signal: AbortSignal, told: () => void): Promise<void> {
        this.background.abort();
        await this.crawl(within, true, signal, told);
        if (!this.stopped) this.readByItself();
    }

    /** One reading at a time. Without `all`, only the newest of each conversation, slowly. */
    private crawl(
        within: string | undefined,
        all: boolean,
        signal: AbortSignal,
        told: () => void,
    ): Promise<void> {
        const run = async (): Promise<void> => {
            for (;;) {
                if (!all) await pause(PAUSE_MS, signal);
                const next = this.nextGap(within, all);
                if (signal.aborted || this.stopped || (all && !next)) break;
                if (!next || !this.may()) {
                    await pause(5 * PAUSE_MS, signal);
                    continue;
                }
                try {
                    await this.readPage(next.roomId, next.gap);
                } catch {
                    // The connection is gone, or too much was asked: a longer pause.
                    await pause(5 * PAUSE_MS, signal);
                }
                told();
            }
        };
        this.crawling = this.crawling.then(run, run);
        return this.crawling;
    }

    private nextGap(within: string | undefined, all: boolean): { roomId: string; gap: Gap } | undefined {
        const rooms = joinedRooms(this.client)
            .filter(({ roomId }) => within === undefined || roomId === within)
            .toSorted((a, b) => b.getLastActiveTimestamp() - a.getLastActiveTimestamp());
        let first: { roomId: string; gap: Gap } | undefined;
        for (const { roomId } of rooms) {
            const reach = this.store.reach(roomId);
            const [gap] = reach?.gaps ?? [];
            if (!reach || !gap) continue;
            // What may hide a deletion comes first.
            if (gap.until !== undefined) return { roomId, gap };
            if (all || reach.read < BY_ITSELF) first ??= { roomId, gap };
        }
        return first;
    }

    private async readPage(roomId: string, gap: Gap): Promise<void> {
        const answer = await this.client.createMessagesRequest(roomId, gap.token, PAGE, Direction.Backward);
        const map = this.client.getEventMapper({ preventReEmit: true, decrypt: false });
        let oldest = Infinity;
        for (const raw of answer.chunk) {
            const event = map(raw);
            oldest = Math.min(oldest, event.getTs());
            // A key that comes later opens it then.
            event.on(MatrixEventEvent.Decrypted, (opened) => void this.read(opened));
            await this.client.decryptEventIfNeeded(event);
            await this.read(event);
        }
        const reach = this.store.reach(roomId);
        if (!reach) return;
        const done =
            answer.end === undefined ||
            answer.end === gap.token ||
            (gap.until !== undefined && oldest < gap.until - OVERLAP_MS);
        const rest = done ? [] : [{ ...gap, token: answer.end ?? gap.token }];
        const gaps = reach.gaps.flatMap((one) => (one.token === gap.token ? rest : [one]));
        this.store.setReach(roomId, { gaps, read: reach.read + answer.chunk.length });
    }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener(
            "abort",
            () => {
                clearTimeout(timer);
                resolve();
            },
            { once: true },
        );
    });
}
