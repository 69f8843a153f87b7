/** Calls that concern this person, kept fresh: a message to the device says that there is something to look at. */
import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { ClientEvent } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { FhirError } from "../fhir/client.ts";
import { keys } from "../fhir/queries.ts";
import { useClient, useSession } from "../session/store.ts";
import {
    boardWith,
    callFromResource,
    optionsFrom,
    type Board,
    type Call,
    type CallOptions,
} from "./model.ts";

/** The type of the message to a device. */
const CALL = "org.wardline.call";
/** How long the service holds a question about a board for which there is nothing new, in seconds. */
const WAIT_S = 20;
/** Between two questions, so that answers that come together are fetched together. */
const PACE_MS = 400;
const AFTER_FAILURE_MS = 3_000;

export function useCalls(): UseQueryResult<Call[]> {
    const fhir = useSession((session) => session.fhir);
    return useQuery({
        queryKey: keys.calls,
        queryFn: async () => {
            if (!fhir) throw new Error("signed out");
            return (await fhir.search("CommunicationRequest")).flatMap((one) => callFromResource(one) ?? []);
        },
        enabled: fhir !== undefined,
        refetchInterval: 30_000,
        staleTime: 5_000,
    });
}

/** What this person may call. */
export function useCallOptions(): CallOptions | undefined {
    const fhir = useSession((session) => session.fhir);
    const { data } = useQuery({
        queryKey: keys.callOptions,
        queryFn: async () => {
            if (!fhir) throw new Error("signed out");
            return optionsFrom(await fhir.get("CommunicationRequest/$options"));
        },
        enabled: fhir !== undefined,
        refetchInterval: 60_000,
        staleTime: 20_000,
    });
    return data;
}

/** Looks for calls as soon as the service says that there is one, and says that what is there has arrived. */
export function useCallDelivery(): void {
    const client = useClient();
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const { data: calls } = useCalls();
    useEffect(() => {
        const came = ({ message }: { message: { type: string } }): void => {
            if (message.type === CALL) void queries.invalidateQueries({ queryKey: keys.calls });
        };
        client.on(ClientEvent.ReceivedToDeviceMessage, came);
        return () => {
            client.off(ClientEvent.ReceivedToDeviceMessage, came);
        };
    }, [client, queries]);
    useEffect(() => {
        for (const call of calls ?? []) {
            if (!fhir || !call.own || call.own.delivered !== undefined || call.ended) continue;
            void fhir
                .operation("CommunicationRequest", call.id, "delivered")
                .then(() => queries.invalidateQueries({ queryKey: keys.calls }))
                .catch(() => undefined);
        }
    }, [calls, fhir, queries]);
}

function pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
        setTimeout(resolve, millis);
    });
}

/** The board of a call, live. One question waits at the service; it is answered with what changed. */
export function useBoard(id: string): { board: Board | undefined; failed: boolean } {
    const fhir = useSession((session) => session.fhir);
    const [board, setBoard] = useState<Board>();
    const [failed, setFailed] = useState(false);
    useEffect(() => {
        if (!fhir) return undefined;
        const stop = new AbortController();
        const follow = async (): Promise<void> => {
            let known: Board | undefined;
            while (!stop.signal.aborted) {
                const query: Record<string, string> = known
                    ? { since: String(known.version), wait: String(WAIT_S) }
                    : {};
                try {
                    const path = `CommunicationRequest/${encodeURIComponent(id)}/$board`;
                    const next = boardWith(known, await fhir.get(path, query, stop.signal));
                    if (stop.signal.aborted) return;
                    known = next ?? known;
                    setBoard(known);
                    setFailed(!next);
                    await pause(next ? PACE_MS : AFTER_FAILURE_MS);
                } catch (error) {
                    if (stop.signal.aborted) return;
                    setFailed(true);
                    // Nobody who may not look becomes somebody who may by asking again.
                    if (error instanceof FhirError && (error.status === 403 || error.status === 404)) return;
                    await pause(AFTER_FAILURE_MS);
                }
            }
        };
        void follow();
        return () => stop.abort();
    }, [fhir, id]);
    return { board, failed };
}
