import { ClientEvent, EventType, type MatrixClient } from "matrix-js-sdk";
import { historySharing } from "./crypto-backend.ts";
import { HISTORY_REQUEST, HistoryRequestSchema, parse } from "./events.ts";
import { serverOf, sharesHistory } from "./rooms.ts";

/** Members answer at random times within this, so that the first answer spares the others theirs. */
const SPREAD_MS = 3_000;
/** One answer to one device about one conversation within this time. */
const AGAIN_MS = 10 * 60_000;
/** Tries of one answer, and the wait between them. */
const TRIES = 3;
const RETRY_MS = 10_000;
/** Questions held at a time; more are dropped, and asked again by whoever still needs an answer. */
const MAX_WAITING = 500;

interface Question {
    roomId: string;
    userId: string;
    deviceId: string;
}

/**
 * Hands the history of a conversation to a member who asks for it because they signed in for the first time after it was
 * written. Only to somebody of our own server who is a member at this moment according to the server, and only to
 * devices that their owner has signed; only the keys of that conversation, and only where members may read its past.
 */
export class HistoryGiver {
    private readonly waiting = new Map<string, Question>();
    private readonly given = new Map<string, number>();
    /** Answers go out one after another. */
    private line: Promise<void> = Promise.resolve();
    private isReady = false;

    constructor(private readonly client: MatrixClient) {}

    /** Begins to listen; call before the first sync, which brings the questions of the time we were away. */
    start(): void {
        this.client.on(ClientEvent.ReceivedToDeviceMessage, ({ message }) => {
            if (message.type === HISTORY_REQUEST) this.hear(message.sender, message.content);
        });
    }

    /** Begins to answer: call when encryption is set up. */
    ready(): void {
        this.isReady = true;
        this.answerSoon([...this.waiting.keys()]);
    }

    private hear(userId: string, content: unknown): void {
        const request = parse(HistoryRequestSchema, content);
        if (!request) return;
        const fresh: string[] = [];
        for (const roomId of request.room_ids) {
            const question = { roomId, userId, deviceId: request.device_id };
            const key = JSON.stringify(question);
            if (request.action === "cancel") this.waiting.delete(key);
            else if (this.isNew(key)) {
                this.waiting.set(key, question);
                fresh.push(key);
            }
        }
        if (this.isReady) this.answerSoon(fresh);
    }

    private isNew(key: string): boolean {
        const recently = Date.now() - (this.given.get(key) ?? -Infinity) < AGAIN_MS;
        return !recently && !this.waiting.has(key) && this.waiting.size < MAX_WAITING;
    }

    private answerSoon(keys: readonly string[], wait = Math.random() * SPREAD_MS, tries = TRIES): void {
        if (keys.length === 0) return;
        setTimeout(() => {
            for (const key of keys) this.line = this.line.then(() => this.answer(key, tries));
        }, wait);
    }

    private async answer(key: string, tries: number): Promise<void> {
        const question = this.waiting.get(key);
        if (!question) return;
        try {
            if (await this.mayHave(question)) {
                await historySharing(this.client)?.shareRoomHistoryWithUser(question.roomId, question.userId);
                this.given.set(key, Date.now());
            }
            this.waiting.delete(key);
        } catch {
            if (tries > 1) this.answerSoon([key], RETRY_MS, tries - 1);
            else this.waiting.delete(key);
        }
    }

    private async mayHave({ roomId, userId, deviceId }: Question): Promise<boolean> {
        const { client } = this;
        const me = client.getSafeUserId();
        const room = client.getRoom(roomId);
        if (userId === me || serverOf(userId) !== serverOf(me)) return false;
        if (room?.getMyMembership() !== "join" || !sharesHistory(room)) return false;
        return (await this.isSigned(userId, deviceId)) && (await this.isMember(roomId, userId));
    }

    /** Asks the server rather than our copy: whoever left a moment ago gets nothing. */
    private async isMember(roomId: string, userId: string): Promise<boolean> {
        const member = await this.client.getStateEvent(roomId, EventType.RoomMember, userId);
        return member["membership"] === "join";
    }

    /** Whether the device that asks claims its owner's signature; the SDK checks it before it hands over anything. */
    private async isSigned(userId: string, deviceId: string): Promise<boolean> {
        const keys = await this.client.downloadKeysForUsers([userId]);
        const signing = Object.keys(keys.self_signing_keys?.[userId]?.keys ?? {});
        const signatures = keys.device_keys[userId]?.[deviceId]?.signatures?.[userId] ?? {};
        return signing.some((key) => key in signatures);
    }
}
