/** Groups that their members look after themselves. */
import {
    EventType,
    KnownMembership,
    Preset,
    type MatrixClient,
    type Room,
    type RoomMember,
} from "matrix-js-sdk";
import { isClerk, serverOf } from "../matrix/rooms.ts";

/** What an administrator of a group has. */
const ADMIN = 100;

function userOf(client: MatrixClient, practitionerId: string): string {
    return `@${practitionerId}:${serverOf(client.getSafeUserId())}`;
}

/** Makes an encrypted group of this person and some colleagues (Practitioner ids); gives its room id. */
export async function startGroup(
    client: MatrixClient,
    name: string,
    practitionerIds: readonly string[],
): Promise<string> {
    const { room_id: roomId } = await client.createRoom({
        preset: Preset.PrivateChat,
        name,
        invite: practitionerIds.map((id) => userOf(client, id)),
        initial_state: [
            {
                type: EventType.RoomEncryption,
                state_key: "",
                content: { algorithm: "m.megolm.v1.aes-sha2" },
            },
        ],
    });
    return roomId;
}

/** Who belongs to a group or is asked to. */
export function peopleOf(room: Room): RoomMember[] {
    const joined = room.getMembersWithMembership(KnownMembership.Join);
    const invited = room.getMembersWithMembership(KnownMembership.Invite);
    return [...joined, ...invited].filter((member) => !isClerk(member.userId));
}

export function isAdmin(member: RoomMember): boolean {
    return member.powerLevel >= ADMIN;
}

/** What this person may do in a group. */
export interface Rights {
    rename: boolean;
    add: boolean;
    promote: boolean;
    /** Nobody would be left who can change the group. */
    last: boolean;
}

export function rightsIn(room: Room): Rights {
    const me = room.myUserId;
    const state = room.currentState;
    const admins = peopleOf(room).filter((member) => member.membership === "join" && isAdmin(member));
    return {
        rename: state.maySendStateEvent(EventType.RoomName, me),
        add: room.canInvite(me),
        promote: state.maySendStateEvent(EventType.RoomPowerLevels, me),
        last: admins.length === 1 && admins[0]?.userId === me && room.getJoinedMemberCount() > 1,
    };
}

/** Whether this person may remove another. */
export function mayRemove(room: Room, other: RoomMember): boolean {
    const mine = room.getMember(room.myUserId)?.powerLevel ?? 0;
    if (other.userId === room.myUserId || other.powerLevel >= mine) return false;
    return room.currentState.hasSufficientPowerLevelFor("kick", mine);
}

export async function addTo(client: MatrixClient, room: Room, practitionerId: string): Promise<void> {
    await client.invite(room.roomId, userOf(client, practitionerId), { shareEncryptedHistory: false });
}

export async function makeAdmin(client: MatrixClient, room: Room, userId: string): Promise<void> {
    await client.setPowerLevel(room.roomId, userId, ADMIN);
}
