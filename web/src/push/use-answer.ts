import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation, useSearch } from "wouter";
import { keys, useRequests } from "../fhir/queries.ts";
import { isMineToDo, isUnanswered } from "../requests/model.ts";
import { useMe } from "../requests/use-request.ts";
import { useSession } from "../session/store.ts";
import { useDeclining } from "./declining.ts";

/** What was pressed this long ago is not carried out any more: the request it meant is not there. */
const LATE_MS = 30_000;

/**
 * Carries out what was pressed in a notification: the request of that conversation is accepted, or declined, for which the reason is
 * asked. Whatever fails leaves the request as it was, in front of the person.
 */
export function useNotificationAnswer(roomId: string | undefined): void {
    const search = useSearch();
    const [path, navigate] = useLocation();
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const me = useMe();
    const { data: requests } = useRequests();
    useEffect(() => {
        if (!new URLSearchParams(search).has("answer")) return undefined;
        // A later request of this conversation must not be answered by it.
        const timer = setTimeout(() => navigate(path, { replace: true }), LATE_MS);
        return () => clearTimeout(timer);
    }, [search, path, navigate]);
    useEffect(() => {
        const answer = new URLSearchParams(search).get("answer");
        if (answer === null || !requests || !fhir || roomId === undefined) return;
        const request = requests.find(
            (one) => one.roomId === roomId && isMineToDo(one, me) && isUnanswered(one),
        );
        // The request may be newer than what is loaded: the next answer of the service has it.
        if (!request) return;
        navigate(path, { replace: true });
        if (answer === "decline") useDeclining.setState({ requestId: request.id });
        if (answer !== "accept") return;
        void fhir
            .operation("Task", request.id, "accept")
            .catch(() => undefined)
            .finally(() => void queries.invalidateQueries({ queryKey: keys.requests }));
    }, [search, path, navigate, fhir, queries, me, requests, roomId]);
}
