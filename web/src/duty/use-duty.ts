import { useMutation, useQuery, useQueryClient, type UseMutationResult } from "@tanstack/react-query";
import type { FhirClient } from "../fhir/client.ts";
import { PractitionerSchema, readAll } from "../fhir/schema.ts";
import { useMe } from "../requests/use-request.ts";
import { useSession } from "../session/store.ts";
import {
    deviceCheckOf,
    dutyOf,
    dutyParameters,
    type DeviceCheck,
    type Duty,
    type DutyWish,
} from "./model.ts";

/** What the directory says of somebody at the moment. */
export interface Standing {
    duty: Duty;
    check?: DeviceCheck | undefined;
}

const MINUTE = 60_000;

function standingIn(resource: unknown): Standing {
    const [found] = readAll(PractitionerSchema, [resource]);
    if (!found) throw new Error("no Practitioner");
    return { duty: dutyOf(found.extension), check: deviceCheckOf(found.extension) };
}

function keyOf(practitionerId: string): readonly string[] {
    return ["standing", practitionerId];
}

/** Whether somebody works, and whether their device does; renewed while it is looked at. */
export function useStanding(practitionerId: string | undefined): Standing | undefined {
    const fhir = useSession((session) => session.fhir);
    const { data } = useQuery({
        queryKey: keyOf(practitionerId ?? ""),
        enabled: fhir !== undefined && practitionerId !== undefined,
        queryFn: async () => {
            if (!fhir || practitionerId === undefined) throw new Error("signed out");
            return standingIn(await fhir.get(`Practitioner/${encodeURIComponent(practitionerId)}`));
        },
        // Who opens the board or a conversation acts on what they see there.
        refetchOnMount: "always",
        staleTime: MINUTE / 2,
        refetchInterval: 2 * MINUTE,
        retry: 1,
    });
    return data;
}

/** Asks the service for something about this person; its answer is shown at once. */
function useChange<T>(
    ask: (fhir: FhirClient, me: string, wish: T) => Promise<unknown>,
): UseMutationResult<Standing, Error, T> {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const me = useMe();
    return useMutation({
        mutationFn: async (wish: T) => {
            if (!fhir) throw new Error("signed out");
            return standingIn(await ask(fhir, me, wish));
        },
        onSuccess: (standing) => queries.setQueryData(keyOf(me), standing),
    });
}

/** Says whether this person works. */
export function useSetDuty(): UseMutationResult<Standing, Error, DutyWish> {
    return useChange((fhir, me, wish) => fhir.operation("Practitioner", me, "duty", dutyParameters(wish)));
}

/** Tells the team what did not work when this person tested their device. */
export function useTellDeviceCheck(): UseMutationResult<Standing, Error, readonly string[]> {
    return useChange((fhir, me, failed) =>
        fhir.operation("Practitioner", me, "device-check", {
            failed: failed.map((code) => ({ valueCode: code })),
        }),
    );
}
