import { useEffect, useId, useState, type FormEvent, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { useNow } from "../ui/parts.tsx";
import { eraseIfAsked, tryPin, tryPlatform } from "./session.ts";
import { useSession } from "./store.ts";

/** Before a locked session: nothing of it is in memory, and only the PIN opens it. */
export function LockScreen(): JSX.Element {
    const lock = useSession((session) => session.lock);
    const [pin, setPin] = useState("");
    const [busy, setBusy] = useState(false);
    const [wrong, setWrong] = useState(false);
    const now = useNow();
    const id = useId();
    const wait = Math.ceil(((lock?.notBefore ?? 0) - now) / 1000);
    const [notSeen, setNotSeen] = useState(false);
    useErasure();
    const byPlatform = async (): Promise<void> => {
        if (busy) return;
        setBusy(true);
        setNotSeen(false);
        setNotSeen(!(await tryPlatform().catch(() => false)));
        setBusy(false);
    };
    const submit = async (): Promise<void> => {
        if (busy || wait > 0 || pin === "") return;
        setBusy(true);
        setWrong(false);
        await tryPin(pin);
        setPin("");
        setWrong(true);
        setBusy(false);
    };
    return (
        <main className="sign-in">
            <form
                className="sign-in__card"
                onSubmit={(event: FormEvent) => {
                    event.preventDefault();
                    void submit();
                }}
            >
                <img className="sign-in__logo" src="/icon.svg" alt="" width="56" height="56" />
                <h1>{t.lock.title}</h1>
                <p className="sign-in__lead">{t.lock.lead}</p>
                {wrong && !busy && (
                    <p className="notice notice--error" role="alert">
                        {t.lock.wrong(lock?.left ?? 0)}
                    </p>
                )}
                {notSeen && (
                    <p className="notice notice--warning" role="alert">
                        {t.lock.notSeen}
                    </p>
                )}
                {lock?.platform === true && (
                    <button
                        type="button"
                        className="button button--primary"
                        aria-disabled={busy}
                        onClick={() => void byPlatform()}
                    >
                        {t.lock.byDevice}
                    </button>
                )}
                <label htmlFor={id}>{t.lock.pin}</label>
                <input
                    id={id}
                    type="password"
                    inputMode="numeric"
                    autoComplete="off"
                    autoFocus={lock?.platform !== true}
                    value={pin}
                    onChange={(event) => setPin(event.target.value)}
                />
                <button type="submit" className="button button--primary" aria-disabled={busy || wait > 0}>
                    {wait > 0 ? t.lock.wait(wait) : busy ? t.lock.opening : t.lock.open}
                </button>
            </form>
        </main>
    );
}

/** How often a locked device asks whether it was signed out from elsewhere. */
const ASK_EVERY_MS = 60_000;

/** A device that was signed out from elsewhere erases itself, though it is locked. */
function useErasure(): void {
    useEffect(() => {
        const ask = (): void => void eraseIfAsked();
        ask();
        const timer = setInterval(ask, ASK_EVERY_MS);
        window.addEventListener("online", ask);
        document.addEventListener("visibilitychange", ask);
        return () => {
            clearInterval(timer);
            window.removeEventListener("online", ask);
            document.removeEventListener("visibilitychange", ask);
        };
    }, []);
}
