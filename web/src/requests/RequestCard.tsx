import { useEffect, type JSX } from "react";
import { Link } from "wouter";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import type { RequestContent } from "../matrix/events.ts";
import { pagePath } from "../paths.ts";
import { ClassBadge } from "../ui/parts.tsx";
import { Actions } from "./Actions.tsx";
import { Chain } from "./Chain.tsx";
import { Countdown } from "./Countdown.tsx";
import { useRequestNotices } from "./delivery.ts";
import { isOpen, isUnanswered, type Request } from "./model.ts";
import { useNames, useRequest } from "./use-request.ts";
import { RequestWords } from "./RequestWords.tsx";
import { nextStepLine, stateLine, stateTime } from "./sentences.ts";

/** A request in its conversation: its words, where it stands, its clock, what one can do, and the chain. */
export function RequestCard({ content }: { content: RequestContent }): JSX.Element {
    const request = useRequest(content.request_id);
    const { seen } = useRequestNotices();
    useEffect(() => {
        if (request) seen(request);
    }, [request, seen]);
    return (
        <article
            className={`request request--${content.class}`}
            aria-label={t.requests.preview(content.class, content.to.display)}
        >
            <header className="request__head">
                <ClassBadge value={content.class} />
                <span>
                    {t.requests.to} <strong>{content.to.display}</strong>
                </span>
            </header>
            <RequestWords content={content} />
            {request ? (
                <>
                    <RequestStatus request={request} />
                    <Link className="request__details" href={pagePath("requests", "task", request.id)}>
                        {t.requests.details}
                    </Link>
                </>
            ) : (
                <p className="request__state">{t.requests.state.sending}</p>
            )}
        </article>
    );
}

/** Where a request stands, with its clock, the next step, the buttons and (where it is not told elsewhere) owner and chain. */
export function RequestStatus({
    request,
    withActions = true,
    withChain = true,
}: {
    request: Request;
    withActions?: boolean;
    withChain?: boolean;
}): JSX.Element {
    const name = useNames();
    const now = Date.now();
    const next = isUnanswered(request) ? nextStepLine(request, now) : undefined;
    return (
        <>
            <p className={`request__state request__state--${request.state}`} role="status">
                <strong>{stateLine(request, name)}</strong> {stateTime(request, now)}
            </p>
            {isOpen(request) && request.neededBy !== undefined && (
                <p className="request__clock">
                    {request.class === "action"
                        ? t.requests.dueBy(clockWithDay(request.neededBy, now))
                        : t.requests.neededBy(clockWithDay(request.neededBy, now))}{" "}
                    <Countdown to={request.neededBy} />
                </p>
            )}
            {next !== undefined && request.nextStepAt !== undefined && (
                <p className="request__next">
                    {next} <Countdown to={request.nextStepAt} />
                </p>
            )}
            {withChain &&
                isOpen(request) &&
                request.class === "action" &&
                request.acceptedById !== undefined && (
                    <p className="request__owner">
                        {t.requests.owner}:{" "}
                        <strong>
                            {name({
                                kind: "person",
                                id: request.acceptedById,
                                display: request.acceptedByName,
                            })}
                        </strong>
                    </p>
                )}
            {withActions && <Actions request={request} />}
            {withChain && <Chain request={request} />}
        </>
    );
}
