import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation, useSearch } from "wouter";
import { keys, useRequests } from "../fhir/queries.ts";
import { isMineToDo, isUnanswered } from "../requests/model.ts";
import { useMe } from "../requests/use-request.ts";
import { useSession } from "../session/store.ts";

/**
 * Carries out what was pressed in a notification: the request of that conversation is accepted. Declining needs a reason, so
 * it only leads to the request. Whatever fails leaves the request as it was, in front of the person.
 */
export function useNotificationAnswer(roomId: string | undefined): void {
    const search = useSearch();
    const [path, navigate] = useLocation();
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const me = useMe();
    const { data: requests } = useRequests();
    useEffect(() => {
        const answer = new URLSearchParams(search).get("answer");
        if (answer === null || !requests || !fhir || roomId === undefined) return;
        const request = requests.find(
            (one) => one.roomId === roomId && isMineToDo(one, me) && isUnanswered(one),
        );
        // The request may be newer than what is loaded: the next answer of the service has it.
        if (answer === "accept" && !request) return;
        navigate(path, { replace: true });
        if (answer !== "accept" || !request) return;
        void fhir
            .operation("Task", request.id, "accept")
            .catch(() => undefined)
            .finally(() => void queries.invalidateQueries({ queryKey: keys.requests }));
    }, [search, path, navigate, fhir, queries, me, requests, roomId]);
}
