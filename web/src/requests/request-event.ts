import { MatrixEventEvent, type MatrixClient, type MatrixEvent } from "matrix-js-sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { keys } from "../fhir/queries.ts";
import { parse, REQUEST, RequestContentSchema, type RequestContent } from "../matrix/events.ts";
import { loadedEvents } from "../matrix/loaded.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import type { Request } from "./model.ts";

function read(event: MatrixEvent | undefined | null): RequestContent | undefined {
    return event?.getType() === REQUEST ? parse(RequestContentSchema, event.getContent()) : undefined;
}

/** The conversation in which the words were sent: another one where two records of the patient were joined since. */
function roomOfWords(request: Request): string | undefined {
    return request.eventRoomId ?? request.roomId;
}

function inTimeline(client: MatrixClient, request: Request): MatrixEvent | undefined {
    const room = client.getRoom(roomOfWords(request));
    const events = room ? loadedEvents(room) : [];
    return events.findLast(
        (event) => event.getId() === request.eventId || read(event)?.request_id === request.id,
    );
}

/** Fetches and opens an event that is not among the loaded ones. */
async function fetchEvent(client: MatrixClient, roomId: string, eventId: string): Promise<MatrixEvent> {
    const event = client.getEventMapper()(await client.fetchRoomEvent(roomId, eventId));
    await client.decryptEventIfNeeded(event);
    return event;
}

/** The words of a request: opened from its event, `"loading"` until that is there, `"missing"` when it cannot be read. */
export function useRequestWords(request: Request): RequestContent | "loading" | "missing" {
    const client = useClient();
    const queries = useQueryClient();
    const roomId = roomOfWords(request);
    useRoomChanges(roomId ?? "");
    const [fetched, setFetched] = useState<{ event?: MatrixEvent }>();
    // Read once, they are kept: a handover list opens without a connection.
    const { data: kept } = useQuery<RequestContent>({
        queryKey: [...keys.words, request.id],
        enabled: false,
        staleTime: Infinity,
    });
    const loaded = inTimeline(client, request);
    const { eventId } = request;
    const joined = client.getRoom(roomId)?.getMyMembership() === "join";
    const needsFetch = !kept && !loaded && joined && roomId !== undefined && eventId !== undefined;

    useEffect(() => {
        if (!needsFetch) return undefined;
        let current = true;
        const again = (event: MatrixEvent): void => {
            if (current) setFetched({ event });
        };
        fetchEvent(client, roomId, eventId).then(
            (event) => {
                again(event);
                event.on(MatrixEventEvent.Decrypted, again);
            },
            () => {
                if (current) setFetched({});
            },
        );
        return () => {
            current = false;
        };
    }, [client, needsFetch, roomId, eventId]);

    const event = loaded ?? fetched?.event;
    const content = read(event);
    useEffect(() => {
        // The words of a request never change; its id names them.
        if (content && !kept) queries.setQueryData([...keys.words, request.id], content);
    }, [queries, request.id, content, kept]);
    if (content ?? kept) return content ?? kept ?? "missing";
    if (!loaded && fetched && !fetched.event) return "missing";
    if (roomId !== undefined && eventId === undefined && !joined) return "missing";
    return event?.isDecryptionFailure() ? "missing" : "loading";
}
