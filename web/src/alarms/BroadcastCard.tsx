import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type FormEvent, type JSX } from "react";
import { FhirError } from "../fhir/client.ts";
import { keys } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { ago } from "../i18n/time.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { useNow } from "../ui/parts.tsx";
import { wordsOf, type Call, type Reply } from "./model.ts";

const minuteChoices = [10, 20, 30, 45, 60, 90];

interface CardProps {
    call: Call;
    /** Only where it was answered before: a new one is left by an answer. */
    onClose?: (() => void) | undefined;
}

/** Covers the screen with a broadcast until it is answered. */
export function BroadcastCard({ call, onClose }: CardProps): JSX.Element {
    const dialog = useRef<HTMLDialogElement>(null);
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const titleId = useId();
    const now = useNow(15_000);
    const [asked, setAsked] = useState<Reply>();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();

    useEffect(() => {
        const element = dialog.current;
        element?.showModal();
        return () => element?.close();
    }, []);

    const isSeen = call.own?.seen !== undefined;
    useEffect(() => {
        const look = (): void => {
            if (isSeen || !fhir || document.visibilityState !== "visible") return;
            void fhir.operation("CommunicationRequest", call.id, "seen").catch(() => undefined);
        };
        look();
        document.addEventListener("visibilitychange", look);
        return () => document.removeEventListener("visibilitychange", look);
    }, [call.id, fhir, isSeen]);

    const answer = async (reply: Reply, minutes?: number): Promise<void> => {
        if (!fhir || busy) return;
        setBusy(true);
        setProblem(undefined);
        try {
            await fhir.operation("CommunicationRequest", call.id, "answer", {
                answer: { valueCode: reply.code },
                ...(minutes !== undefined && { minutes: { valueInteger: minutes } }),
            });
            await queries.invalidateQueries({ queryKey: keys.calls });
            onClose?.();
        } catch (error) {
            setProblem(
                error instanceof FhirError
                    ? t.requests.failed(refusalWords(error))
                    : t.requests.failedOffline,
            );
        } finally {
            setBusy(false);
        }
    };

    return (
        <dialog
            ref={dialog}
            role="alertdialog"
            className={call.drill ? "urgent urgent--drill" : "urgent"}
            aria-labelledby={titleId}
            onCancel={(event) => {
                event.preventDefault();
                onClose?.();
            }}
            onClose={(event) => {
                // Browsers close on a second Escape whatever the page says; only an answer closes this card.
                if (!event.currentTarget.open && !onClose) event.currentTarget.showModal();
            }}
        >
            <header className="urgent__head">
                <Icon name="urgent" size={32} />
                <h2 id={titleId}>{call.drill ? t.alarms.broadcastDrill : t.alarms.broadcast}</h2>
                {onClose && (
                    <button type="button" className="icon-button" aria-label={t.app.close} onClick={onClose}>
                        <Icon name="close" />
                    </button>
                )}
            </header>
            <div className="urgent__body" tabIndex={0} role="region" aria-labelledby={titleId}>
                {call.drill && <p className="drill-note">{t.alarms.drillNote}</p>}
                <h3 className="alarm-title">{call.title}</h3>
                {call.place !== undefined && <p className="alarm-place">{call.place}</p>}
                <p className="alarm-words">{call.words}</p>
                <p className="muted">
                    {t.requests.from} {call.callerName}, {ago(call.raisedAt, now)}
                </p>
            </div>
            <footer className="urgent__foot">
                {problem !== undefined && (
                    <p className="notice notice--error" role="alert">
                        {problem}
                    </p>
                )}
                {asked ? (
                    <Minutes
                        reply={asked}
                        busy={busy}
                        onAnswer={(minutes) => void answer(asked, minutes)}
                        onBack={() => setAsked(undefined)}
                    />
                ) : (
                    <div className="actions__row">
                        {call.replies.map((reply, index) => (
                            <button
                                key={reply.code}
                                type="button"
                                className={index === 0 ? "button button--primary" : "button"}
                                aria-disabled={busy}
                                onClick={() => {
                                    if (reply.minutes) setAsked(reply);
                                    else void answer(reply);
                                }}
                            >
                                {wordsOf(reply)}
                            </button>
                        ))}
                    </div>
                )}
            </footer>
        </dialog>
    );
}

function Minutes(props: {
    reply: Reply;
    busy: boolean;
    onAnswer: (minutes: number) => void;
    onBack: () => void;
}): JSX.Element {
    const [text, setText] = useState("");
    const [wrong, setWrong] = useState(false);
    const id = useId();
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        const minutes = Number(text);
        const good = Number.isInteger(minutes) && minutes >= 1 && minutes <= 1440;
        setWrong(!good);
        if (good) props.onAnswer(minutes);
    };
    return (
        <form className="decline" onSubmit={submit}>
            <label htmlFor={id}>{wordsOf(props.reply)}</label>
            {wrong && (
                <p id={`${id}-wrong`} className="field-error" role="alert">
                    {t.alarms.minutesWrong}
                </p>
            )}
            <div className="chips">
                {minuteChoices.map((minutes) => (
                    <button
                        key={minutes}
                        type="button"
                        className="chip"
                        onClick={() => props.onAnswer(minutes)}
                    >
                        {t.alarms.inMinutes(minutes)}
                    </button>
                ))}
            </div>
            <input
                autoComplete="off"
                id={id}
                inputMode="numeric"
                value={text}
                aria-invalid={wrong}
                aria-describedby={wrong ? `${id}-wrong` : undefined}
                onChange={(event) => setText(event.target.value.trim())}
            />
            <div className="actions__row">
                <button type="submit" className="button button--primary" aria-disabled={props.busy}>
                    {t.alarms.sendAnswer}
                </button>
                <button type="button" className="button" onClick={props.onBack}>
                    {t.app.back}
                </button>
            </div>
        </form>
    );
}
