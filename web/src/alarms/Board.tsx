import { useQueryClient } from "@tanstack/react-query";
import { useState, type JSX } from "react";
import { Link } from "wouter";
import { FhirError } from "../fhir/client.ts";
import { keys, useRequests } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { calendarDate, clock } from "../i18n/time.ts";
import { Actions } from "../requests/Actions.tsx";
import { notInACall } from "../requests/model.ts";
import { useMe } from "../requests/use-request.ts";
import { useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { LoadFailed, Loading, useNow } from "../ui/parts.tsx";
import {
    answerOf,
    comes,
    counts,
    listed,
    replyText,
    thereWithin,
    wordsOf,
    type Board as BoardOf,
    type BoardRow,
    type Filter,
} from "./model.ts";
import { useBoard } from "./use-calls.ts";

/** Most people shown at once; the rest is found by filter and search, or shown on demand. */
const SHOWN = 100;

/** Who comes, live: the team of a crash call, or everybody whom a broadcast calls. */
export function Board({ id, onClose }: { id: string; onClose: () => void }): JSX.Element {
    const { board, failed } = useBoard(id);
    const title = board?.call.title ?? t.alarms.board;
    return (
        <Dialog title={board?.call.drill ? `${t.alarms.drill}: ${title}` : title} onClose={onClose} wide>
            {failed && <LoadFailed stale={board !== undefined} retry={() => location.reload()} />}
            {board ? <Whole board={board} /> : !failed && <Loading />}
        </Dialog>
    );
}

function Whole({ board }: { board: BoardOf }): JSX.Element {
    const { call } = board;
    const now = useNow();
    const gone = Math.max(0, Math.floor(((call.ended?.at ?? now) - call.raisedAt) / 1000));
    return (
        <div className="board">
            {call.drill && <p className="drill-note">{t.alarms.drillNote}</p>}
            <p className="board__head">
                {call.place !== undefined && <strong className="alarm-place">{call.place}</strong>}
                <span>{t.alarms.calledBy(call.callerName, clock(call.raisedAt))}</span>
                <span className="board__clock" role="timer" aria-live="off">
                    {call.ended
                        ? t.alarms.endedBy(call.ended.by, clock(call.ended.at))
                        : t.alarms.gone(Math.floor(gone / 60), gone % 60)}
                </span>
            </p>
            {call.kind === "crash-call" ? <Team board={board} /> : <Many board={board} now={now} />}
            <BoardActions board={board} />
        </div>
    );
}

/** The team of a crash call: role, who, how far and since when. */
function Team({ board }: { board: BoardOf }): JSX.Element {
    const { data: requests } = useRequests();
    const me = useMe();
    const own = (requests ?? []).find(
        (one) => one.call?.id === board.call.id && (one.holderId === me || one.acceptedById === me),
    );
    const all = counts(board);
    return (
        <>
            <p className="board__sum" role="status">
                <strong>{t.alarms.comingOf(all.coming, all.called)}</strong>
            </p>
            <ul className="rows team" aria-label={t.alarms.team}>
                {[...board.rows.values()].map((row) => (
                    <TeamRow key={row.key} row={row} isMe={row.id === me} />
                ))}
            </ul>
            {own && !board.call.ended && (
                <section className="board__own" aria-label={t.alarms.yourAnswer}>
                    <Actions request={own} without={notInACall} />
                </section>
            )}
        </>
    );
}

/** How far one of the team is: a sign, a word and when. */
function teamState(row: BoardRow): {
    kind: "there" | "coming" | "cannot" | "waiting";
    words: string;
    at?: number;
} {
    const answer = answerOf(row);
    switch (answer?.code) {
        case "there":
        case "arrived":
        case "completed":
            return { kind: "there", words: t.alarms.state.there, at: answer.at };
        case "on-my-way":
            return { kind: "coming", words: t.alarms.state.onMyWay, at: answer.at };
        case "accepted":
            return { kind: "coming", words: t.alarms.state.accepted, at: answer.at };
        case "declined":
            return { kind: "cannot", words: t.alarms.state.cannot, at: answer.at };
        default:
            break;
    }
    if (row.seen !== undefined) return { kind: "waiting", words: t.alarms.state.seen, at: row.seen };
    if (row.delivered !== undefined)
        return { kind: "waiting", words: t.alarms.state.delivered, at: row.delivered };
    return { kind: "waiting", words: t.alarms.state.called, ...(row.told !== undefined && { at: row.told }) };
}

function TeamRow({ row, isMe }: { row: BoardRow; isMe: boolean }): JSX.Element {
    if (row.name === undefined)
        return (
            <li className="row team__row team__row--cannot">
                <div className="row__main">
                    <h3 className="row__title">{row.role}</h3>
                    <p className="role__nobody">
                        <Icon name="nobody" size={18} /> {t.onCall.nobody}
                    </p>
                </div>
            </li>
        );
    const state = teamState(row);
    const icon = { there: "action", coming: "forward", cannot: "close", waiting: "clock" } as const;
    return (
        <li className={`row team__row team__row--${state.kind}`}>
            <div className="row__main">
                <h3 className="row__title">{row.role}</h3>
                <p>
                    {row.name}
                    {isMe && ` (${t.onCall.you})`}
                </p>
            </div>
            <p className="team__state">
                <Icon name={icon[state.kind]} size={20} />
                <strong>{state.words}</strong>
                {state.at !== undefined && (
                    <time dateTime={new Date(state.at).toISOString()}>{clock(state.at)}</time>
                )}
            </p>
        </li>
    );
}

/** Reach and answers of a broadcast in numbers, and the list of people. */
function Many({ board, now }: { board: BoardOf; now: number }): JSX.Element {
    const { call } = board;
    const [filter, setFilter] = useState<Filter>("all");
    const [search, setSearch] = useState("");
    const [most, setMost] = useState(SHOWN);
    const all = counts(board);
    const rows = listed(board, filter, search);
    const reach: [string, number][] = [
        [t.alarms.count.called, all.called],
        [t.alarms.count.told, all.told],
        [t.alarms.count.delivered, all.delivered],
        [t.alarms.count.seen, all.seen],
    ];
    const filters: [Filter, string][] = [
        ["all", t.alarms.filter.all],
        ["unreached", `${t.alarms.filter.unreached} ${all.called - all.delivered}`],
        ["unanswered", `${t.alarms.filter.unanswered} ${all.unanswered}`],
        ...call.replies.map((reply): [Filter, string] => [
            `answer:${reply.code}`,
            `${wordsOf(reply)} ${all.byAnswer.get(reply.code) ?? 0}`,
        ]),
    ];
    return (
        <>
            <p className="alarm-words">{call.words}</p>
            <dl className="tiles" aria-label={t.alarms.reach}>
                {reach.map(([name, count]) => (
                    <Tile key={name} name={name} count={count} of={all.called} />
                ))}
            </dl>
            <dl className="tiles" aria-label={t.alarms.answers}>
                {call.replies.map((reply) => (
                    <Tile
                        key={reply.code}
                        name={wordsOf(reply)}
                        count={all.byAnswer.get(reply.code) ?? 0}
                        of={all.called}
                    />
                ))}
                <Tile name={t.alarms.count.unanswered} count={all.unanswered} of={all.called} />
            </dl>
            <p className="board__sum">
                {t.alarms.thereIn(
                    thereWithin(board, now, 0),
                    [15, 30, 60].map((minutes) => [minutes, thereWithin(board, now, minutes)]),
                )}
            </p>
            <div className="board__filters">
                <div className="chips" role="group" aria-label={t.alarms.filter.label}>
                    {filters.map(([value, name]) => (
                        <button
                            key={value}
                            type="button"
                            className="chip"
                            aria-pressed={filter === value}
                            onClick={() => setFilter(value)}
                        >
                            {name}
                        </button>
                    ))}
                </div>
                <input
                    autoComplete="off"
                    type="search"
                    aria-label={t.alarms.filter.search}
                    placeholder={t.alarms.filter.search}
                    value={search}
                    onChange={(event) => setSearch(event.target.value)}
                />
            </div>
            <ul className="rows people" aria-label={t.alarms.people}>
                {rows.slice(0, most).map((row) => (
                    <PersonRow key={row.key} row={row} board={board} />
                ))}
            </ul>
            {rows.length > most && (
                <button type="button" className="button" onClick={() => setMost(most + 500)}>
                    {t.alarms.showMore(rows.length - most)}
                </button>
            )}
        </>
    );
}

function Tile({ name, count, of }: { name: string; count: number; of: number }): JSX.Element {
    const share = of > 0 ? Math.round((100 * count) / of) : 0;
    return (
        <div className="tile">
            <dt>{name}</dt>
            <dd>
                <strong>{count}</strong> <span className="muted">{share} %</span>
                <span className="tile__bar" aria-hidden="true">
                    <span style={{ width: `${share}%` }} />
                </span>
            </dd>
        </div>
    );
}

function PersonRow({ row, board }: { row: BoardRow; board: BoardOf }): JSX.Element {
    const answer = answerOf(row);
    const reached =
        row.seen !== undefined
            ? t.alarms.state.seen
            : row.delivered !== undefined
              ? t.alarms.state.delivered
              : row.devices === 0
                ? t.alarms.state.noDevice
                : row.told === undefined
                  ? t.alarms.state.notYet
                  : t.alarms.state.told;
    return (
        <li className="row person">
            <div className="row__main">
                <h3 className="row__title">{row.name}</h3>
                <p className="muted">{row.job}</p>
            </div>
            <p className={comes(board.call, row) ? "person__state person__state--comes" : "person__state"}>
                {answer ? (
                    <>
                        <strong>{replyText(board.call, answer.code, answer.minutes)}</strong>{" "}
                        <span className="muted">{clock(answer.at)}</span>
                    </>
                ) : (
                    reached
                )}
            </p>
        </li>
    );
}

/** Sending it again, ending it, and the report. */
function BoardActions({ board }: { board: BoardOf }): JSX.Element {
    const { call } = board;
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const [ending, setEnding] = useState(false);
    const [busy, setBusy] = useState(false);
    const [said, setSaid] = useState<{ problem: boolean; words: string }>();
    const run = async (work: () => Promise<unknown>, done?: string): Promise<void> => {
        if (busy) return;
        setBusy(true);
        setSaid(undefined);
        try {
            await work();
            if (done !== undefined) setSaid({ problem: false, words: done });
            void queries.invalidateQueries({ queryKey: keys.calls });
            void queries.invalidateQueries({ queryKey: keys.requests });
        } catch (error) {
            const words =
                error instanceof FhirError ? t.role.failed(refusalWords(error)) : t.alarms.callFailed;
            setSaid({ problem: true, words });
        } finally {
            setBusy(false);
            setEnding(false);
        }
    };
    const operation = (name: string): Promise<unknown> | undefined =>
        fhir?.operation("CommunicationRequest", call.id, name);
    const report = async (): Promise<void> => {
        const path = `CommunicationRequest/${call.id}/$report?_format=application%2Fpdf`;
        const file = await fhir?.download(path);
        if (!file) return;
        const link = document.createElement("a");
        link.href = URL.createObjectURL(file);
        link.download = t.alarms.reportFile(
            call.kind,
            call.drill,
            calendarDate(call.raisedAt),
            clock(call.raisedAt),
        );
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    };
    return (
        <footer className="board__foot">
            {said && (
                <p
                    className={said.problem ? "notice notice--error" : "notice"}
                    role={said.problem ? "alert" : "status"}
                >
                    {said.words}
                </p>
            )}
            {ending ? (
                <div className="actions__row" role="alert">
                    <p>{t.alarms.endSure}</p>
                    <button
                        type="button"
                        className="button button--danger"
                        aria-disabled={busy}
                        onClick={() => void run(async () => operation("end"))}
                    >
                        {t.alarms.endYes}
                    </button>
                    <button type="button" className="button" onClick={() => setEnding(false)}>
                        {t.app.back}
                    </button>
                </div>
            ) : (
                <div className="actions__row">
                    {call.roomId !== undefined && (
                        <Link className="button" href={`/chats/${encodeURIComponent(call.roomId)}`}>
                            {t.requests.open}
                        </Link>
                    )}
                    {call.kind === "broadcast" && !call.ended && (
                        <button
                            type="button"
                            className="button"
                            aria-disabled={busy}
                            onClick={() => void run(async () => operation("again"), t.alarms.againDone)}
                        >
                            {t.alarms.again}
                        </button>
                    )}
                    {!call.ended && call.mayEnd && (
                        <button type="button" className="button" onClick={() => setEnding(true)}>
                            {t.alarms.end}
                        </button>
                    )}
                    <button
                        type="button"
                        className={call.ended ? "button button--primary" : "button"}
                        aria-disabled={busy}
                        onClick={() => void run(report)}
                    >
                        <Icon name="download" size={20} /> {t.alarms.report}
                    </button>
                </div>
            )}
        </footer>
    );
}
