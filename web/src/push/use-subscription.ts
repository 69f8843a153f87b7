import { useEffect, useState } from "react";
import { t } from "../i18n/index.ts";
import { useClient, useSession } from "../session/store.ts";
import { isSubscribed, PushRefused, subscribe, unsubscribe } from "./subscribe.ts";

export interface Subscription {
    /** Whether notifications are on; `undefined` until that is known. */
    on: boolean | undefined;
    /** Why they could not be turned on or off, in words. */
    problem: string | undefined;
    /** Turns them on, or off; the browser asks for permission. */
    change: () => void;
}

/** Whether this browser is told of what happens, and changing it. */
export function useSubscription(): Subscription {
    const authorised = useSession((session) => session.authorised);
    const device = useClient().getDeviceId() ?? "";
    const [on, setOn] = useState<boolean>();
    const [problem, setProblem] = useState<string>();
    useEffect(() => {
        let current = true;
        void isSubscribed().then((found) => current && setOn(found));
        return () => {
            current = false;
        };
    }, []);
    const change = async (): Promise<void> => {
        if (!authorised) return;
        setProblem(undefined);
        try {
            if (on === true) await unsubscribe(authorised);
            else await subscribe(authorised, device, document.documentElement.lang);
            setOn(on !== true);
        } catch (error) {
            setProblem(
                error instanceof PushRefused || error instanceof DOMException
                    ? t.push.refused
                    : t.push.failed,
            );
        }
    };
    return { on, problem, change: () => void change() };
}
