import { useId, useState, type JSX } from "react";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { clockWithDay } from "../i18n/time.ts";
import { useSession } from "../session/store.ts";
import { Part } from "../ui/Page.tsx";
import { checkPlaybook, Refused, simulatePlaybook, type Check, type TimelineEntry } from "./api.ts";
import type { Playbook } from "./model.ts";

/** Proves a draft before it is saved: what is wrong with it, who would be asked when, and what happens if nobody answers. */
export function Proof({ draft }: { draft: Playbook }): JSX.Element {
    const authorised = useSession((session) => session.authorised);
    const { data: roles } = useOnCall();
    const [check, setCheck] = useState<{ of: Playbook; said: Check }>();
    const [timeline, setTimeline] = useState<{ of: Playbook; said: TimelineEntry[] }>();
    const [problem, setProblem] = useState<string>();
    const [chosen, setChosen] = useState("");
    const id = useId();
    const to = chosen || (draft.roles?.[0] ?? roles?.[0]?.id ?? "");
    const run = async (ask: (fetch: typeof globalThis.fetch) => Promise<void>): Promise<void> => {
        if (!authorised) return;
        setProblem(undefined);
        try {
            await ask(authorised);
        } catch (error) {
            setProblem(error instanceof Refused ? refusalWords(error) : t.connection.reconnecting);
        }
    };
    const checkIt = (): Promise<void> =>
        run(async (fetch) => setCheck({ of: draft, said: await checkPlaybook(fetch, draft) }));
    const play = (): Promise<void> =>
        run(async (fetch) =>
            setTimeline({
                of: draft,
                said: await simulatePlaybook(fetch, draft, `HealthcareService/${to}`),
            }),
        );
    return (
        <Part title={t.playbooks.proof}>
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            <div className="actions__row">
                <button type="button" className="button" onClick={() => void checkIt()}>
                    {t.playbooks.check}
                </button>
            </div>
            {check && <CheckResult check={check.said} stale={check.of !== draft} />}
            <div className="asks__add">
                <div className="field">
                    <label htmlFor={id}>{t.playbooks.simulateTo}</label>
                    <select id={id} value={to} onChange={(event) => setChosen(event.target.value)}>
                        {roles?.map((role) => (
                            <option key={role.id} value={role.id}>
                                {role.name}
                            </option>
                        ))}
                    </select>
                </div>
                <button type="button" className="button" onClick={() => void play()}>
                    {t.playbooks.simulate}
                </button>
            </div>
            {timeline && <Timeline entries={timeline.said} stale={timeline.of !== draft} />}
        </Part>
    );
}

function CheckResult({ check, stale }: { check: Check; stale: boolean }): JSX.Element {
    const good = check.valid && check.problems.length === 0;
    return (
        <div className={good ? "notice notice--good" : "notice notice--warning"} role="status">
            {stale && <p className="muted">{t.playbooks.stale}</p>}
            {check.valid && check.longest_ms !== undefined && (
                <p>{t.playbooks.ends(Math.round(check.longest_ms / 60_000))}</p>
            )}
            {good ? (
                <p>{t.playbooks.good}</p>
            ) : (
                <ul className="plain">
                    {check.problems.map((one) => (
                        <li key={JSON.stringify(one)}>{problemLine(one)}</li>
                    ))}
                </ul>
            )}
        </div>
    );
}

function problemLine(problem: Check["problems"][number]): string {
    const { kind, gaps } = problem;
    if (kind === "unknown") return t.playbooks.problem.unknown(problem.reference ?? "");
    if (kind === "empty") return t.playbooks.problem.empty(problem.name ?? "");
    if (kind === "uncovered") {
        const now = Date.now();
        const times = gaps.map((gap) =>
            t.shifts.times(clockWithDay(gap.from_ts, now), clockWithDay(gap.until_ts, now)),
        );
        return t.playbooks.problem.uncovered(problem.name ?? "", times.slice(0, 5).join("; "));
    }
    const place = problem.step === undefined ? "" : `${t.requests.step(problem.step)}: `;
    return place + (problem.problem ?? kind);
}

/** Who would be asked when, if nobody answered. */
function Timeline({ entries, stale }: { entries: TimelineEntry[]; stale: boolean }): JSX.Element {
    const begin = entries[0]?.at_ts ?? 0;
    return (
        <div className="chain" role="status">
            {stale && <p className="muted">{t.playbooks.stale}</p>}
            <ol aria-label={t.playbooks.timeline}>
                {entries.map((one, index) => (
                    <li key={`${one.at_ts}-${index}`}>
                        <time dateTime={new Date(one.at_ts).toISOString()}>
                            {t.playbooks.after(Math.round((one.at_ts - begin) / 1000))}
                        </time>
                        <span className="chain__what">{line(one)}</span>
                    </li>
                ))}
            </ol>
        </div>
    );
}

function line(entry: TimelineEntry): string {
    const who = entry.name ?? entry.asks ?? "";
    const reasons: Record<string, string> = t.playbooks.passed;
    if (entry.passed_over !== undefined)
        return t.playbooks.passedOver(entry.step, who, reasons[entry.passed_over] ?? entry.passed_over);
    if (entry.state === "failed") return t.requests.stateName.failed;
    return t.playbooks.asked(entry.step, who);
}
