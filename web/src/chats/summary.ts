import type { MatrixClient } from "matrix-js-sdk";
import { t } from "../i18n/index.ts";
import { patientRef, joinedRooms } from "../matrix/rooms.ts";
import { preview } from "../matrix/timeline.ts";
import { shortName } from "../patients/format.ts";
import { whereabouts, type Patient, type Place } from "../patients/model.ts";
import { isOpen, type Request } from "../requests/model.ts";

/** One line of the list of conversations. */
export interface ChatSummary {
    roomId: string;
    title: string;
    /** Where the patient is: tells two of the same name apart. */
    place: string;
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

/** The conversations of this person, newest first. */
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
            return {
                roomId: room.roomId,
                title: patient ? shortName(patient) : ref === undefined ? room.name : t.patients.loading,
                place: where?.bed ?? "",
                patient: ref !== undefined,
                preview: newest?.text ?? where?.ward ?? "",
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
