import { useState, type JSX } from "react";
import { DutySetting } from "../duty/DutySetting.tsx";
import { useStaff } from "../fhir/queries.ts";
import { useHelp } from "../help/use-shortcuts.ts";
import { LanguageChoice } from "../i18n/LanguageChoice.tsx";
import { t } from "../i18n/index.ts";
import { useOutbox } from "../matrix/outbox.ts";
import { localpart } from "../matrix/rooms.ts";
import { Notifications } from "../push/Notifications.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { Avatar } from "../ui/parts.tsx";
import { Appearance } from "./Appearance.tsx";
import { LockSetting } from "./LockSetting.tsx";
import { DevicesDialog } from "./DevicesDialog.tsx";
import { useRole } from "./role.ts";
import { proveAgain, signOut } from "./session.ts";
import { useClient, useSession } from "./store.ts";

/** Who am I, how it looks, sign out. */
export function MeMenu(): JSX.Element {
    const userId = useClient().getSafeUserId();
    const { data: staff } = useStaff();
    const [open, setOpen] = useState(false);
    const [devices, setDevices] = useState(false);
    const me = staff?.get(localpart(userId));
    const name = me?.name ?? localpart(userId);
    const role = useRole();
    return (
        <>
            {role && <span className="me-role">{role.name}</span>}
            <button
                type="button"
                className="me-button"
                aria-label={t.me.open(name)}
                onClick={() => setOpen(true)}
            >
                <Avatar name={name} />
            </button>
            {open && (
                <Dialog title={t.me.title} onClose={() => setOpen(false)}>
                    <div className="me">
                        <p>
                            <span className="me__label">{t.me.signedInAs}</span>
                            <strong>{name}</strong>
                            {me?.job && <span>{me.job}</span>}
                            <span className="muted">{localpart(userId)}</span>
                        </p>
                        {role && (
                            <p>
                                <span className="me__label">{t.me.role}</span>
                                <strong>{t.me.roleAt(role.name, role.ods)}</strong>
                                <button type="button" className="button" onClick={() => void proveAgain()}>
                                    {t.me.changeRole}
                                </button>
                                <span className="muted">{t.me.fetchHint}</span>
                            </p>
                        )}
                        {me && <DutySetting />}
                        <Notifications />
                        <Appearance />
                        <LanguageChoice />
                        <Messages />
                        <LockSetting />
                        <p>
                            <button type="button" className="button" onClick={() => setDevices(true)}>
                                {t.me.devices}
                            </button>
                            <a
                                href={`/account?action=org.wardline.security&ui_locales=${t.locale}`}
                                target="_blank"
                                rel="noopener"
                            >
                                {t.me.account}
                            </a>
                        </p>
                        <button
                            type="button"
                            className="button"
                            onClick={() => useHelp.setState({ open: true })}
                        >
                            {t.help.title}
                        </button>
                        <Leave />
                    </div>
                </Dialog>
            )}
            {devices && <DevicesDialog onClose={() => setDevices(false)} />}
        </>
    );
}

function Messages(): JSX.Element {
    const history = useSession((session) => session.history);
    const again = useSession((session) => session.setUpAgain);
    return (
        <p>
            <span className="me__label">{t.me.encryption}</span>
            <span>{t.me.history[history]}</span>
            {history === "unreadable" && again && (
                <button type="button" className="button" onClick={again}>
                    {t.recovery.enter}
                </button>
            )}
            {history === "unreadable" && !again && (
                <>
                    <button type="button" className="button" onClick={() => void proveAgain()}>
                        {t.me.fetchHistory}
                    </button>
                    <span className="muted">{t.me.fetchHint}</span>
                </>
            )}
        </p>
    );
}

function Leave(): JSX.Element {
    const unsent = useOutbox((outbox) => outbox.items.filter((item) => item.state !== "sent").length);
    const [asked, setAsked] = useState(false);
    if (asked && unsent > 0) {
        return (
            <div className="notice notice--warning" role="alert">
                <strong>{t.me.unsentTitle}</strong>
                <p>{t.me.unsent(unsent)}</p>
                <button type="button" className="button button--danger" onClick={() => void signOut()}>
                    {t.me.signOutAnyway}
                </button>
            </div>
        );
    }
    return (
        <div>
            <button
                type="button"
                className="button"
                onClick={() => {
                    if (unsent > 0) setAsked(true);
                    else void signOut();
                }}
            >
                {t.me.signOut}
            </button>
            <p className="muted">{t.me.signOutHint}</p>
        </div>
    );
}
