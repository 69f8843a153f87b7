import { useMemo } from "react";
import { usePatients, usePlaces } from "../fhir/queries.ts";
import { whereabouts, type Patient, type Whereabouts } from "./model.ts";

/** A patient and where they are, `undefined` while it is loading, `null` when this person may not see them. */
export function usePatient(
    ref: string | undefined,
): { patient: Patient; place: Whereabouts } | null | undefined {
    const { data: patients } = usePatients();
    const { data: places } = usePlaces();
    return useMemo(() => {
        if (!patients || ref === undefined) return undefined;
        const patient = patients.find((one) => one.ref === ref);
        return patient ? { patient, place: whereabouts(patient, places) } : null;
    }, [patients, places, ref]);
}
