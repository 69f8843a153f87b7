import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { RoomEvent, type MatrixEvent } from "matrix-js-sdk";
import { useCallback, useEffect } from "react";
import type { FhirClient } from "../fhir/client.ts";
import { keys, useRequests } from "../fhir/queries.ts";
import { REQUEST, REQUEST_UPDATE } from "../matrix/events.ts";
import { useClient, useSession } from "../session/store.ts";
import { isUnanswered, type Request } from "./model.ts";
import { useMe } from "./use-request.ts";

/** Notices go out one after another, so that "seen" never overtakes "delivered". */
let line: Promise<void> = Promise.resolve();

/** Notices already sent by this visit: `id`, what was noticed, and which asking it was. */
const sent = new Set<string>();

type Notice = "delivered" | "seen";

function isDue(request: Request, me: string, notice: Notice): boolean {
    if (!request.holders.some((one) => one.id === me) || !isUnanswered(request)) return false;
    return request.state === "raised" || (notice === "seen" && request.state === "delivered");
}

function tell(fhir: FhirClient, queries: QueryClient, request: Request, notice: Notice): Promise<void> {
    line = line.then(() => tellNow(fhir, queries, request, notice));
    return line;
}

async function tellNow(
    fhir: FhirClient,
    queries: QueryClient,
    request: Request,
    notice: Notice,
): Promise<void> {
    const asking = request.chain.findLast((one) => one.state === "raised")?.at ?? request.raisedAt;
    const key = `${request.id} ${notice} ${asking}`;
    if (sent.has(key)) return;
    sent.add(key);
    try {
        await fhir.operation("Task", request.id, notice, {
            at: { valueInstant: new Date().toISOString() },
        });
        await queries.invalidateQueries({ queryKey: keys.requests });
    } catch {
        sent.delete(key);
    }
}

/** Tells the service that a request was seen: call it when its card is really in front of the person. */
export function useRequestNotices(): { seen: (request: Request) => void } {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const me = useMe();
    const seen = useCallback(
        (request: Request) => {
            if (!fhir || document.visibilityState !== "visible" || !isDue(request, me, "seen")) return;
            // What is seen has arrived: said first where that has not been said yet.
            if (isDue(request, me, "delivered")) void tell(fhir, queries, request, "delivered");
            void tell(fhir, queries, request, "seen");
        },
        [fhir, queries, me],
    );
    return { seen };
}

/** Keeps requests fresh (each announcement in a conversation refreshes them) and tells the service what arrived here. */
export function useRequestDelivery(): void {
    const client = useClient();
    const fhir = useSession((session) => session.fhir);
    const connection = useSession((session) => session.connection);
    const queries = useQueryClient();
    const me = useMe();
    const { data: requests } = useRequests();

    useEffect(() => {
        const listener = (event: MatrixEvent): void => {
            const type = event.getType();
            if (type !== REQUEST_UPDATE && type !== REQUEST) return;
            void queries.invalidateQueries({ queryKey: keys.requests });
            if (type === REQUEST_UPDATE) void queries.invalidateQueries({ queryKey: keys.patients });
        };
        client.on(RoomEvent.Timeline, listener);
        return () => {
            client.off(RoomEvent.Timeline, listener);
        };
    }, [client, queries]);

    useEffect(() => {
        if (connection === "online") void queries.invalidateQueries();
    }, [connection, queries]);

    useEffect(() => {
        if (!fhir) return;
        for (const request of requests ?? []) {
            if (isDue(request, me, "delivered")) void tell(fhir, queries, request, "delivered");
        }
    }, [fhir, me, queries, requests]);
}
