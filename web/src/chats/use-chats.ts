import { useMemo } from "react";
import { usePatients, usePlaces, useRequests } from "../fhir/queries.ts";
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
    return useMemo(() => {
        void version;
        const byRef = new Map((patients ?? []).map((patient) => [patient.ref, patient]));
        return summarise(client, byRef, places, requests ?? []);
    }, [client, version, patients, places, requests]);
}
