import { useEffect, useId, useRef, useState, type JSX } from "react";
import { useLocation } from "wouter";
import { useOpenBoard } from "../alarms/CallBar.tsx";
import { useRequests } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { ago, clockWithDay } from "../i18n/time.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { PatientSummary } from "../patients/PatientBanner.tsx";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { useNow } from "../ui/parts.tsx";
import { Actions } from "./Actions.tsx";
import { Countdown } from "./Countdown.tsx";
import { useRequestNotices } from "./delivery.ts";
import {
    byUrgency,
    isMineToDo,
    isUnanswered,
    notInACall,
    type Action,
    type Party,
    type Request,
} from "./model.ts";
import { useRequestWords } from "./request-event.ts";
import { useMe, useNames } from "./use-request.ts";
import { RequestWords } from "./RequestWords.tsx";

/** Covers the screen with the urgent request that waits for this person's answer, for as long as there is one. */
export function UrgentCover(): JSX.Element | null {
    const me = useMe();
    const { data } = useRequests();
    const [taken, setTaken] = useState<Party>();
    const waiting = (data ?? [])
        .filter((one) => one.class === "urgent" && isUnanswered(one) && isMineToDo(one, me))
        .toSorted(byUrgency);
    const first = waiting[0];
    if (taken) return <Taken by={taken} onClose={() => setTaken(undefined)} />;
    if (!first) return null;
    return <UrgentCard key={first.id} request={first} total={waiting.length} onTaken={setTaken} />;
}

/** Two answered at once: whoever was later is told who goes. */
function Taken({ by, onClose }: { by: Party; onClose: () => void }): JSX.Element {
    const name = useNames();
    return (
        <Dialog title={t.requests.takenTitle} onClose={onClose}>
            <div className="form" role="alert">
                <p>{t.requests.tooLate(name(by))}</p>
                <button type="button" className="button button--primary" onClick={onClose}>
                    {t.requests.takenClose}
                </button>
            </div>
        </Dialog>
    );
}

interface UrgentProps {
    request: Request;
    total: number;
    onTaken: (by: Party) => void;
}

function UrgentCard({ request, total, onTaken }: UrgentProps): JSX.Element {
    const dialog = useRef<HTMLDialogElement>(null);
    const titleId = useId();
    const [, navigate] = useLocation();
    const { seen } = useRequestNotices();
    const name = useNames();
    const now = useNow(15_000);
    const show = useOpenBoard();
    const { call } = request;

    useEffect(() => {
        const element = dialog.current;
        element?.showModal();
        return () => element?.close();
    }, []);

    useEffect(() => {
        const look = (): void => seen(request);
        look();
        document.addEventListener("visibilitychange", look);
        return () => document.removeEventListener("visibilitychange", look);
    }, [request, seen]);

    const after = (action: Action): void => {
        if (request.call) show(request.call.id);
        else if (!leaves.has(action) && request.roomId)
            navigate(`/chats/${encodeURIComponent(request.roomId)}`);
    };

    const requester = name(
        request.requesterId === undefined
            ? undefined
            : { kind: "person", id: request.requesterId, display: request.requesterName },
    );
    return (
        <dialog
            ref={dialog}
            role="alertdialog"
            className={call?.drill ? "urgent urgent--drill" : "urgent"}
            aria-labelledby={titleId}
            onCancel={(event) => event.preventDefault()}
            onClose={(event) => {
                // Browsers close on a second Escape whatever the page says; only an answer closes this card.
                if (!event.currentTarget.open) event.currentTarget.showModal();
            }}
        >
            <header className="urgent__head">
                <Icon name="urgent" size={32} />
                <h2 id={titleId}>
                    {call ? (call.drill ? t.alarms.crashDrill : t.alarms.crashCall) : t.requests.urgentTitle}
                </h2>
                {total > 1 && <span>{t.requests.urgentCount(1, total)}</span>}
            </header>
            {/* With large text it scrolls: by the keyboard too. */}
            <div className="urgent__body" tabIndex={0} role="region" aria-labelledby={titleId}>
                {call && (
                    <>
                        {call.drill && <p className="drill-note">{t.alarms.drillNote}</p>}
                        <p className="alarm-place">
                            <strong>{call.place}</strong>
                        </p>
                        <p className="alarm-title">{call.title}</p>
                    </>
                )}
                {request.neededBy !== undefined && (
                    <p className="urgent__clock">
                        {t.requests.neededBy(clockWithDay(request.neededBy, now))}{" "}
                        <Countdown to={request.neededBy} />
                    </p>
                )}
                {request.patientRef !== undefined && <PatientSummary patientRef={request.patientRef} />}
                <p>
                    {t.requests.from} <strong>{requester}</strong>, {ago(request.raisedAt, now)}
                    {request.addressed && (
                        <>
                            . {t.requests.to} <strong>{name(request.addressed)}</strong>
                        </>
                    )}
                </p>
                {call ? <CallWords request={request} /> : <UrgentWords request={request} />}
            </div>
            <footer className="urgent__foot">
                <Actions
                    request={request}
                    without={call ? notInACall : ["cancel"]}
                    onDone={after}
                    onTaken={onTaken}
                />
            </footer>
        </dialog>
    );
}

/** After these there is nothing to do in the conversation. */
const leaves = new Set<Action>(["decline", "reassign", "comment"]);
/** What whoever made the call wrote to the team, if it can be read already. */
function CallWords({ request }: { request: Request }): JSX.Element | null {
    const client = useClient();
    useRoomChanges(request.roomId ?? "");
    const events = client.getRoom(request.roomId)?.getLiveTimeline().getEvents() ?? [];
    const said = events.filter(
        (event) =>
            event.getType() === "m.room.message" &&
            event.getTs() >= request.raisedAt - 5_000 &&
            event.getSender()?.slice(1).split(":")[0] === request.requesterId,
    );
    const lines = said.flatMap((event) => {
        const { body } = event.getContent<{ body?: string }>();
        return typeof body === "string" ? [body] : [];
    });
    return lines.length > 0 ? <p className="alarm-words">{lines.slice(0, 3).join("\n")}</p> : null;
}

function UrgentWords({ request }: { request: Request }): JSX.Element {
    const words = useRequestWords(request);
    if (request.description !== undefined) return <p>{t.clerk(request.description)}</p>;
    if (words === "loading") return <p className="muted">{t.requests.wordsLoading}</p>;
    if (words === "missing") return <p className="notice notice--warning">{t.requests.wordsMissing}</p>;
    return <RequestWords content={words} />;
}
