import { useEffect, useId, useState, type FormEvent, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { pinProblem } from "../matrix/pin.ts";
import { platformLockUnder, platformOffered } from "../matrix/platform-lock.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { usePolicy } from "./policy.ts";
import { lockNow, setPin } from "./session.ts";
import { isShared } from "./shared.ts";
import { useSession } from "./store.ts";

/** The app lock: setting a PIN, changing it, taking it away, locking now. */
export function LockSetting(): JSX.Element | null {
    const pin = useSession((session) => session.pin === true);
    const { lock, lock_attempts: most } = usePolicy();
    const [setting, setSetting] = useState(false);
    if (lock === "off" || isShared()) return null;
    return (
        <div>
            <p>
                <span className="me__label">{t.lock.setting}</span>
                <span>{pin ? t.lock.on : t.lock.off}</span>
            </p>
            <div className="actions__row">
                <button type="button" className="button" onClick={() => setSetting(true)}>
                    {pin ? t.lock.change : t.lock.set}
                </button>
                {pin && (
                    <button type="button" className="button" onClick={() => void lockNow()}>
                        {t.lock.now}
                    </button>
                )}
                {pin && lock !== "required" && (
                    <button type="button" className="button" onClick={() => void setPin(undefined, most)}>
                        {t.lock.remove}
                    </button>
                )}
            </div>
            {pin && <PlatformSetting />}
            {setting && (
                <Dialog title={t.lock.setTitle} onClose={() => setSetting(false)}>
                    <PinForm onDone={() => setSetting(false)} />
                </Dialog>
            )}
        </div>
    );
}

/** Whether the device's own unlocking opens the app too; where the device has one. */
function PlatformSetting(): JSX.Element | null {
    const vault = useSession((session) => session.vault);
    const [offered, setOffered] = useState(false);
    const [on, setOn] = useState<boolean>();
    const [asking, setAsking] = useState(false);
    useEffect(() => {
        let current = true;
        void platformOffered().then((found) => current && setOffered(found));
        void vault?.opensByPlatform().then((found) => current && setOn(found));
        return () => {
            current = false;
        };
    }, [vault]);
    if (!offered || on === undefined) return null;
    const forbid = async (): Promise<void> => {
        await vault?.forbidPlatform();
        setOn(false);
    };
    return (
        <div className="actions__row">
            <button type="button" className="button" onClick={() => (on ? void forbid() : setAsking(true))}>
                {on ? t.lock.forbidDevice : t.lock.allowDevice}
            </button>
            {asking && (
                <Dialog title={t.lock.allowDevice} onClose={() => setAsking(false)}>
                    <PlatformForm
                        onDone={() => {
                            setAsking(false);
                            setOn(true);
                        }}
                    />
                </Dialog>
            )}
        </div>
    );
}

/** The PIN, and then the person shows themselves to the device. */
function PlatformForm({ onDone }: { onDone: () => void }): JSX.Element {
    const vault = useSession((session) => session.vault);
    const [pin, setPinText] = useState("");
    const [problem, setProblem] = useState<string>();
    const [busy, setBusy] = useState(false);
    const id = useId();
    const allow = async (): Promise<void> => {
        if (busy || !vault) return;
        setBusy(true);
        setProblem(undefined);
        try {
            const right = await vault.allowPlatform(pin, Date.now(), (key) =>
                platformLockUnder(key, t.app.name),
            );
            if (right) onDone();
            else setProblem(t.lock.wrongHere);
        } catch {
            setProblem(t.lock.deviceFailed);
        }
        setBusy(false);
    };
    return (
        <form
            className="info"
            onSubmit={(event: FormEvent) => {
                event.preventDefault();
                void allow();
            }}
        >
            <p className="muted">{t.lock.deviceHint}</p>
            {problem !== undefined && (
                <p className="field-error" role="alert">
                    {problem}
                </p>
            )}
            <label htmlFor={id}>{t.lock.pin}</label>
            <input
                id={id}
                type="password"
                inputMode="numeric"
                autoComplete="off"
                value={pin}
                onChange={(event) => setPinText(event.target.value)}
            />
            <button type="submit" className="button button--primary" aria-disabled={busy}>
                {t.lock.allow}
            </button>
        </form>
    );
}

/** Where the hospital requires a PIN, nobody goes on without one. */
export function LockRequired(): JSX.Element | null {
    const pin = useSession((session) => session.pin === true);
    const { lock } = usePolicy();
    if (lock !== "required" || pin || isShared()) return null;
    return (
        <Dialog title={t.lock.setTitle} onClose={() => undefined}>
            <p>{t.lock.required}</p>
            <PinForm onDone={() => undefined} />
        </Dialog>
    );
}

function PinForm({ onDone }: { onDone: () => void }): JSX.Element {
    const { lock_attempts: most } = usePolicy();
    const [first, setFirst] = useState("");
    const [second, setSecond] = useState("");
    const [problem, setProblem] = useState<string>();
    const [busy, setBusy] = useState(false);
    const id = useId();
    const save = async (): Promise<void> => {
        const found = pinProblem(first);
        if (found || first !== second) {
            setProblem(found ? t.lock.problems[found] : t.lock.different);
            return;
        }
        setBusy(true);
        try {
            await setPin(first, most);
            onDone();
        } catch {
            setProblem(t.lock.failed);
        }
        setBusy(false);
    };
    const field = (
        name: string,
        label: string,
        value: string,
        change: (text: string) => void,
    ): JSX.Element => (
        <>
            <label htmlFor={`${id}-${name}`}>{label}</label>
            <input
                id={`${id}-${name}`}
                type="password"
                inputMode="numeric"
                autoComplete="new-password"
                value={value}
                onChange={(event) => change(event.target.value)}
            />
        </>
    );
    return (
        <form
            className="info"
            onSubmit={(event: FormEvent) => {
                event.preventDefault();
                if (!busy) void save();
            }}
        >
            <p className="muted">{t.lock.hint(most)}</p>
            {problem !== undefined && (
                <p className="field-error" role="alert">
                    {problem}
                </p>
            )}
            {field("first", t.lock.newPin, first, setFirst)}
            {field("second", t.lock.again, second, setSecond)}
            <button type="submit" className="button button--primary" aria-disabled={busy}>
                {t.lock.save}
            </button>
        </form>
    );
}
