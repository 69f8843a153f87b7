import { useState, type JSX } from "react";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { SelfTest } from "../push/SelfTest.tsx";
import { useSubscription } from "../push/use-subscription.ts";
import { useMe } from "../requests/use-request.ts";
import { isCurrent } from "./model.ts";
import { useStanding } from "./use-duty.ts";

/** Asks whoever holds a role to test their device once a shift, and tells their team. It can be put off. */
export function ShiftCheck(): JSX.Element | null {
    const me = useMe();
    const { data: roles } = useOnCall();
    const standing = useStanding(me);
    const [later, setLater] = useState(false);
    // What does not work stays on the screen until it is put off.
    const [bad, setBad] = useState(false);
    const role = roles?.find(({ holder }) => holder?.id === me);
    const due = standing !== undefined && !isCurrent(standing.check, Date.now());
    if (!role || later || !(due || bad)) return null;
    return (
        <aside className="shift-check" aria-label={t.duty.shiftTitle}>
            <p>
                <strong>{t.duty.shiftTitle}</strong> {t.duty.shift(role.name)}
            </p>
            <TurnOn />
            <SelfTest onDone={(checks) => setBad(checks.some(({ ok }) => !ok))} />
            <button type="button" className="button button--quiet" onClick={() => setLater(true)}>
                {t.recovery.later}
            </button>
        </aside>
    );
}

/** The button that turns on notifications, where they are off: the browser asks for permission only when it is pressed. */
function TurnOn(): JSX.Element | null {
    const { on, problem, change } = useSubscription();
    if (on !== false) return null;
    return (
        <>
            <button type="button" className="button button--primary" onClick={change}>
                {t.push.turnOn}
            </button>
            {problem !== undefined && (
                <p className="field-error" role="alert">
                    {problem}
                </p>
            )}
        </>
    );
}
