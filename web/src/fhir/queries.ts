/** What the screens read from the clinical service, cached and refreshed by react-query. */
import {
    queryOptions,
    useQueries,
    useQuery,
    type QueryClient,
    type UseQueryResult,
} from "@tanstack/react-query";
import { t } from "../i18n/index.ts";
import { requestFromTask, type Request } from "../requests/model.ts";
import { useSession } from "../session/store.ts";
import { bedsAndWards, patientFromResource, type Patient, type Place } from "../patients/model.ts";
import {
    onCallList,
    shiftOf,
    staffName,
    type OnCallRole,
    type Shift,
    type StaffMember,
} from "../oncall/model.ts";
import { teamOf, type Team } from "../oncall/team.ts";
import type { FhirClient } from "./client.ts";
import {
    CareTeamSchema,
    HealthcareServiceSchema,
    LocationSchema,
    PatientSchema,
    PractitionerRoleSchema,
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
    teams: ["teams"],
    shifts: ["shifts"],
    /** What is open with a role. */
    handover: ["handover"],
    /** A patient who is not on the ward list. */
    patient: ["patient"],
    /** The words of a request, once they were read. */
    words: ["words"],
    calls: ["calls"],
    callOptions: ["call-options"],
} as const;

const MINUTE = 60_000;

/** Something of the clinical service that is read again every so many milliseconds. */
export function useFhir<T>(
    key: readonly string[],
    read: (fhir: FhirClient) => Promise<T>,
    every: number,
    enabled = true,
): UseQueryResult<T> {
    const fhir = useSession((session) => session.fhir);
    return useQuery({
        queryKey: key,
        queryFn: () => {
            if (!fhir) throw new Error("signed out");
            return read(fhir);
        },
        enabled: enabled && fhir !== undefined,
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

/** Teams of staff. */
export function useTeams(): UseQueryResult<Team[]> {
    return useFhir(
        keys.teams,
        async (fhir) =>
            readAll(CareTeamSchema, await fhir.search("CareTeam"))
                .map(teamOf)
                .toSorted((a, b) => a.name.localeCompare(b.name, t.locale)),
        10 * MINUTE,
    );
}

/** The shifts of a role. */
export function useShifts(roleId: string): UseQueryResult<Shift[]> {
    return useFhir(
        [...keys.shifts, roleId],
        async (fhir) => {
            const found = await fhir.search("PractitionerRole", {
                service: `HealthcareService/${roleId}`,
                date: `ge${new Date().toISOString()}`,
            });
            return readAll(PractitionerRoleSchema, found).flatMap((one) => shiftOf(one) ?? []);
        },
        MINUTE,
    );
}

/** How a patient who is not on the ward list is asked for. Each look is noted, so it is not repeated without need. */
function otherPatient(fhir: FhirClient | undefined, ref: string, enabled: boolean) {
    return queryOptions({
        queryKey: [...keys.patient, ref],
        enabled: enabled && fhir !== undefined,
        staleTime: 10 * MINUTE,
        retry: 1,
        queryFn: async (): Promise<Patient | null> => {
            if (!fhir) throw new Error("signed out");
            const answer = await fhir.get(`Patient/${encodeURIComponent(ref)}`);
            const found = readAll(PatientSchema, [answer])[0];
            return found ? patientFromResource(found) : null;
        },
    });
}

/** A patient who is not on the ward list, if this person may see them; `null` if not. */
export function useOtherPatient(ref: string | undefined, enabled: boolean): Patient | null | undefined {
    const fhir = useSession((session) => session.fhir);
    const { data, isError } = useQuery(otherPatient(fhir, ref ?? "", enabled && ref !== undefined));
    return data ?? (isError ? null : undefined);
}

function present(answers: readonly { data?: Patient | null | undefined }[]): Patient[] {
    return answers.flatMap(({ data }) => data ?? []);
}

/** Those of these patients whom this person may see. */
export function useOtherPatients(refs: readonly string[]): Patient[] {
    const fhir = useSession((session) => session.fhir);
    return useQueries({ queries: refs.map((ref) => otherPatient(fhir, ref, true)), combine: present });
}

/** Puts a request that an operation answered with into the cache, so that the screen does not wait for a refresh. */
export function rememberRequest(queries: QueryClient, request: Request): void {
    queries.setQueryData<Request[]>(keys.requests, (known = []) => [
        ...known.filter((other) => other.id !== request.id),
        request,
    ]);
}
