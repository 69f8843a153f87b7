import { useMemo } from "react";
import { useOtherPatients, usePatients, usePlaces, useRequests } from "../fhir/queries.ts";
import { joinedRooms, patientRef } from "../matrix/rooms.ts";
import { useAllRooms } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import { summarise, type ChatSummary } from "./summary.ts";

/** The conversations of this person, as the list shows them. */
export function useChats(): ChatSummary[] {
    const client = useClient();
    const version = useAllRooms();
    const { data: patients } = usePatients();
    const { data: places } = usePlaces();
    const { data: requests } = useRequests();
    // Those who have left hospital, and records that were joined to others, are on no ward list.
    const elsewhere = useMemo(() => {
        void version;
        if (!patients) return [];
        const listed = new Set(patients.map(({ ref }) => ref));
        return joinedRooms(client).flatMap((room) => {
            const ref = patientRef(room);
            return ref === undefined || listed.has(ref) ? [] : [ref];
        });
    }, [client, version, patients]);
    const others = useOtherPatients(elsewhere);
    return useMemo(() => {
        void version;
        const all = [...others, ...(patients ?? [])];
        const byRef = new Map(all.map((patient) => [patient.ref, patient]));
        return summarise(client, byRef, places, requests ?? []);
    }, [client, version, patients, others, places, requests]);
}
