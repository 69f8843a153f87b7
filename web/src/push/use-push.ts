import { MatrixEventEvent, RoomEvent, type MatrixClient, type MatrixEvent } from "matrix-js-sdk";
import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { mayDisturb } from "../duty/model.ts";
import { useStanding } from "../duty/use-duty.ts";
import { parse, REQUEST, RequestContentSchema } from "../matrix/events.ts";
import { nameOf } from "../matrix/rooms.ts";
import { words } from "../matrix/timeline.ts";
import { useMe } from "../requests/use-request.ts";
import { usePolicy } from "../session/policy.ts";
import { useClient, useSession } from "../session/store.ts";
import { isOver, shown, standing, type PushClass } from "./notice.ts";
import { acknowledge } from "./subscribe.ts";

type FromWorker = { kind: "push-ack"; token: string } | { kind: "go"; to: string } | { kind: "pushed" };

/** Follows what the service worker says: where a pressed notification leads, and that pushes arrive. */
export function useWorkerMessages(): void {
    const authorised = useSession((session) => session.authorised);
    const wake = useSession((session) => session.wake);
    const [, navigate] = useLocation();
    useEffect(() => {
        if (!("serviceWorker" in navigator)) return undefined;
        const heard = (event: MessageEvent<FromWorker>): void => {
            if (event.data.kind === "push-ack" && authorised)
                void acknowledge(authorised, event.data.token).catch(() => undefined);
            if (event.data.kind === "go" && event.data.to.startsWith("/")) navigate(event.data.to);
            // A device that slept is told by the push before its connection notices.
            if (event.data.kind === "pushed") wake?.();
        };
        navigator.serviceWorker.addEventListener("message", heard);
        return () => navigator.serviceWorker.removeEventListener("message", heard);
    }, [authorised, wake, navigate]);
}

/** The number on the app's icon: conversations with something unread. */
export function useBadge(unread: number): void {
    useEffect(() => {
        const done = unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
        void done?.catch(() => undefined);
    }, [unread]);
}

/**
 * Closes the notifications of conversations that were read and of requests that were answered, here or on another device: `unread` are
 * those that were not, `asked` those where something waits for this person's answer.
 */
export function useReadNotifications(unread: readonly string[], asked: readonly string[]): void {
    useOver(unread, "read");
    useOver(asked, "answered");
}

function useOver(rooms: readonly string[], after: "read" | "answered"): void {
    const before = useRef<readonly string[]>([]);
    const all = [...new Set(rooms)].join(" ");
    useEffect(() => {
        const now = all === "" ? [] : all.split(" ");
        const over = before.current.filter((roomId) => !now.includes(roomId));
        before.current = now;
        if (over.length === 0 || !("serviceWorker" in navigator)) return;
        const close = async (): Promise<void> => {
            const registration = await navigator.serviceWorker.getRegistration();
            for (const shown of (await registration?.getNotifications()) ?? [])
                if (over.some((roomId) => isOver(shown.data, roomId, after))) shown.close();
        };
        void close().catch(() => undefined);
    }, [all, after]);
}

/** How urgent a request is; a message is a message. */
function classOf(event: MatrixEvent): PushClass {
    const request = parse(RequestContentSchema, event.getContent());
    return event.getType() === REQUEST && request ? request.class : "message";
}

/** The words of a notification, where the hospital allows them; a request says its class and no more. */
function told(client: MatrixClient, event: MatrixEvent): { title: string; body: string } | undefined {
    const room = client.getRoom(event.getRoomId());
    if (!room || event.getSender() === room.myUserId || event.isState()) return undefined;
    if (event.getType() === REQUEST) {
        const request = parse(RequestContentSchema, event.getContent());
        return request && { title: nameOf(room, event.getSender() ?? ""), body: words(event, room) };
    }
    if (event.getType() !== "m.room.message") return undefined;
    return { title: nameOf(room, event.getSender() ?? ""), body: words(event, room) };
}

/**
 * While the app runs unseen and the hospital allows words in notifications, they take the place of the worker's neutral one
 * of the same conversation. They are put together here: no words go over the push service.
 */
export function useSpokenNotifications(): void {
    const client = useClient();
    const { notification_text: allowed } = usePolicy();
    const duty = useStanding(useMe())?.duty;
    const said = useRef(duty);
    useEffect(() => {
        said.current = duty;
    }, [duty]);
    useEffect(() => {
        if (!allowed) return undefined;
        const show = async (event: MatrixEvent): Promise<void> => {
            if (document.visibilityState === "visible" || Date.now() - event.getTs() > 60_000) return;
            if (globalThis.Notification?.permission !== "granted") return;
            const actions = client.getPushActionsForEvent(event);
            const line = actions?.notify === true ? told(client, event) : undefined;
            const roomId = event.getRoomId();
            const kind = classOf(event);
            if (!line || roomId === undefined || !mayDisturb(said.current, kind === "urgent", new Date()))
                return;
            const registration = await navigator.serviceWorker.ready;
            const before = await registration.getNotifications({ tag: roomId });
            const now = standing(
                { roomId, class: kind, unread: 0 },
                before.map(({ data }) => data as unknown),
            );
            const { options } = shown(now, document.documentElement.lang.slice(0, 2));
            await registration.showNotification(line.title, { ...options, body: line.body });
        };
        const came = (event: MatrixEvent, _room: unknown, toStart?: boolean): void => {
            if (!toStart && !event.isEncrypted()) void show(event).catch(() => undefined);
        };
        const opened = (event: MatrixEvent): void => void show(event).catch(() => undefined);
        client.on(RoomEvent.Timeline, came);
        client.on(MatrixEventEvent.Decrypted, opened);
        return () => {
            client.off(RoomEvent.Timeline, came);
            client.off(MatrixEventEvent.Decrypted, opened);
        };
    }, [client, allowed]);
}
