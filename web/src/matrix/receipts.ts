import {
    ClientEvent,
    MatrixEventEvent,
    ReceiptType,
    RoomEvent,
    type MatrixClient,
    type MatrixEvent,
    type Room,
} from "matrix-js-sdk";
import { DELIVERED } from "./events.ts";
import { marksOf, setMark } from "./marks.ts";
import { joinedRooms } from "./rooms.ts";

/** Our own receipt type, which the SDK stores and shows like its own. */
export const DELIVERED_RECEIPT = DELIVERED as unknown as ReceiptType;

/** Wait so that a burst of messages costs one receipt. */
const COALESCE_MS = 250;

/** The newest event that the server has and this browser can read. */
function newestReadable(room: Room): MatrixEvent | undefined {
    const events = room.getLiveTimeline().getEvents();
    return events.findLast(
        (event) =>
            event.status === null &&
            !event.isBeingDecrypted() &&
            !event.isDecryptionFailure() &&
            !event.isState(),
    );
}

/** Tells senders that their messages have arrived (and can be read) on this browser: the "delivered" tick. */
export class DeliveryReceipts {
    private readonly told = new Map<string, string>();
    private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

    constructor(private readonly client: MatrixClient) {}

    /** Begins to listen; call once, before the first sync. */
    start(): void {
        const { client } = this;
        client.on(RoomEvent.Timeline, (_event, room, toStart) => {
            if (room && !toStart) this.later(room);
        });
        client.on(MatrixEventEvent.Decrypted, (event) => {
            const room = client.getRoom(event.getRoomId());
            if (room) this.later(room);
        });
        client.on(ClientEvent.Sync, (state) => {
            if (state === "PREPARED") for (const room of joinedRooms(client)) this.later(room);
        });
    }

    private later(room: Room): void {
        if (this.timers.has(room.roomId)) return;
        const timer = setTimeout(() => {
            this.timers.delete(room.roomId);
            void this.tell(room);
        }, COALESCE_MS);
        this.timers.set(room.roomId, timer);
    }

    private async tell(room: Room): Promise<void> {
        const event = newestReadable(room);
        const eventId = event?.getId();
        if (!event || !eventId || event.getSender() === room.myUserId || room.getMyMembership() !== "join")
            return;
        const known = room.getReadReceiptForUserId(room.myUserId, true, DELIVERED_RECEIPT)?.eventId;
        if (known === eventId || this.told.get(room.roomId) === eventId) return;
        this.told.set(room.roomId, eventId);
        try {
            await this.client.sendReceipt(event, DELIVERED_RECEIPT, {}, true);
        } catch {
            // Not told: the next message, or the next connection, tells again.
            this.told.delete(room.roomId);
        }
    }
}

/** The newest event told as seen by this visit, by conversation. */
const toldSeen = new WeakMap<Room, string>();

/** Marks a conversation as seen up to its newest event. Call only while it is really on the screen. */
export async function markSeen(client: MatrixClient, room: Room): Promise<void> {
    // Whoever looks at it has looked at it again.
    if (marksOf(client, room).unread) await setMark(client, room, "unread", false).catch(() => undefined);
    const event = room
        .getLiveTimeline()
        .getEvents()
        .findLast((one) => one.status === null);
    const eventId = event?.getId();
    if (!event || !eventId || toldSeen.get(room) === eventId) return;
    const unread = room.getUnreadNotificationCount() > 0;
    const known = room.getReadReceiptForUserId(room.myUserId, true, ReceiptType.Read)?.eventId;
    if (known === eventId || (event.getSender() === room.myUserId && !unread)) return;
    toldSeen.set(room, eventId);
    try {
        await client.sendReceipt(event, ReceiptType.Read, {}, true);
    } catch {
        toldSeen.delete(room);
    }
}
