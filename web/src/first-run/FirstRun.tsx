import { ClientEvent } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { useLocation } from "wouter";
import { create } from "zustand";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { localpart } from "../matrix/rooms.ts";
import { Notifications } from "../push/Notifications.tsx";
import { useRole } from "../session/role.ts";
import { signOut } from "../session/session.ts";
import { useClient, useSession } from "../session/store.ts";

/** In the account's data: this person has been shown how to begin. */
const TYPE = "org.wardline.first_run";

/** Ended on this page: the account's data says so a moment later. */
const useEnded = create<{ ended: boolean }>(() => ({ ended: false }));

/** Whether this person has never been shown how to begin, on any device. */
export function useIsFirstRun(): boolean {
    const client = useClient();
    const heard = useSession((session) => session.heard === true);
    const [done, setDone] = useState(() => client.store.getAccountData(TYPE) !== undefined);
    useEffect(() => {
        const listener = (event: { getType: () => string }): void => {
            if (event.getType() === TYPE) setDone(true);
        };
        client.on(ClientEvent.AccountData, listener);
        return () => void client.off(ClientEvent.AccountData, listener);
    }, [client]);
    const ended = useEnded((state) => state.ended);
    return heard && !done && !ended;
}

const steps = ["who", "device", "begin"] as const;

/**
 * The first minute: who one is, whether the device works, where to begin. It stands beside the lists and covers nothing: who is
 * needed at once can write at once.
 */
export function FirstRun(): JSX.Element | null {
    const first = useIsFirstRun();
    const [at, setAt] = useState(0);
    const authorised = useSession((session) => session.authorised);
    const client = useClient();
    const [, navigate] = useLocation();
    if (!first) return null;
    const step = steps[at] ?? "begin";
    const end = (to?: string): void => {
        useEnded.setState({ ended: true });
        if (to !== undefined) navigate(to);
        const user = encodeURIComponent(client.getSafeUserId());
        void authorised?.(`/_matrix/client/v3/user/${user}/account_data/${TYPE}`, {
            method: "PUT",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ done: true }),
        }).catch(() => undefined);
    };
    return (
        <aside className="first-run" aria-label={t.firstRun.title}>
            <p className="muted" aria-live="polite">
                {t.firstRun.step(at + 1, steps.length)}
            </p>
            {step === "who" && <Who onYes={() => setAt(1)} />}
            {step === "device" && (
                <>
                    <h2>{t.firstRun.device}</h2>
                    <p>{t.firstRun.deviceBody}</p>
                    <Notifications />
                    <button type="button" className="button button--primary" onClick={() => setAt(2)}>
                        {t.firstRun.next}
                    </button>
                </>
            )}
            {step === "begin" && (
                <>
                    <h2>{t.firstRun.begin}</h2>
                    <p>{t.firstRun.beginBody}</p>
                    <div className="actions__row">
                        <button
                            type="button"
                            className="button button--primary"
                            onClick={() => end("/patients")}
                        >
                            {t.firstRun.patients}
                        </button>
                        <button type="button" className="button" onClick={() => end("/chats")}>
                            {t.firstRun.chats}
                        </button>
                    </div>
                </>
            )}
            {step !== "begin" && (
                <button type="button" className="button button--quiet" onClick={() => end()}>
                    {t.firstRun.skip}
                </button>
            )}
        </aside>
    );
}

/** Name and role, to be confirmed: on a borrowed device it may be somebody else's account. */
function Who({ onYes }: { onYes: () => void }): JSX.Element {
    const userId = useClient().getSafeUserId();
    const { data: staff } = useStaff();
    const role = useRole();
    const me = staff?.get(localpart(userId));
    const name = me?.name ?? localpart(userId);
    return (
        <>
            <h2>{t.firstRun.welcome(name)}</h2>
            <p>{t.firstRun.who(name, role?.name ?? me?.job ?? "")}</p>
            <div className="actions__row">
                <button type="button" className="button button--primary" onClick={onYes}>
                    {t.firstRun.yes}
                </button>
                <button type="button" className="button" onClick={() => void signOut()}>
                    {t.firstRun.no}
                </button>
            </div>
        </>
    );
}
