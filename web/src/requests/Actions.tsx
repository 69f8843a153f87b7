import { useState, type JSX } from "react";
import type { ParameterValue } from "../fhir/client.ts";
import { t } from "../i18n/index.ts";
import { CancelForm, PassOnForm, WordsForm } from "./ActionForms.tsx";
import { actionsFor, furtherActions, isUnanswered, type Action, type Party, type Request } from "./model.ts";
import { useMe, useRequestAction } from "./use-request.ts";

interface ActionsProps {
    request: Request;
    /** Actions not to offer here. */
    without?: Action[];
    /** After an action has been saved. */
    onDone?: (action: Action) => void;
    /** Somebody else was quicker. */
    onTaken?: (by: Party) => void;
}

/** These ask something first. */
const withForm = new Set<Action>(["decline", "cancel", "comment", "reassign", "delegate"]);

function label(action: Action, request: Request, me?: string): string {
    if (action === "accept" && me !== undefined && request.delegatedById === me) return t.requests.takeBack;
    if (action === "decline" && request.call) return t.alarms.state.cannot;
    if (action === "decline" && !isUnanswered(request)) return t.requests.handBack;
    return t.requests.actionName[action];
}

/** The buttons that answer a request, and what else can be done with it; some ask something first. */
export function Actions({ request, without = [], onDone, onTaken }: ActionsProps): JSX.Element | null {
    const me = useMe();
    const { act, busy, problem } = useRequestAction(request, onTaken);
    const [form, setForm] = useState<Action>();
    const [more, setMore] = useState(false);
    const offered = (action: Action): boolean => !without.includes(action);
    const actions = actionsFor(request, me).filter(offered);
    const further = furtherActions(request, me).filter(offered);
    const run = async (action: Action, parameters?: Record<string, ParameterValue>): Promise<void> => {
        if (await act(action, parameters)) {
            setForm(undefined);
            setMore(false);
            onDone?.(action);
        }
    };
    const choose = (action: Action): void => {
        // Whoever is called to an emergency says so with one touch.
        const atOnce = action === "decline" && request.call !== undefined;
        if (withForm.has(action) && !atOnce) setForm(action);
        else void run(action);
    };
    const all = [...actions, ...further];
    if (all.length === 0 && problem === undefined) return null;
    // What can be done may change under one's hands: an open form stays only while it can be sent.
    const open = form !== undefined && all.includes(form) ? form : undefined;
    const button = (action: Action, primary: boolean): JSX.Element => (
        <button
            key={action}
            type="button"
            className={primary ? "button button--primary" : "button"}
            aria-disabled={busy}
            onClick={() => choose(action)}
        >
            {label(action, request, me)}
        </button>
    );
    return (
        <div className="actions">
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            {open === undefined ? (
                <>
                    <div className="actions__row">
                        {actions.map((action, index) => button(action, index === 0 && action !== "cancel"))}
                        {further.length > 0 && (
                            <button
                                type="button"
                                className="button button--quiet"
                                aria-expanded={more}
                                onClick={() => setMore(!more)}
                            >
                                {t.requests.more}
                            </button>
                        )}
                    </div>
                    {more && (
                        <div className="actions__row">{further.map((action) => button(action, false))}</div>
                    )}
                </>
            ) : (
                <Form
                    action={open}
                    request={request}
                    busy={busy}
                    onCancel={() => setForm(undefined)}
                    onSend={(parameters) => void run(open, parameters)}
                />
            )}
        </div>
    );
}

interface FormChoice {
    action: Action;
    request: Request;
    busy: boolean;
    onCancel: () => void;
    onSend: (parameters?: Record<string, ParameterValue>) => void;
}

function Form({ action, request, onSend, ...rest }: FormChoice): JSX.Element {
    if (action === "reassign" || action === "delegate")
        return <PassOnForm {...rest} action={action} onSend={onSend} />;
    if (action === "cancel") return <CancelForm {...rest} onSend={() => onSend()} />;
    if (action === "comment") {
        return (
            <WordsForm
                {...rest}
                label={t.requests.commentLabel}
                hint={t.requests.commentHint}
                missing={t.requests.commentMissing}
                send={t.requests.commentSend}
                onSend={(text) => onSend({ text })}
            />
        );
    }
    return (
        <WordsForm
            {...rest}
            label={t.requests.declineReason}
            hint={t.requests.declineHint}
            missing={t.requests.declineNeedsReason}
            suggestions={t.requests.declineSuggestions}
            send={label("decline", request)}
            onSend={(reason) => onSend({ reason })}
        />
    );
}
