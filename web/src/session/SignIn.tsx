import { useId, useRef, useState, type FormEvent, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { signIn } from "./session.ts";
import { SignInError } from "./sign-in.ts";
import { useSession } from "./store.ts";

interface Problem {
    words: string;
    field?: "user" | "password" | undefined;
}

function fieldProblem(user: string, password: string): Problem | undefined {
    if (!user.trim()) return { words: t.signIn.needUser, field: "user" };
    if (!password) return { words: t.signIn.needPassword, field: "password" };
    return undefined;
}

/** Sign-in with user name and password; encryption is set up behind it. */
export function SignIn(): JSX.Element {
    const notice = useSession((session) => session.notice);
    const [user, setUser] = useState("");
    const [password, setPassword] = useState("");
    const [shown, setShown] = useState(false);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<Problem>();
    const ids = { user: useId(), password: useId(), problem: useId() };
    const form = useRef<HTMLFormElement>(null);

    const submit = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (busy) return;
        const missing = fieldProblem(user, password);
        setProblem(missing);
        if (missing?.field) {
            form.current?.querySelector<HTMLInputElement>(`[name=${missing.field}]`)?.focus();
            return;
        }
        setBusy(true);
        try {
            await signIn(user, password);
        } catch (error) {
            setProblem({ words: error instanceof SignInError ? error.message : t.signIn.failed });
        } finally {
            setBusy(false);
        }
    };

    const describe = (field: Problem["field"]): string | undefined =>
        problem && (problem.field === field || problem.field === undefined) ? ids.problem : undefined;

    return (
        <main className="sign-in">
            <form ref={form} className="sign-in__card" noValidate onSubmit={(event) => void submit(event)}>
                <img className="sign-in__logo" src="/icon.svg" alt="" width="56" height="56" />
                <h1>{t.signIn.title}</h1>
                <p className="sign-in__lead">{t.signIn.lead}</p>
                {notice !== undefined && !problem && (
                    <p className="notice" role="status">
                        {notice}
                    </p>
                )}
                {problem && (
                    <div id={ids.problem} className="notice notice--error" role="alert">
                        <strong>{t.signIn.problem}</strong>
                        <p>{problem.words}</p>
                    </div>
                )}
                <label htmlFor={ids.user}>{t.signIn.user}</label>
                <input
                    id={ids.user}
                    name="user"
                    autoComplete="username"
                    autoCapitalize="none"
                    autoCorrect="off"
                    spellCheck={false}
                    value={user}
                    aria-invalid={problem?.field === "user"}
                    aria-describedby={describe("user")}
                    onChange={(event) => setUser(event.target.value)}
                />
                <label htmlFor={ids.password}>{t.signIn.password}</label>
                <div className="sign-in__password">
                    <input
                        id={ids.password}
                        name="password"
                        type={shown ? "text" : "password"}
                        autoComplete="current-password"
                        value={password}
                        aria-invalid={problem?.field === "password"}
                        aria-describedby={describe("password")}
                        onChange={(event) => setPassword(event.target.value)}
                    />
                    <button
                        type="button"
                        className="button button--quiet"
                        aria-label={shown ? t.signIn.hide : t.signIn.show}
                        aria-pressed={shown}
                        onClick={() => setShown(!shown)}
                    >
                        {shown ? t.signIn.hideShort : t.signIn.showShort}
                    </button>
                </div>
                <button type="submit" className="button button--primary" aria-disabled={busy}>
                    {busy ? t.signIn.busy : t.signIn.submit}
                </button>
            </form>
        </main>
    );
}
