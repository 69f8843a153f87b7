import { lazy, Suspense, type JSX } from "react";
import { useLocation, useSearch } from "wouter";
import { useRequests } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clock } from "../i18n/time.ts";
import { Icon } from "../ui/Icon.tsx";
import { replyText, type Call } from "./model.ts";
import { useCallDelivery, useCalls } from "./use-calls.ts";

const Board = lazy(async () => ({ default: (await import("./Board.tsx")).Board }));
const BroadcastCard = lazy(async () => ({ default: (await import("./BroadcastCard.tsx")).BroadcastCard }));

/** Shows the board of a call over wherever one is. */
export function useOpenBoard(): (id: string) => void {
    const [path, navigate] = useLocation();
    return (id) => navigate(`${path}?board=${encodeURIComponent(id)}`);
}

/** The calls that go on, at the top of every screen; what covers the screen for them. */
export function CallBar(): JSX.Element | null {
    useCallDelivery();
    const { data: calls } = useCalls();
    const search = new URLSearchParams(useSearch());
    const [path, navigate] = useLocation();
    const open = (calls ?? []).filter((call) => !call.ended);
    const close = (): void => navigate(path, { replace: true });
    const board = search.get("board");
    const waiting = open.find((call) => call.own && call.own.answer === undefined);
    const again = open.find((call) => call.id === search.get("answer-call") && call.own);
    const shown = waiting ?? again;
    return (
        <>
            {open.length > 0 && (
                <ul className="alarm-bar" aria-label={t.alarms.open}>
                    {open.map((call) => (
                        <OpenCall key={call.id} call={call} />
                    ))}
                </ul>
            )}
            <Suspense>
                {board !== null && <Board key={board} id={board} onClose={close} />}
                {shown && (
                    <BroadcastCard
                        key={shown.id}
                        call={shown}
                        onClose={again && !waiting ? close : undefined}
                    />
                )}
            </Suspense>
        </>
    );
}

function OpenCall({ call }: { call: Call }): JSX.Element {
    const show = useOpenBoard();
    const [path, navigate] = useLocation();
    const { data: requests } = useRequests();
    const team = (requests ?? []).filter((one) => one.call?.id === call.id);
    const coming = team.filter((one) => ["accepted", "on-my-way", "arrived"].includes(one.state)).length;
    const answer = call.own?.answer;
    const line =
        answer !== undefined
            ? t.alarms.youAnswered(replyText(call, answer, call.own?.minutes))
            : call.kind === "crash-call" && team.length > 0
              ? t.alarms.comingOf(coming, team.length)
              : t.alarms.since(clock(call.raisedAt));
    return (
        <li className={call.drill ? "alarm-bar__call alarm-bar__call--drill" : "alarm-bar__call"}>
            <Icon name="urgent" size={20} />
            <p>
                {call.drill && <strong className="drill">{t.alarms.drill}</strong>}{" "}
                <strong>{call.title}</strong>
                {call.place !== undefined && `, ${call.place}`} <span>· {line}</span>
            </p>
            {call.own && (
                <button
                    type="button"
                    className="button alarm-bar__button"
                    onClick={() => navigate(`${path}?answer-call=${encodeURIComponent(call.id)}`)}
                >
                    {t.alarms.changeAnswer}
                </button>
            )}
            {call.mayBoard && (
                <button type="button" className="button alarm-bar__button" onClick={() => show(call.id)}>
                    {t.alarms.showBoard}
                </button>
            )}
        </li>
    );
}
