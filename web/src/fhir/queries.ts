/** What the screens read from the clinical service, cached and refreshed by react-query. */
import { useQuery, type QueryClient, type UseQueryResult } from "@tanstack/react-query";
import { requestFromTask, type Request } from "../requests/model.ts";
import { useSession } from "../session/store.ts";
import { bedsAndWards, patientFromResource, type Patient, type Place } from "../patients/model.ts";
import { onCallList, staffName, type OnCallRole, type StaffMember } from "../oncall/model.ts";
import type { FhirClient } from "./client.ts";
import {
    HealthcareServiceSchema,
    LocationSchema,
    PatientSchema,
    PractitionerSchema,
    readAll,
    TaskSchema,
} from "./schema.ts";

export const keys = {
    requests: ["requests"],
    patients: ["patients"],
    places: ["places"],
    staff: ["staff"],
    onCall: ["on-call"],
} as const;

const MINUTE = 60_000;

function useFhir<T>(
    key: readonly string[],
    read: (fhir: FhirClient) => Promise<T>,
    every: number,
): UseQueryResult<T> {
    const fhir = useSession((session) => session.fhir);
    return useQuery({
        queryKey: key,
        queryFn: () => {
            if (!fhir) throw new Error("signed out");
            return read(fhir);
        },
        enabled: fhir !== undefined,
        refetchInterval: every,
        staleTime: every / 2,
    });
}

/** Requests that concern this person or their patients. */
export function useRequests(): UseQueryResult<Request[]> {
    return useFhir(
        keys.requests,
        async (fhir) =>
            readAll(TaskSchema, await fhir.search("Task")).flatMap((task) => requestFromTask(task) ?? []),
        20_000,
    );
}

/** Patients whose conversations this person belongs to. */
export function usePatients(): UseQueryResult<Patient[]> {
    return useFhir(
        keys.patients,
        async (fhir) => readAll(PatientSchema, await fhir.search("Patient")).map(patientFromResource),
        MINUTE,
    );
}

/** Wards and beds by id. */
export function usePlaces(): UseQueryResult<Map<string, Place>> {
    return useFhir(
        keys.places,
        async (fhir) => bedsAndWards(readAll(LocationSchema, await fhir.search("Location"))),
        10 * MINUTE,
    );
}

/** Colleagues by Practitioner id. */
export function useStaff(): UseQueryResult<Map<string, StaffMember>> {
    return useFhir(
        keys.staff,
        async (fhir) => {
            const staff = readAll(PractitionerSchema, await fhir.search("Practitioner")).map(staffName);
            return new Map(staff.map((member) => [member.id, member]));
        },
        10 * MINUTE,
    );
}

/** Every role and who holds it now. */
export function useOnCall(): UseQueryResult<OnCallRole[]> {
    return useFhir(
        keys.onCall,
        async (fhir) => onCallList(readAll(HealthcareServiceSchema, await fhir.search("HealthcareService"))),
        MINUTE / 2,
    );
}

/** Puts a request that an operation answered with into the cache, so that the screen does not wait for a refresh. */
export function rememberRequest(queries: QueryClient, request: Request): void {
    queries.setQueryData<Request[]>(keys.requests, (known = []) => [
        ...known.filter((other) => other.id !== request.id),
        request,
    ]);
}
