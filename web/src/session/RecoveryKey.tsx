import { useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { useOwner, type Wanted } from "./owner.ts";

/** Shows a person the recovery key that they are to keep, or asks them for it. */
export function RecoveryKey(): JSX.Element | null {
    const wanted = useOwner((state) => state.wanted);
    if (!wanted) return null;
    return wanted.kind === "show" ? <Show wanted={wanted} /> : <Ask wanted={wanted} />;
}

function Show({ wanted }: { wanted: Extract<Wanted, { kind: "show" }> }): JSX.Element {
    const [kept, setKept] = useState(false);
    const [copied, setCopied] = useState(false);
    const copy = async (): Promise<void> => {
        await navigator.clipboard.writeText(wanted.key);
        setCopied(true);
    };
    return (
        <Dialog title={t.recovery.title} onClose={() => undefined} closable={false}>
            <div className="recovery">
                <p>{t.recovery.why}</p>
                <p className="recovery-key">{wanted.key}</p>
                <p>
                    <button
                        type="button"
                        className="button"
                        onClick={() => void copy().catch(() => undefined)}
                    >
                        {copied ? t.recovery.copied : t.recovery.copy}
                    </button>
                </p>
                <label className="choice">
                    <input
                        type="checkbox"
                        checked={kept}
                        onChange={(event) => setKept(event.target.checked)}
                    />
                    {t.recovery.kept}
                </label>
                <button
                    type="button"
                    className="button button--primary"
                    disabled={!kept}
                    onClick={wanted.done}
                >
                    {t.recovery.goOn}
                </button>
            </div>
        </Dialog>
    );
}

function Ask({ wanted }: { wanted: Extract<Wanted, { kind: "ask" }> }): JSX.Element {
    const [text, setText] = useState("");
    const [wrong, setWrong] = useState(false);
    const give = async (): Promise<void> => setWrong(!(await wanted.give(text).catch(() => false)));
    return (
        <Dialog title={t.recovery.askTitle} onClose={wanted.later}>
            <form
                className="recovery"
                onSubmit={(event) => {
                    event.preventDefault();
                    void give();
                }}
            >
                <p>{t.recovery.ask}</p>
                <label className="field">
                    {t.recovery.label}
                    <input
                        type="text"
                        autoComplete="off"
                        autoCapitalize="none"
                        spellCheck={false}
                        value={text}
                        aria-invalid={wrong}
                        aria-describedby={wrong ? "recovery-wrong" : undefined}
                        onChange={(event) => {
                            setText(event.target.value);
                            setWrong(false);
                        }}
                    />
                </label>
                {wrong && (
                    <p id="recovery-wrong" className="notice notice--error" role="alert">
                        {t.recovery.wrong}
                    </p>
                )}
                <div className="actions__row">
                    <button type="submit" className="button button--primary">
                        {t.recovery.use}
                    </button>
                    <button type="button" className="button button--quiet" onClick={wanted.later}>
                        {t.recovery.later}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
