import { useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { dateTime } from "../i18n/time.ts";
import { StepUpNeeded } from "../matrix/key-service.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { proveAgain } from "./session.ts";
import { useDevices, useSignOut, type DeviceSession } from "./devices.ts";

/** Where the person is signed in, and signing out from there. */
export function DevicesDialog({ onClose }: { onClose: () => void }): JSX.Element {
    const { data, isError } = useDevices();
    const signOut = useSignOut();
    const [failed, setFailed] = useState<"no" | "failed" | "step-up">("no");
    const end = (deviceId?: string): void => {
        setFailed("no");
        signOut(deviceId).catch((error: unknown) =>
            setFailed(error instanceof StepUpNeeded ? "step-up" : "failed"),
        );
    };
    const sessions = (data?.sessions ?? []).toSorted((a, b) => Number(b.this) - Number(a.this));
    return (
        <Dialog title={t.devices.title} onClose={onClose}>
            <div className="devices">
                {(isError || failed === "failed") && (
                    <p className="notice notice--error" role="alert">
                        {t.devices.failed}
                    </p>
                )}
                {failed === "step-up" && (
                    <div className="notice notice--warning" role="alert">
                        <p>{t.devices.stepUp}</p>
                        <button type="button" className="button" onClick={() => void proveAgain()}>
                            {t.devices.prove}
                        </button>
                    </div>
                )}
                {!data && !isError && <p role="status">{t.devices.loading}</p>}
                <ul className="devices__list">
                    {sessions.map((session) => (
                        <Device
                            key={session.device_id}
                            session={session}
                            onEnd={() => end(session.device_id)}
                        />
                    ))}
                </ul>
                {sessions.length > 1 && (
                    <button type="button" className="button button--danger" onClick={() => end()}>
                        {t.devices.endOthers}
                    </button>
                )}
                {data !== undefined && data.erasures.length > 0 && (
                    <>
                        <h3>{t.devices.gone}</h3>
                        <ul className="devices__list">
                            {data.erasures.map((erasure) => (
                                <li key={`${erasure.device_id} ${erasure.asked_ts}`}>
                                    <strong>{erasure.display_name ?? erasure.device_id}</strong>
                                    <span className="muted">
                                        {erasure.confirmed_ts === null
                                            ? t.devices.notErased(dateTime(erasure.asked_ts))
                                            : t.devices.erased(dateTime(erasure.confirmed_ts))}
                                    </span>
                                </li>
                            ))}
                        </ul>
                    </>
                )}
                <p>
                    <a href={`/account?ui_locales=${t.locale}`} target="_blank" rel="noopener">
                        {t.devices.account}
                    </a>
                </p>
            </div>
        </Dialog>
    );
}

function Device({ session, onEnd }: { session: DeviceSession; onEnd: () => void }): JSX.Element {
    const name = session.display_name ?? session.client?.name ?? session.device_id;
    return (
        <li>
            <strong>{name}</strong>
            <span className="muted">
                {session.this
                    ? t.devices.here
                    : t.devices.lastSeen(dateTime(session.last_seen_ts), session.last_seen_ip)}
            </span>
            {!session.this && (
                <button type="button" className="button" aria-label={t.devices.endOne(name)} onClick={onEnd}>
                    {t.devices.end}
                </button>
            )}
        </li>
    );
}
