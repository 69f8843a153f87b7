import { useId, useState, type FormEvent, type JSX } from "react";
import { PersonPicker } from "../directory/PersonPicker.tsx";
import type { ParameterValue } from "../fhir/client.ts";
import { t } from "../i18n/index.ts";
import type { StaffMember } from "../oncall/model.ts";

interface FormProps {
    busy: boolean;
    onCancel: () => void;
}

interface WordsProps extends FormProps {
    label: string;
    hint: string;
    /** Said when nothing was written. */
    missing: string;
    /** Words that are often said. */
    suggestions?: readonly string[];
    send: string;
    onSend: (words: string) => void;
}

/** Asks for some words: why somebody declines, or what they have to say. */
export function WordsForm(props: WordsProps): JSX.Element {
    const { label, hint, missing, suggestions = [], send, busy, onCancel, onSend } = props;
    const [words, setWords] = useState("");
    const [empty, setEmpty] = useState(false);
    const id = useId();
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        setEmpty(!words.trim());
        if (words.trim() && !busy) onSend(words.trim());
    };
    return (
        <form className="decline" onSubmit={submit}>
            <label htmlFor={id}>{label}</label>
            <p id={`${id}-hint`} className="muted">
                {hint}
            </p>
            {empty && (
                <p id={`${id}-missing`} className="field-error" role="alert">
                    {missing}
                </p>
            )}
            <input
                autoComplete="off"
                id={id}
                value={words}
                autoFocus
                maxLength={200}
                aria-invalid={empty}
                aria-describedby={empty ? `${id}-missing ${id}-hint` : `${id}-hint`}
                onChange={(event) => setWords(event.target.value)}
            />
            {suggestions.length > 0 && (
                <div className="chips">
                    {suggestions.map((one) => (
                        <button key={one} type="button" className="chip" onClick={() => setWords(one)}>
                            {one}
                        </button>
                    ))}
                </div>
            )}
            <div className="actions__row">
                <button type="submit" className="button button--primary" aria-disabled={busy}>
                    {send}
                </button>
                <button type="button" className="button" onClick={onCancel}>
                    {t.app.back}
                </button>
            </div>
        </form>
    );
}

interface PassOnProps extends FormProps {
    action: "reassign" | "delegate";
    onSend: (parameters: Record<string, ParameterValue>) => void;
}

/** Gives a request to a colleague: to answer for it from now on, or to do it for whoever goes on answering for it. */
export function PassOnForm({ action, busy, onCancel, onSend }: PassOnProps): JSX.Element {
    const [to, setTo] = useState<StaffMember>();
    const [missing, setMissing] = useState(false);
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        setMissing(!to);
        if (to && !busy) onSend({ to: { valueReference: { reference: `Practitioner/${to.id}` } } });
    };
    return (
        <form className="decline" onSubmit={submit}>
            <p className="muted">{t.requests.passOn[action]}</p>
            <PersonPicker
                label={t.requests.passOnTo}
                chosen={to}
                onChoose={setTo}
                problem={missing && !to ? t.requests.passOnMissing : undefined}
            />
            <div className="actions__row">
                <button type="submit" className="button button--primary" aria-disabled={busy}>
                    {t.requests.actionName[action]}
                </button>
                <button type="button" className="button" onClick={onCancel}>
                    {t.app.back}
                </button>
            </div>
        </form>
    );
}

/** Takes a request back, after one question. */
export function CancelForm({ busy, onCancel, onSend }: FormProps & { onSend: () => void }): JSX.Element {
    return (
        <form
            className="decline notice notice--warning"
            onSubmit={(event) => {
                event.preventDefault();
                if (!busy) onSend();
            }}
        >
            <p>{t.requests.cancelBody}</p>
            <div className="actions__row">
                <button type="submit" className="button button--danger" aria-disabled={busy} autoFocus>
                    {t.requests.cancelConfirm}
                </button>
                <button type="button" className="button" onClick={onCancel}>
                    {t.app.back}
                </button>
            </div>
        </form>
    );
}
