import { useEffect, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { useClient, useSession } from "../session/store.ts";
import { SelfTest } from "./SelfTest.tsx";
import { isSubscribed, PushRefused, subscribe, unsubscribe } from "./subscribe.ts";

/** Notifications of this device: on or off, and a test of all that has to work before a shift. */
export function Notifications(): JSX.Element {
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
    return (
        <div className="notifications">
            <p>
                <span className="me__label">{t.push.title}</span>
                <span>{on === true ? t.push.on : t.push.off}</span>
                <button type="button" className="button" onClick={() => void change()}>
                    {on === true ? t.push.turnOff : t.push.turnOn}
                </button>
            </p>
            {problem !== undefined && (
                <p className="notice notice--warning" role="alert">
                    {problem}
                </p>
            )}
            <SelfTest />
        </div>
    );
}
