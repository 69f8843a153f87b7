import { MatrixEventEvent, type MatrixClient, type MatrixEvent } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { parse, REQUEST, RequestContentSchema, type RequestContent } from "../matrix/events.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import type { Request } from "./model.ts";

function read(event: MatrixEvent | undefined | null): RequestContent | undefined {
    return event?.getType() === REQUEST ? parse(RequestContentSchema, event.getContent()) : undefined;
}

function inTimeline(client: MatrixClient, request: Request): MatrixEvent | undefined {
    const events = client.getRoom(request.roomId)?.getLiveTimeline().getEvents() ?? [];
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
    useRoomChanges(request.roomId ?? "");
    const [fetched, setFetched] = useState<{ event?: MatrixEvent }>();
    const loaded = inTimeline(client, request);
    const { roomId, eventId } = request;
    const joined = client.getRoom(roomId)?.getMyMembership() === "join";
    const needsFetch = !loaded && joined && roomId !== undefined && eventId !== undefined;

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

    if (!loaded && fetched && !fetched.event) return "missing";
    const event = loaded ?? fetched?.event;
    const content = read(event);
    if (content) return content;
    return event?.isDecryptionFailure() ? "missing" : "loading";
}
