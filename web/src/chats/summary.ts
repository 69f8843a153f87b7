import type { MatrixClient, Room } from "matrix-js-sdk";
import { firstUnread } from "../conversation/first-unread.ts";
import { t } from "../i18n/index.ts";
import { marksOf, type Marks } from "../matrix/marks.ts";
import { colleagues, continuedIn, isDirect, isRoleRoom, joinedRooms, patientRef } from "../matrix/rooms.ts";
import { preview } from "../matrix/timeline.ts";
import { shortName } from "../patients/format.ts";
import { whereabouts, type Patient, type Place } from "../patients/model.ts";
import { isOpen, type Request } from "../requests/model.ts";

/** What a conversation is about. */
export type ChatKind = "patient" | "role" | "person" | "group";

/** One line of the list of conversations. */
export interface ChatSummary {
    roomId: string;
    title: string;
    /** Where the patient is: tells two of the same name apart. */
    place: string;
    kind: ChatKind;
    patient: boolean;
    /** The other one of two. */
    other?: string | undefined;
    preview: string;
    own: boolean;
    at: number;
    /** Messages that make a sound and were not read. */
    unread: number;
    /** Something in it was not read, whether it makes a sound or not. */
    news: boolean;
    /** An urgent request is open here. */
    urgent: boolean;
    /** It goes on in another conversation: nothing is written here any more. */
    ended: boolean;
    marks: Marks;
}

export const chatFilters = ["all", "urgent", "patients", "roles", "archived"] as const;
export type ChatFilter = (typeof chatFilters)[number];

function kindOf(client: MatrixClient, room: Room, ref: string | undefined): ChatKind {
    if (ref !== undefined) return "patient";
    if (isRoleRoom(room)) return "role";
    return isDirect(client, room) ? "person" : "group";
}

/** The conversations of this person: what is pinned first, then newest first. */
export function summarise(
    client: MatrixClient,
    patients: ReadonlyMap<string, Patient>,
    places: ReadonlyMap<string, Place> | undefined,
    requests: readonly Request[],
): ChatSummary[] {
    const urgentRooms = new Set(
        requests.filter((one) => one.class === "urgent" && isOpen(one)).map((one) => one.roomId),
    );
    return joinedRooms(client)
        .map((room): ChatSummary => {
            const newest = preview(room);
            const ref = patientRef(room);
            const patient = ref === undefined ? undefined : patients.get(ref);
            const where = patient && whereabouts(patient, places);
            const kind = kindOf(client, room, ref);
            const marks = marksOf(client, room);
            const unread = room.getUnreadNotificationCount();
            return {
                roomId: room.roomId,
                title: patient ? shortName(patient) : ref === undefined ? room.name : t.patients.loading,
                place: where?.bed ?? "",
                kind,
                patient: ref !== undefined,
                other: kind === "person" ? colleagues(room)[0]?.userId : undefined,
                preview: newest?.text ?? where?.ward ?? "",
                own: newest?.own ?? false,
                at: newest?.at ?? room.getLastActiveTimestamp(),
                unread,
                news:
                    unread > 0 ||
                    marks.unread ||
                    (marks.muted && firstUnread(room, room.myUserId) !== undefined),
                urgent: urgentRooms.has(room.roomId),
                ended: continuedIn(room) !== undefined,
                marks,
            };
        })
        .toSorted(inOrder);
}

/** What is pinned first, then newest first. */
export function inOrder(a: ChatSummary, b: ChatSummary): number {
    return Number(b.marks.pinned) - Number(a.marks.pinned) || b.at - a.at || a.title.localeCompare(b.title);
}

/** Whether a conversation is shown under a filter. What is put away comes back while something urgent is open in it. */
export function passes(chat: ChatSummary, filter: ChatFilter): boolean {
    const away = chat.marks.archived && !chat.urgent;
    switch (filter) {
        case "all":
            return !away;
        case "urgent":
            return chat.urgent;
        case "patients":
            return chat.patient && !away;
        case "roles":
            return chat.kind === "role" && !away;
        case "archived":
            return chat.marks.archived;
    }
}
