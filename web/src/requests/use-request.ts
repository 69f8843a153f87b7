import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { FhirError, type ParameterValue } from "../fhir/client.ts";
import { keys, rememberRequest, useOnCall, useRequests, useStaff } from "../fhir/queries.ts";
import { readAll, TaskSchema } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
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
            if (party.id === "clerk") return t.app.name;
            const known =
                party.kind === "person"
                    ? staff?.get(party.id)?.name
                    : party.kind === "role"
                      ? roles?.find((role) => role.id === party.id)?.name
                      : undefined;
            return known ?? party.display ?? party.id;
        },
        [staff, roles],
    );
}

/** Why something with a request was not saved: somebody was quicker, or what the service said. */
function problemOf(error: unknown, action: Action, now: Request | undefined, me: string): string | Party {
    if (!(error instanceof FhirError)) return t.requests.failedOffline;
    const quicker = now?.acceptedById;
    if (error.status === 409 && takes.has(action) && quicker !== undefined && quicker !== me)
        return { kind: "person", id: quicker, display: now?.acceptedByName };
    return t.requests.failed(refusalWords(error));
}

/** By each of these one takes a request on. */
const takes = new Set<Action>(["accept", "on-my-way", "arrived", "complete", "decline"]);

/** Does something with a request; the answer replaces what is shown. */
export function useRequestAction(
    request: Request,
    onTaken?: (by: Party) => void,
): {
    act: (action: Action, parameters?: Record<string, ParameterValue>) => Promise<boolean>;
    busy: boolean;
    problem: string | undefined;
} {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const name = useNames();
    const me = useMe();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string | Party>();
    const remember = (answer: unknown): Request | undefined => {
        const task = readAll(TaskSchema, [answer])[0];
        const updated = task && requestFromTask(task);
        if (updated) rememberRequest(queries, updated);
        return updated;
    };
    const act = async (action: Action, parameters?: Record<string, ParameterValue>): Promise<boolean> => {
        if (!fhir || busy) return false;
        setBusy(true);
        setProblem(undefined);
        try {
            const at = { valueInstant: new Date().toISOString() };
            remember(await fhir.operation("Task", request.id, action, { ...parameters, at }));
            return true;
        } catch (error) {
            // What happened meanwhile says why: most often somebody else was quicker.
            const now = await fhir
                .get(`Task/${encodeURIComponent(request.id)}`)
                .then(remember, () => undefined);
            const why = problemOf(error, action, now, me);
            setProblem(why);
            if (typeof why === "object") onTaken?.(why);
            return false;
        } finally {
            setBusy(false);
            void queries.invalidateQueries({ queryKey: keys.requests });
        }
    };
    const words = typeof problem === "object" ? t.requests.tooLate(name(problem)) : problem;
    return { act, busy, problem: words };
}
