import { ClientEvent, MatrixEventEvent, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import { CryptoEvent, DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api";
import { decryptAgain } from "./crypto-backend.ts";
import { HISTORY_REQUEST, type HistoryRequest } from "./events.ts";
import { colleagues, serverOf, sharesHistory } from "./rooms.ts";

/** A message that fails to open may only be early; what is still shut after this long is asked for. */
const SETTLE_MS = 1_000;
/** Ask again for what nobody answered. */
const AGAIN_MS = 15 * 60_000;
/** The same when a colleague has signed in anew: our first question was not for that device. */
const AGAIN_NEW_DEVICE_MS = 10_000;
/**
 * When to look into the key backup again for what is shut: our own other device writes keys there some seconds late. The
 * SDK looks once.
 */
const BACKUP_AGAIN_MS = [6_000, 12_000, 30_000, 60_000];
const MAX_ROOMS = 100;
const MAX_PEOPLE = 50;

/** Failures that somebody else's keys can mend. */
const MENDABLE = new Set<DecryptionFailureCode | null>([
    DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID,
    DecryptionFailureCode.MEGOLM_KEY_WITHHELD,
    DecryptionFailureCode.MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE,
    DecryptionFailureCode.OLM_UNKNOWN_MESSAGE_INDEX,
    DecryptionFailureCode.HISTORICAL_MESSAGE_NO_KEY_BACKUP,
    DecryptionFailureCode.HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED,
    DecryptionFailureCode.HISTORICAL_MESSAGE_WORKING_BACKUP,
    DecryptionFailureCode.HISTORICAL_MESSAGE_USER_NOT_JOINED,
]);

interface Asked {
    at: number;
    /** When to ask again. */
    due: number;
    people: string[];
}

/**
 * Asks the members of a conversation for what was written in it before our first device existed. The question waits at
 * the server for devices that are off; it is taken back when everything can be read.
 */
export class HistoryAsker {
    /** Events that could not be opened, by conversation. */
    private readonly shut = new Map<string, Set<MatrixEvent>>();
    private readonly asked = new Map<string, Asked>();
    /** People whose new devices the SDK tells us about. */
    private readonly watched = new Set<string>();
    private timer: { at: number; handle: ReturnType<typeof setTimeout> } | undefined;
    private isReady = false;
    /** How often the backup was looked into since something new could not be opened, and the next time. */
    private looked = 0;
    private look: ReturnType<typeof setTimeout> | undefined;

    constructor(private readonly client: MatrixClient) {}

    /** Begins to take note of what cannot be read; call before the first sync. */
    start(): void {
        const { client } = this;
        client.on(MatrixEventEvent.Decrypted, (event) => this.note(event));
        client.on(CryptoEvent.DevicesUpdated, (users) => this.askNewDevices(users));
        client.on(ClientEvent.Sync, (state, previous) => {
            if (state === "SYNCING" && previous !== "SYNCING" && this.shut.size > 0) this.askIn(SETTLE_MS);
        });
    }

    /** Begins to ask: call when this device is signed by its owner, for others answer only such devices. */
    ready(): void {
        this.isReady = true;
        this.askIn(SETTLE_MS);
        this.lookIntoBackup();
    }

    private lookIntoBackup(): void {
        const wait = BACKUP_AGAIN_MS[this.looked];
        if (!this.isReady || this.look !== undefined || this.shut.size === 0 || wait === undefined) return;
        this.looked += 1;
        this.look = setTimeout(() => {
            this.look = undefined;
            for (const event of [...this.shut.values()].flatMap((events) => [...events]))
                void decryptAgain(this.client, event);
            this.lookIntoBackup();
        }, wait);
    }

    private note(event: MatrixEvent): void {
        const roomId = event.getRoomId();
        if (roomId === undefined) return;
        const shut = this.shut.get(roomId) ?? new Set();
        if (isMendable(event)) {
            if (!shut.has(event)) this.looked = 0;
            shut.add(event);
            this.shut.set(roomId, shut);
            this.askIn(SETTLE_MS);
            this.lookIntoBackup();
        } else if (shut.delete(event) && shut.size === 0) {
            this.shut.delete(roomId);
            this.askIn(0);
        }
    }

    private askNewDevices(users: readonly string[]): void {
        for (const asked of this.asked.values()) {
            if (!asked.people.some((person) => users.includes(person))) continue;
            asked.due = Math.min(asked.due, asked.at + AGAIN_NEW_DEVICE_MS);
            this.askIn(asked.due - Date.now());
        }
    }

    private askIn(wait: number): void {
        const at = Date.now() + Math.max(wait, 0);
        if (!this.isReady || (this.timer && this.timer.at <= at)) return;
        clearTimeout(this.timer?.handle);
        const handle = setTimeout(() => {
            this.timer = undefined;
            void this.ask();
        }, at - Date.now());
        this.timer = { at, handle };
    }

    private async ask(): Promise<void> {
        await this.takeBack();
        const due = [...this.shut.keys()]
            .filter((roomId) => (this.asked.get(roomId)?.due ?? 0) <= Date.now())
            .flatMap((roomId) => this.client.getRoom(roomId) ?? [])
            .filter((room) => room.getMyMembership() === "join" && sharesHistory(room))
            .toSorted((a, b) => b.getLastActiveTimestamp() - a.getLastActiveTimestamp());
        const questions = new Map<string, string[]>();
        for (const room of due.slice(0, MAX_ROOMS)) {
            const people = await this.whom(room);
            this.asked.set(room.roomId, { at: Date.now(), due: Date.now() + AGAIN_MS, people });
            for (const person of people)
                questions.set(person, [...(questions.get(person) ?? []), room.roomId]);
            this.watch(room, people);
        }
        const told = await this.tell("ask", questions);
        if (!told) for (const room of due) this.asked.delete(room.roomId);
        if (this.shut.size === 0) return;
        this.askIn(due.length > MAX_ROOMS ? SETTLE_MS : told ? this.nextDue() : AGAIN_NEW_DEVICE_MS);
    }

    /** The SDK follows the devices of those to whom it is ready to write: one conversation of each person is enough. */
    private watch(room: Room, people: readonly string[]): void {
        if (people.every((person) => this.watched.has(person))) return;
        for (const person of people) this.watched.add(person);
        this.client.getCrypto()?.prepareToEncrypt(room);
    }

    private nextDue(): number {
        return Math.min(AGAIN_MS, ...[...this.asked.values()].map((asked) => asked.due - Date.now()));
    }

    /** Tells those asked that all of a conversation can be read now. */
    private async takeBack(): Promise<void> {
        const answered = new Map<string, string[]>();
        for (const [roomId, { people }] of this.asked) {
            if (this.shut.has(roomId)) continue;
            this.asked.delete(roomId);
            for (const person of people) answered.set(person, [...(answered.get(person) ?? []), roomId]);
        }
        await this.tell("cancel", answered);
    }

    private async whom(room: Room): Promise<string[]> {
        await room.loadMembersIfNeeded().catch(() => false);
        const writers = [...(this.shut.get(room.roomId) ?? [])].map((event) => event.getSender());
        return whomToAsk(
            room.myUserId,
            colleagues(room).map((member) => member.userId),
            new Set(writers),
        );
    }

    /** One question for everybody; gives whether the server took it. */
    private async tell(action: HistoryRequest["action"], rooms: Map<string, string[]>): Promise<boolean> {
        const device_id = this.client.getDeviceId();
        if (rooms.size === 0 || !device_id) return true;
        const messages = [...rooms].map(
            ([person, room_ids]) =>
                [person, new Map([["*", { action, device_id, room_ids } satisfies HistoryRequest]])] as const,
        );
        try {
            await this.client.sendToDevice(HISTORY_REQUEST, new Map(messages));
            return true;
        } catch {
            return false;
        }
    }
}

function isMendable(event: MatrixEvent): boolean {
    return !event.isRedacted() && event.isDecryptionFailure() && MENDABLE.has(event.decryptionFailureReason);
}

/** Whom of the members to ask: people of our own server, those first who wrote what we cannot read; not too many. */
export function whomToAsk(
    me: string,
    members: readonly string[],
    writers: ReadonlySet<string | undefined>,
): string[] {
    const ours = members.filter((member) => member !== me && serverOf(member) === serverOf(me));
    const wrote = ours.filter((member) => writers.has(member));
    const others = ours.filter((member) => !writers.has(member));
    return [...wrote, ...others].slice(0, MAX_PEOPLE);
}
