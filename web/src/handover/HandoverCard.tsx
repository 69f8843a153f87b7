import type { JSX, ReactNode } from "react";
import { Link } from "wouter";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import type { RequestContent, Sbar } from "../matrix/events.ts";
import { pagePath } from "../paths.ts";
import { PatientSummary } from "../patients/PatientBanner.tsx";
import { useRequestWords } from "../requests/request-event.ts";
import type { Request } from "../requests/model.ts";
import { nextStepLine, stateLine, stateTime } from "../requests/sentences.ts";
import { useNames } from "../requests/use-request.ts";
import { ClassBadge } from "../ui/parts.tsx";
import { severity, type Card } from "./model.ts";

export const layouts = ["ipass", "sbar"] as const;
export type Layout = (typeof layouts)[number];

interface CardProps {
    card: Card;
    layout: Layout;
    read: boolean;
    /** Absent for who has nothing to accept. */
    onRead?: ((on: boolean) => void) | undefined;
}

/** What is open about one patient, in the order of I-PASS or of SBAR. */
export function HandoverCard({ card, layout, read, onRead }: CardProps): JSX.Element {
    const about = card.patientRef;
    return (
        <article className={`card card--${severity(card)}`}>
            {about === undefined ? (
                <p className="patient__name">{t.handover.noPatient}</p>
            ) : (
                <PatientSummary patientRef={about} heading />
            )}
            {layout === "ipass" ? <Ipass card={card} /> : <SbarCard card={card} />}
            {onRead && (
                <label className="choice card__read no-print">
                    <input
                        type="checkbox"
                        checked={read}
                        onChange={(event) => onRead(event.target.checked)}
                    />
                    {t.handover.read}
                </label>
            )}
        </article>
    );
}

function Row({ title, children }: { title: string; children: ReactNode }): JSX.Element {
    return (
        <div className="card__row">
            <h3>{title}</h3>
            <div>{children}</div>
        </div>
    );
}

/** Illness severity, (patient summary above), action list, situation awareness, synthesis by the receiver. */
function Ipass({ card }: { card: Card }): JSX.Element {
    return (
        <>
            <Row title={t.handover.ipass.severity}>{t.handover.severity[severity(card)]}</Row>
            <Row title={t.handover.ipass.summary}>
                <Said requests={card.requests} fields={["situation", "background"]} text />
            </Row>
            <Row title={t.handover.ipass.actions}>
                <Tasks requests={card.requests} />
            </Row>
            <Row title={t.handover.ipass.awareness}>
                <Said requests={card.requests} fields={["assessment", "recommendation"]} next />
            </Row>
            <Row title={t.handover.ipass.synthesis}>
                <span className="muted">{t.handover.ipass.synthesisHint}</span>
            </Row>
        </>
    );
}

function SbarCard({ card }: { card: Card }): JSX.Element {
    const { sbar } = t.requests;
    return (
        <>
            <Row title={sbar.situation}>
                <p>{t.handover.severity[severity(card)]}</p>
                <Said requests={card.requests} fields={["situation"]} text />
            </Row>
            <Row title={sbar.background}>
                <Said requests={card.requests} fields={["background"]} />
            </Row>
            <Row title={sbar.assessment}>
                <Said requests={card.requests} fields={["assessment"]} next />
            </Row>
            <Row title={sbar.recommendation}>
                <Said requests={card.requests} fields={["recommendation"]} />
                <Tasks requests={card.requests} />
            </Row>
        </>
    );
}

/** Each open request: how pressing, who has it, where it stands, until when. */
function Tasks({ requests }: { requests: readonly Request[] }): JSX.Element {
    const name = useNames();
    const now = Date.now();
    return (
        <ul className="card__tasks">
            {requests.map((request) => (
                <li key={request.id}>
                    <ClassBadge value={request.class} />
                    <span>
                        <strong>{name(request.addressed)}</strong>. {stateLine(request, name)}{" "}
                        {stateTime(request, now)}.
                        {request.neededBy !== undefined &&
                            ` ${t.requests.dueBy(clockWithDay(request.neededBy, now))}.`}{" "}
                        <Link className="no-print" href={pagePath("requests", "task", request.id)}>
                            {t.requests.details}
                        </Link>
                    </span>
                </li>
            ))}
        </ul>
    );
}

interface SaidProps {
    requests: readonly Request[];
    fields: readonly (keyof Sbar)[];
    /** With the free text. */
    text?: boolean;
    /** With what happens if nobody answers. */
    next?: boolean;
}

/** What those who asked wrote under some headings of SBAR. */
function Said({ requests, ...what }: SaidProps): JSX.Element {
    return (
        <>
            {requests.map((request) => (
                <SaidOf key={request.id} request={request} {...what} />
            ))}
        </>
    );
}

function SaidOf({
    request,
    fields,
    text,
    next,
}: Omit<SaidProps, "requests"> & { request: Request }): JSX.Element {
    const words = useRequestWords(request);
    const lines = typeof words === "object" ? wordsOf(words, fields, text === true) : [];
    if (text === true && request.description !== undefined) lines.push(t.clerk(request.description));
    const step = next === true ? nextStepLine(request, Date.now()) : undefined;
    if (step !== undefined) lines.push(step);
    const missing = text === true && request.description === undefined && words === "missing";
    return (
        <>
            {lines.map((line) => (
                <p key={line} className="card__words">
                    {line}
                </p>
            ))}
            {missing && <p className="muted">{t.handover.wordsMissing}</p>}
        </>
    );
}

function wordsOf(content: RequestContent, fields: readonly (keyof Sbar)[], text: boolean): string[] {
    const written = fields.map((field) => content.sbar?.[field] ?? "");
    return [...written, text ? (content.text ?? "") : ""].filter((line) => line.trim() !== "");
}
