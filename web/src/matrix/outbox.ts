import type { MatrixClient } from "matrix-js-sdk";
import { RoomEvent } from "matrix-js-sdk";
import { create } from "zustand";
import { t } from "../i18n/index.ts";
import { refusalWords, type Refusal } from "../i18n/refusal.ts";
import { sendClasses } from "./clear-class.ts";
import { knowDevices } from "./device-lists.ts";
import {
    afterReload,
    failureWords,
    isFinal,
    nextToSend,
    retryDelay,
    type OutboxItem,
    type QueuedRequest,
} from "./outbox-logic.ts";
import { filesOf, storeFiles, Uploads, type Files } from "./uploads.ts";
import type { Vault } from "./vault.ts";

interface Queue {
    /** Everything typed and not yet seen in its conversation. */
    items: OutboxItem[];
    /** The last thing that was to be sent could not be kept: this device is full. */
    full: boolean;
}

/** What waits, for the screens. */
export const useOutbox = create<Queue>(() => ({ items: [], full: false }));

const PREFIX = "outbox:";

/** The first answer after a message was sent may have been made before; the second was asked for afterwards. */
const CERTAIN = 2;

function recordName(item: Pick<OutboxItem, "seq" | "txnId">): string {
    return `${PREFIX}${String(item.seq).padStart(16, "0")}:${item.txnId}`;
}

/** Writes the Task of a request once its message has `eventId`. */
export type RequestWriter = (request: QueuedRequest, eventId: string) => Promise<void>;

/**
 * Sends what was typed, in order for each conversation, however long it takes. Every item is on disk (encrypted, see `Vault`)
 * before it is tried, keeps its transaction id for ever, and leaves only when its echo came back in the timeline.
 */
export class Outbox {
    private readonly running = new Set<string>();
    private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
    /** How many answers to `/sync` have come since the server had a message, by its transaction id. */
    private readonly answers = new Map<string, number>();
    private lastSeq = 0;
    private stopped = false;
    private readonly uploads: Uploads;
    /** Writes to disk happen one after another, so that a removal can never be overtaken by an older write. */
    private writes: Promise<void> = Promise.resolve();

    constructor(
        private readonly client: MatrixClient,
        private readonly vault: Vault,
        private readonly writeRequest: RequestWriter,
    ) {
        this.uploads = new Uploads(client, vault);
    }

    /** Loads what an earlier visit left and starts to send. */
    async start(): Promise<void> {
        const stored = await this.vault.list<OutboxItem>(PREFIX);
        for (const item of stored) if (item.state === "sent") await this.vault.remove(recordName(item));
        const items = afterReload(stored);
        this.lastSeq = items.at(-1)?.seq ?? 0;
        useOutbox.setState({ items });
        sendClasses(this.client);
        this.client.on(RoomEvent.Timeline, (event, room) => {
            if (room) this.settle(room.roomId, event.getId(), event.getUnsigned().transaction_id);
        });
        this.flush();
    }

    /** Takes responsibility for a message: resolves when it is on disk, not when it is sent; rejects when it cannot be kept. */
    async add(
        entry: Pick<OutboxItem, "roomId" | "type" | "content" | "request">,
        files?: Files,
    ): Promise<void> {
        this.lastSeq = Math.max(Date.now(), this.lastSeq + 1);
        const item: OutboxItem = {
            ...entry,
            txnId: `w${crypto.randomUUID()}`,
            seq: this.lastSeq,
            createdAt: Date.now(),
            state: "waiting",
            attempts: 0,
        };
        try {
            if (files) item.attachment = await storeFiles(this.vault, item.txnId, files);
            await this.vault.put(recordName(item), item);
        } catch (error) {
            await this.uploads.forget(filesOf(item.txnId)).catch(() => undefined);
            useOutbox.setState({ full: true });
            throw error;
        }
        useOutbox.setState(({ items }) => ({ items: [...items, item], full: false }));
        this.flush();
    }

    /** Sends nothing more; what waits stays on disk for whoever goes on. */
    stop(): void {
        this.stopped = true;
        for (const timer of this.timers.values()) clearTimeout(timer);
    }

    /**
     * An answer to `/sync` has been taken in. What the server had before that was asked for is in the conversation now, or in what the server
     * left out and is read when somebody goes back there: it has left this queue, and must not stand at the end of the conversation.
     */
    synced(): void {
        for (const item of useOutbox.getState().items) {
            if (item.state !== "sent") continue;
            const answers = (this.answers.get(item.txnId) ?? 0) + 1;
            this.answers.set(item.txnId, answers);
            if (answers >= CERTAIN) this.left(item);
        }
    }

    /** Tries everything that waits, now; called when the connection comes back. */
    flush(): void {
        if (this.stopped) return;
        for (const [roomId, timer] of this.timers) {
            clearTimeout(timer);
            this.timers.delete(roomId);
        }
        for (const item of nextToSend(useOutbox.getState().items)) this.run(item);
    }

    /** Tries a failed item again. The server has refused the old transaction, so it gets a new one. */
    async retry(txnId: string): Promise<void> {
        const item = find(txnId);
        if (item?.state !== "failed") return;
        await this.vault.remove(recordName(item));
        const again: OutboxItem = {
            ...item,
            txnId: `w${crypto.randomUUID()}`,
            state: "waiting",
            error: undefined,
            attempts: 0,
        };
        await this.vault.put(recordName(again), again);
        useOutbox.setState(({ items }) => ({
            items: items.map((other) => (other === item ? again : other)),
        }));
        this.flush();
    }

    /** Gives a failed item up; its words are handed back so that nothing is lost. */
    async discard(txnId: string): Promise<OutboxItem | undefined> {
        const item = find(txnId);
        if (!item || item.state !== "failed") return undefined;
        await this.drop(item);
        return item;
    }

    /** Gives up an attachment that has not reached the server yet. */
    async cancel(txnId: string): Promise<void> {
        const item = find(txnId);
        if (!item?.attachment || item.state === "sent") return;
        this.uploads.cancel(txnId);
        await this.drop(item);
        this.flush();
    }

    private async drop(item: OutboxItem): Promise<void> {
        useOutbox.setState(({ items }) => ({
            items: items.filter((other) => other.txnId !== item.txnId),
        }));
        await this.write(() => this.vault.remove(recordName(item)));
        if (item.attachment) await this.uploads.forget(item.attachment);
    }

    private run(item: OutboxItem): void {
        if (this.running.has(item.roomId)) return;
        this.running.add(item.roomId);
        this.attempt(item)
            .finally(() => this.running.delete(item.roomId))
            .then(
                (goOn) => {
                    if (goOn) this.flush();
                },
                () => undefined,
            );
    }

    /** One try; resolves `true` when the next item of the conversation may follow at once. */
    private async attempt(item: OutboxItem): Promise<boolean> {
        const room = this.client.getRoom(item.roomId);
        if (!room) return false;
        show(item.txnId, { state: "sending" });
        try {
            let eventId = item.eventId;
            if (!eventId) {
                if (!room.hasEncryptionStateEvent())
                    throw Object.assign(new Error(t.outbox.notEncrypted), { status: 400 });
                eventId = await this.send(item.attachment ? await this.upload(item) : item);
                if (item.request) await this.save(item.txnId, { eventId });
            }
            if (item.request) await this.writeRequest(item.request, eventId);
            show(item.txnId, { state: "sent", eventId });
            this.settle(item.roomId, room.findEventById(eventId)?.getId());
            return true;
        } catch (error) {
            return this.failed(item, error);
        }
    }

    /** Brings the files of an item to the server; what it says about them is on disk before it is sent. */
    private async upload(item: OutboxItem): Promise<OutboxItem> {
        if (!item.attachment) return item;
        const content = await this.uploads.run(item.txnId, item.content, item.attachment);
        if (!find(item.txnId)) throw new Error("given up meanwhile");
        await this.save(item.txnId, { content, attachment: undefined });
        await this.uploads.forget(item.attachment);
        return { ...item, content, attachment: undefined };
    }

    private async send(item: OutboxItem): Promise<string> {
        const room = this.client.getRoom(item.roomId);
        const earlier = room?.getPendingEvents().find((event) => event.getTxnId() === item.txnId);
        const redacts = item.type === "m.room.redaction";
        if (room && !redacts) await knowDevices(this.client, room);
        if (earlier && room) return (await this.client.resendEvent(earlier, room)).event_id;
        if (redacts) {
            const target = String(item.content["redacts"]);
            return (await this.client.redactEvent(item.roomId, target, item.txnId)).event_id;
        }
        const send = this.client.sendEvent.bind(this.client) as unknown as (
            roomId: string,
            threadId: null,
            type: string,
            content: object,
            txnId: string,
        ) => Promise<{ event_id: string }>;
        return (await send(item.roomId, null, item.type, item.content, item.txnId)).event_id;
    }

    private async failed(item: OutboxItem, error: unknown): Promise<boolean> {
        // Given up by the person meanwhile: the next one may follow.
        if (!find(item.txnId)) return true;
        const attempts = item.attempts + 1;
        if (isFinal(error)) {
            this.forgetEcho(item);
            await this.save(item.txnId, {
                state: "failed",
                error: whyRefused(error),
                attempts,
            });
            return true;
        }
        show(item.txnId, { state: "waiting", attempts });
        const timer = setTimeout(() => this.flush(), retryDelay(attempts));
        this.timers.set(item.roomId, timer);
        return false;
    }

    /** A refused message must not stand in the SDK's own queue, where it would block the ones behind it. */
    private forgetEcho(item: OutboxItem): void {
        const room = this.client.getRoom(item.roomId);
        const echo = room?.getPendingEvents().find((event) => event.getTxnId() === item.txnId);
        if (echo) this.client.cancelPendingEvent(echo);
    }

    /** Removes the item whose echo has arrived; an item with an unwritten request stays until that is written. */
    private settle(roomId: string, eventId?: string, txnId?: string): void {
        const item = useOutbox
            .getState()
            .items.find(
                (one) =>
                    one.roomId === roomId && ((eventId && one.eventId === eventId) || one.txnId === txnId),
            );
        if (!item || !eventId) return;
        if (item.request && item.state !== "sent") {
            if (!item.eventId) void this.save(item.txnId, { eventId });
            return;
        }
        this.left(item);
    }

    /** The server has it and the conversation too: nothing of it is kept here. */
    private left(item: OutboxItem): void {
        this.answers.delete(item.txnId);
        useOutbox.setState(({ items }) => ({ items: items.filter((other) => other.txnId !== item.txnId) }));
        void this.write(() => this.vault.remove(recordName(item)));
    }

    private write(action: () => Promise<void>): Promise<void> {
        this.writes = this.writes.then(action, action);
        return this.writes;
    }

    /** Changes an item, on disk too: only what the next visit must know is worth the wait. */
    private async save(txnId: string, change: Partial<OutboxItem>): Promise<void> {
        show(txnId, change);
        await this.write(async () => {
            const item = find(txnId);
            if (item) await this.vault.put(recordName(item), item);
        });
    }
}

/** Changes an item on the screen. */
function show(txnId: string, change: Partial<OutboxItem>): void {
    useOutbox.setState(({ items }) => ({
        items: items.map((item) => (item.txnId === txnId ? { ...item, ...change } : item)),
    }));
}

function find(txnId: string): OutboxItem | undefined {
    return useOutbox.getState().items.find((item) => item.txnId === txnId);
}

/** Why the server refused for good, in the language of the screen. */
function whyRefused(error: unknown): string {
    const { refusal, errcode } = error as Partial<Refusal>;
    return refusalWords({ message: failureWords(error, t.outbox.refused), refusal, errcode });
}
