import { EventType, Preset, type MatrixClient, type Room } from "matrix-js-sdk";
import { directRoom, serverOf } from "../matrix/rooms.ts";

/** Finds or makes the conversation with one colleague (a Practitioner id) and gives its room id. */
export async function startDirect(client: MatrixClient, practitionerId: string): Promise<string> {
    const userId = `@${practitionerId}:${serverOf(client.getSafeUserId())}`;
    const known = directRoom(client, userId);
    if (known) return known.roomId;
    const { room_id: roomId } = await client.createRoom({
        preset: Preset.TrustedPrivateChat,
        is_direct: true,
        invite: [userId],
        initial_state: [
            {
                type: EventType.RoomEncryption,
                state_key: "",
                content: { algorithm: "m.megolm.v1.aes-sha2" },
            },
        ],
    });
    await rememberDirect(client, userId, roomId);
    return roomId;
}

/** Whether somebody is invited to a conversation of two, and not to a group. */
export function isDirectInvitation(room: Room): boolean {
    return room.getMember(room.myUserId)?.events.member?.getContent()["is_direct"] === true;
}

/** Accepts a colleague's invitation; a conversation of two is filed under their name. */
export async function acceptInvitation(client: MatrixClient, room: Room, inviter: string): Promise<void> {
    const direct = isDirectInvitation(room);
    await client.joinRoom(room.roomId);
    if (direct) await rememberDirect(client, inviter, room.roomId);
}

async function rememberDirect(client: MatrixClient, userId: string, roomId: string): Promise<void> {
    const direct = client.getAccountData(EventType.Direct)?.getContent() ?? {};
    const rooms = Array.isArray(direct[userId]) ? direct[userId] : [];
    if (rooms.includes(roomId)) return;
    await client.setAccountData(EventType.Direct, { ...direct, [userId]: [...rooms, roomId] });
}
