import { ClientEvent, RoomEvent, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";
import { historySharing } from "./crypto-backend.ts";
import {
    parse,
    PATIENT_ROOM,
    REQUEST,
    REQUEST_UPDATE,
    RequestContentSchema,
    RequestUpdateSchema,
} from "./events.ts";
import { HistoryAsker } from "./history-asker.ts";
import { HistoryGiver } from "./history-giver.ts";
import { loadedEvents } from "./loaded.ts";
import { clerkOf, joinedRooms, serverOf, sharesHistory } from "./rooms.ts";

const BUNDLE_TYPES = new Set(["m.room_key_bundle", "io.element.msc4268.room_key_bundle"]);

/** Wait after start-up before asking for history, so that the first screens come first. */
const SETTLE_MS = 3_000;

/**
 * Brings people into conversations with their history readable (MSC4268).
 *
 * - Accepts invitations into patients' conversations from our own server.
 * - Invites whom the clerk's announcement names: at once as the raiser, after 2 to 4 seconds as any other member, so that
 *   one offline raiser does not leave the new person outside.
 * - Hands over the history to somebody the clerk has invited because nobody of us did in time.
 * - Takes the history that a member hands to us.
 * - Asks members for what was written before our first sign-in, and answers members who ask (`HistoryAsker`, `HistoryGiver`).
 */
export class HistorySharing {
    /** `room user` pairs already handled by this visit. */
    private readonly handled = new Set<string>();
    private readonly joining = new Set<string>();
    private readonly bundles = new Map<string, Set<string>>();

    private readonly asker: HistoryAsker;
    private readonly giver: HistoryGiver;

    constructor(private readonly client: MatrixClient) {
        this.asker = new HistoryAsker(client);
        this.giver = new HistoryGiver(client);
    }

    /** Begins to ask and to answer: call when encryption is set up, for only then do colleagues trust this device. */
    ready(): void {
        this.asker.ready();
        this.giver.ready();
    }

    /** Begins to listen; call once, before the first sync. */
    start(): void {
        const { client } = this;
        this.asker.start();
        this.giver.start();
        client.on(RoomEvent.MyMembership, (room, membership) => {
            if (membership === "invite") void this.acceptInvitation(room);
            if (membership === "join") void this.takeBundles(room.roomId);
        });
        client.on(RoomEvent.Timeline, (event, room, toStart, _removed, data) => {
            if (room && !toStart && data.liveEvent) this.onLiveEvent(room, event);
        });
        client.on(ClientEvent.ReceivedToDeviceMessage, ({ message, encryptionInfo }) => {
            if (encryptionInfo && BUNDLE_TYPES.has(message.type)) this.onBundle(message);
        });
        client.on(ClientEvent.Sync, (state, previous) => {
            if (state !== "PREPARED" && !(state === "SYNCING" && previous !== "SYNCING")) return;
            for (const room of client.getRooms()) {
                if (room.getMyMembership() === "invite") void this.acceptInvitation(room);
            }
            if (state === "PREPARED") setTimeout(() => this.catchUp(), SETTLE_MS);
        });
    }

    /** Joins a patient's conversation that our own server's people or clerk invite to; others wait for the person. */
    private async acceptInvitation(room: Room): Promise<void> {
        const me = this.client.getSafeUserId();
        const inviter = room.getMember(me)?.events.member?.getSender();
        if (room.getType() !== PATIENT_ROOM || !inviter || serverOf(inviter) !== serverOf(me)) return;
        if (this.joining.has(room.roomId)) return;
        this.joining.add(room.roomId);
        try {
            await this.client.joinRoom(room.roomId);
        } catch {
            // The next reconnection tries again.
        } finally {
            this.joining.delete(room.roomId);
        }
    }

    private onLiveEvent(room: Room, event: MatrixEvent): void {
        if (event.getType() === REQUEST_UPDATE && event.getSender() === clerkOf(this.client)) {
            const update = parse(RequestUpdateSchema, event.getContent());
            if (update?.invite) this.inviteSoon(room, update.request_id, update.invite);
        }
        if (event.getType() === "m.room.member") void this.shareAfterClerk(room, event);
    }

    private raisedByMe(room: Room, requestId: string): boolean {
        return loadedEvents(room).some(
            (event) =>
                event.getType() === REQUEST &&
                event.getSender() === room.myUserId &&
                parse(RequestContentSchema, event.getContent())?.request_id === requestId,
        );
    }

    private inviteSoon(room: Room, requestId: string, userId: string): void {
        if (userId === room.myUserId || room.getMyMembership() !== "join") return;
        const wait = this.raisedByMe(room, requestId) ? 0 : 2_000 + Math.random() * 2_000;
        setTimeout(() => void this.invite(room, userId), wait);
    }

    private async invite(room: Room, userId: string): Promise<void> {
        const membership = room.getMember(userId)?.membership;
        if (membership === "invite" || membership === "join") return;
        try {
            this.handled.add(`${room.roomId} ${userId}`);
            await this.client.invite(room.roomId, userId);
        } catch {
            // Somebody else was quicker, or we are offline; then the clerk invites and `shareAfterClerk` follows.
            this.handled.delete(`${room.roomId} ${userId}`);
        }
    }

    /** The raiser's browser hands over the history to somebody whom the clerk brought in for the raiser's request. */
    private async shareAfterClerk(room: Room, member: MatrixEvent): Promise<void> {
        const userId = member.getStateKey();
        const membership = member.getContent()["membership"];
        if (!userId || userId === room.myUserId || member.getSender() !== clerkOf(this.client)) return;
        if (membership !== "invite" && membership !== "join") return;
        const key = `${room.roomId} ${userId}`;
        if (this.handled.has(key) || !this.namedByMyRequest(room, userId)) return;
        this.handled.add(key);
        try {
            await historySharing(this.client)?.shareRoomHistoryWithUser(room.roomId, userId);
        } catch {
            this.handled.delete(key);
        }
    }

    private namedByMyRequest(room: Room, userId: string): boolean {
        return loadedEvents(room).some((event) => {
            if (event.getType() !== REQUEST_UPDATE) return false;
            const update = parse(RequestUpdateSchema, event.getContent());
            return update?.invite === userId && this.raisedByMe(room, update.request_id);
        });
    }

    private onBundle(message: { sender?: string; content: Record<string, unknown> }): void {
        const roomId = message.content["room_id"];
        if (typeof roomId !== "string" || !message.sender) return;
        const senders = this.bundles.get(roomId) ?? new Set();
        senders.add(message.sender);
        this.bundles.set(roomId, senders);
        void this.takeBundles(roomId);
    }

    /** Imports history offered by members from our own server, where members may have it; anybody else's is left alone. */
    private async takeBundles(roomId: string): Promise<void> {
        const room = this.client.getRoom(roomId);
        if (room?.getMyMembership() !== "join" || !sharesHistory(room)) return;
        const senders = this.bundles.get(roomId) ?? new Set<string>();
        this.bundles.delete(roomId);
        for (const sender of senders) await this.take(room, sender);
    }

    private async take(room: Room, sender: string): Promise<void> {
        const sharing = historySharing(this.client);
        const ours = serverOf(sender) === serverOf(room.myUserId);
        if (!sharing || !ours || sender === room.myUserId) return;
        try {
            await room.loadMembersIfNeeded();
            if (room.getMember(sender)?.membership !== "join") return;
            await sharing.markRoomAsPendingKeyBundle(room.roomId, sender);
            await sharing.maybeAcceptKeyBundle(room.roomId, sender);
        } catch {
            // A bundle that cannot be fetched now is asked for again at the next start (see `catchUp`).
        }
    }

    /** After start-up: hand over what we missed while away, and ask for history that we still cannot read. */
    private catchUp(): void {
        for (const room of joinedRooms(this.client)) {
            if (room.getType() !== PATIENT_ROOM) continue;
            const events = room.getLiveTimeline().getEvents();
            for (const event of events) {
                if (event.getType() === "m.room.member") void this.shareAfterClerk(room, event);
            }
            const unread = events
                .filter((event) => event.isDecryptionFailure())
                .map((event) => event.getSender());
            for (const sender of new Set(unread)) if (sender) void this.take(room, sender);
        }
    }
}
