import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { FhirError } from "../fhir/client.ts";
import { keys, rememberRequest, useOnCall, useRequests, useStaff } from "../fhir/queries.ts";
import { readAll, TaskSchema } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { localpart } from "../matrix/rooms.ts";
import { useClient, useSession } from "../session/store.ts";
import { requestFromTask, type Action, type Party, type Request } from "./model.ts";

/** This person's Practitioner id. */
export function useMe(): string {
    return localpart(useClient().getSafeUserId());
}

/** One request by id, live. */
export function useRequest(id: string): Request | undefined {
    const { data } = useRequests();
    return useMemo(() => data?.find((request) => request.id === id), [data, id]);
}

/** Turns a person's or role's reference into words. */
export function useNames(): (party: Party | undefined) => string {
    const { data: staff } = useStaff();
    const { data: roles } = useOnCall();
    return useMemo(
        () => (party) => {
            if (!party) return t.requests.somebody;
            const known =
                party.kind === "person"
                    ? staff?.get(party.id)?.name
                    : roles?.find((role) => role.id === party.id)?.name;
            return known ?? party.display ?? party.id;
        },
        [staff, roles],
    );
}

/** Does something with a request; the answer replaces what is shown. */
export function useRequestAction(request: Request): {
    act: (action: Action, reason?: string) => Promise<boolean>;
    busy: boolean;
    problem: string | undefined;
} {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const act = async (action: Action, reason?: string): Promise<boolean> => {
        if (!fhir || busy) return false;
        setBusy(true);
        setProblem(undefined);
        try {
            const answer = await fhir.operation(
                "Task",
                request.id,
                action,
                reason === undefined ? {} : { reason },
            );
            const task = readAll(TaskSchema, [answer])[0];
            const updated = task && requestFromTask(task);
            if (updated) rememberRequest(queries, updated);
            return true;
        } catch (error) {
            setProblem(
                error instanceof FhirError ? t.requests.failed(error.message) : t.requests.failedOffline,
            );
            return false;
        } finally {
            setBusy(false);
            void queries.invalidateQueries({ queryKey: keys.requests });
        }
    };
    return { act, busy, problem };
}
