import { useId, useState, type FormEvent, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { actionsFor, isUnanswered, type Action, type Request } from "./model.ts";
import { useMe, useRequestAction } from "./use-request.ts";

interface ActionsProps {
    request: Request;
    /** Actions not to offer here. */
    without?: Action[];
    /** After an action has been saved. */
    onDone?: (action: Action) => void;
}

function label(action: Action, request: Request): string {
    if (action === "decline" && !isUnanswered(request)) return t.requests.handBack;
    return t.requests.actionName[action];
}

/** The buttons that answer a request; declining asks for a reason first. */
export function Actions({ request, without = [], onDone }: ActionsProps): JSX.Element | null {
    const me = useMe();
    const { act, busy, problem } = useRequestAction(request);
    const [declining, setDeclining] = useState(false);
    const actions = actionsFor(request, me).filter((action) => !without.includes(action));
    const run = async (action: Action, reason?: string): Promise<void> => {
        if (await act(action, reason)) {
            setDeclining(false);
            onDone?.(action);
        }
    };
    if (actions.length === 0 && problem === undefined) return null;
    return (
        <div className="actions">
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            {declining ? (
                <DeclineForm
                    busy={busy}
                    onCancel={() => setDeclining(false)}
                    onDecline={(reason) => void run("decline", reason)}
                />
            ) : (
                <div className="actions__row">
                    {actions.map((action, index) => (
                        <button
                            key={action}
                            type="button"
                            className={
                                index === 0 && action !== "cancel" ? "button button--primary" : "button"
                            }
                            aria-disabled={busy}
                            onClick={() => {
                                if (action === "decline") setDeclining(true);
                                else void run(action);
                            }}
                        >
                            {label(action, request)}
                        </button>
                    ))}
                </div>
            )}
        </div>
    );
}

function DeclineForm(props: {
    busy: boolean;
    onCancel: () => void;
    onDecline: (reason: string) => void;
}): JSX.Element {
    const [reason, setReason] = useState("");
    const [missing, setMissing] = useState(false);
    const id = useId();
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        setMissing(!reason.trim());
        if (reason.trim() && !props.busy) props.onDecline(reason.trim());
    };
    return (
        <form className="decline" onSubmit={submit}>
            <label htmlFor={id}>{t.requests.declineReason}</label>
            <p id={`${id}-hint`} className="muted">
                {t.requests.declineHint}
            </p>
            {missing && (
                <p id={`${id}-missing`} className="field-error" role="alert">
                    {t.requests.declineNeedsReason}
                </p>
            )}
            <input
                id={id}
                value={reason}
                autoFocus
                maxLength={200}
                aria-invalid={missing}
                aria-describedby={missing ? `${id}-missing ${id}-hint` : `${id}-hint`}
                onChange={(event) => setReason(event.target.value)}
            />
            <div className="chips">
                {t.requests.declineSuggestions.map((words) => (
                    <button key={words} type="button" className="chip" onClick={() => setReason(words)}>
                        {words}
                    </button>
                ))}
            </div>
            <div className="actions__row">
                <button type="submit" className="button button--primary" aria-disabled={props.busy}>
                    {t.requests.declineSend}
                </button>
                <button type="button" className="button" onClick={props.onCancel}>
                    {t.app.back}
                </button>
            </div>
        </form>
    );
}
