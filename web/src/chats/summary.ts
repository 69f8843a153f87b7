import type { MatrixClient, Room } from "matrix-js-sdk";
import { patientRef, joinedRooms } from "../matrix/rooms.ts";
import { preview } from "../matrix/timeline.ts";
import type { Patient } from "../patients/model.ts";
import { shortName } from "../patients/format.ts";
import { isOpen, type Request } from "../requests/model.ts";

/** One line of the list of conversations. */
export interface ChatSummary {
    roomId: string;
    title: string;
    patient: boolean;
    preview: string;
    own: boolean;
    at: number;
    unread: number;
    /** An urgent request is open here. */
    urgent: boolean;
}

export const chatFilters = ["all", "urgent", "patients"] as const;
export type ChatFilter = (typeof chatFilters)[number];

function titleOf(room: Room, patients: ReadonlyMap<string, Patient>): string {
    const ref = patientRef(room);
    const patient = ref === undefined ? undefined : patients.get(ref);
    return patient ? shortName(patient) : room.name;
}

/** The conversations of this person, newest first. */
export function summarise(
    client: MatrixClient,
    patients: ReadonlyMap<string, Patient>,
    requests: readonly Request[],
): ChatSummary[] {
    const urgentRooms = new Set(
        requests.filter((one) => one.class === "urgent" && isOpen(one)).map((one) => one.roomId),
    );
    return joinedRooms(client)
        .map((room): ChatSummary => {
            const newest = preview(room);
            return {
                roomId: room.roomId,
                title: titleOf(room, patients),
                patient: patientRef(room) !== undefined,
                preview: newest?.text ?? "",
                own: newest?.own ?? false,
                at: newest?.at ?? room.getLastActiveTimestamp(),
                unread: room.getUnreadNotificationCount(),
                urgent: urgentRooms.has(room.roomId),
            };
        })
        .toSorted((a, b) => b.at - a.at || a.title.localeCompare(b.title));
}

/** Whether a conversation is shown under a filter. */
export function passes(chat: ChatSummary, filter: ChatFilter): boolean {
    return filter === "all" || (filter === "urgent" ? chat.urgent : chat.patient);
}
