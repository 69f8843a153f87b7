import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { SelfTest } from "./SelfTest.tsx";
import { useSubscription } from "./use-subscription.ts";

/** Notifications of this device: on or off, and a test of all that has to work before a shift. */
export function Notifications(): JSX.Element {
    const { on, problem, change } = useSubscription();
    return (
        <div className="notifications">
            <p>
                <span className="me__label">{t.push.title}</span>
                <span>{on === true ? t.push.on : t.push.off}</span>
                <button type="button" className="button" onClick={change}>
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
