import { useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { SignInError } from "./sign-in-error.ts";
import { signIn } from "./session.ts";
import { isShared, setShared } from "./shared.ts";
import { useSession } from "./store.ts";

/** The way to the sign-in page of the server; encryption is set up behind it. */
export function SignIn(): JSX.Element {
    const notice = useSession((session) => session.notice);
    const failure = useSession((session) => session.failure);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const [shared, setChecked] = useState(isShared);
    const shown = problem ?? failure;

    const start = async (): Promise<void> => {
        if (busy) return;
        setBusy(true);
        setProblem(undefined);
        try {
            await signIn();
        } catch (error) {
            setProblem(error instanceof SignInError ? error.message : t.signIn.failed);
            setBusy(false);
        }
    };

    return (
        <main className="sign-in">
            <div className="sign-in__card">
                <img className="sign-in__logo" src="/icon.svg" alt="" width="56" height="56" />
                <h1>{t.signIn.title}</h1>
                <p className="sign-in__lead">{t.signIn.lead}</p>
                {notice !== undefined && shown === undefined && (
                    <p className="notice" role="status">
                        {notice}
                    </p>
                )}
                {shown !== undefined && (
                    <div className="notice notice--error" role="alert">
                        <strong>{t.signIn.problem}</strong>
                        <p>{shown}</p>
                    </div>
                )}
                <label className="choice">
                    <input
                        type="checkbox"
                        checked={shared}
                        onChange={(event) => {
                            setShared(event.target.checked);
                            setChecked(event.target.checked);
                            // What is kept so far lies under a key of its own: the page begins anew.
                            location.reload();
                        }}
                    />
                    <span>
                        {t.lock.shared}
                        <span className="muted sign-in__hint">{t.lock.sharedHint}</span>
                    </span>
                </label>
                <button
                    type="button"
                    className="button button--primary"
                    aria-disabled={busy}
                    onClick={() => void start()}
                >
                    {busy ? t.signIn.busy : t.signIn.submit}
                </button>
            </div>
        </main>
    );
}
