import { useMemo } from "react";
import { useOtherPatient, usePatients, usePlaces } from "../fhir/queries.ts";
import { roomOfPatient } from "../matrix/rooms.ts";
import { useClient } from "../session/store.ts";
import { whereabouts, type Patient, type Whereabouts } from "./model.ts";

/**
 * A patient and where they are, `undefined` while it is loading, `null` when this person may not see them. A patient who is
 * not on the ward list, because they have left hospital or their record was joined to another, is asked for by themselves.
 */
export function usePatient(
    ref: string | undefined,
): { patient: Patient; place: Whereabouts } | null | undefined {
    const { data: patients } = usePatients();
    const { data: places } = usePlaces();
    const listed = useMemo(() => patients?.find((one) => one.ref === ref), [patients, ref]);
    const client = useClient();
    // Whoever is not in the conversation may not look, and each try would be noted against them.
    const mayAsk = ref !== undefined && patients !== undefined && listed === undefined;
    const asked = mayAsk && roomOfPatient(client, ref) !== undefined;
    const other = useOtherPatient(ref, asked);
    return useMemo(() => {
        if (!patients || ref === undefined) return undefined;
        const patient = listed ?? (asked ? other : null);
        return patient ? { patient, place: whereabouts(patient, places) } : patient;
    }, [patients, places, ref, listed, asked, other]);
}
