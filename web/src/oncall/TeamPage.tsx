import { useState, type JSX } from "react";
import type { PageProps } from "../Detail.tsx";
import { useFhir, useOnCall, useTeams } from "../fhir/queries.ts";
import { ParametersSchema, readAll } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { AskDialog } from "../requests/AskDialog.tsx";
import { Page, Part } from "../ui/Page.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { HolderLine, useStaffNames } from "./Holder.tsx";
import { noiseOf, type Count, type Noise, type Team } from "./team.ts";

const DAY = 86_400_000;
/** The periods that can be looked at, in days. */
const PERIODS = [1, 7, 28] as const;

/** A team: who belongs to it, and how often it was interrupted. */
export function TeamPage({ id, back }: PageProps): JSX.Element {
    const teams = useTeams();
    const team = teams.data?.find((one) => one.id === id);
    return (
        <Page title={team?.name ?? t.team.one} back={back}>
            {teams.isPending && <Loading />}
            {teams.isError && <LoadFailed stale={false} retry={() => void teams.refetch()} />}
            {teams.data && !team && <Empty icon="people">{t.team.gone}</Empty>}
            {team && (
                <>
                    <Members team={team} />
                    <NoiseReport teamId={team.id} />
                </>
            )}
        </Page>
    );
}

function Members({ team }: { team: Team }): JSX.Element {
    const name = useStaffNames();
    const { data: roles } = useOnCall();
    const [asking, setAsking] = useState(false);
    return (
        <Part title={t.team.who}>
            <ul className="plain">
                {team.roles.map((id) => {
                    const role = roles?.find((one) => one.id === id);
                    return (
                        <li key={id}>
                            <strong>{role?.name ?? id}</strong>
                            {role && <HolderLine role={role} />}
                        </li>
                    );
                })}
                {team.people.map((id) => (
                    <li key={id}>{name({ id })}</li>
                ))}
            </ul>
            <div className="actions__row">
                <button type="button" className="button" onClick={() => setAsking(true)}>
                    {t.onCall.askRole(team.name)}
                </button>
            </div>
            {asking && (
                <AskDialog
                    to={{ kind: "team", id: team.id, display: team.name }}
                    onClose={() => setAsking(false)}
                />
            )}
        </Part>
    );
}

function NoiseReport({ teamId }: { teamId: string }): JSX.Element {
    const [days, setDays] = useState<(typeof PERIODS)[number]>(7);
    const report = useFhir(
        ["noise", teamId, String(days)],
        async (fhir) => {
            const start = new Date(Date.now() - days * DAY).toISOString();
            const answer = await fhir.get(`CareTeam/${encodeURIComponent(teamId)}/$noise`, { start });
            return noiseOf(readAll(ParametersSchema, [answer])[0]?.parameter ?? []);
        },
        60_000,
    );
    return (
        <Part title={t.noise.title}>
            <p className="muted">{t.noise.what}</p>
            <div className="chips" role="group" aria-label={t.noise.period}>
                {PERIODS.map((value) => (
                    <button
                        key={value}
                        type="button"
                        className="chip"
                        aria-pressed={days === value}
                        onClick={() => setDays(value)}
                    >
                        {t.noise.days(value)}
                    </button>
                ))}
            </div>
            {report.isPending && <Loading rows={3} />}
            {report.isError && (
                <LoadFailed stale={report.data !== undefined} retry={() => void report.refetch()} />
            )}
            {report.data && <NoiseFigures report={report.data} />}
        </Part>
    );
}

function NoiseFigures({ report }: { report: Noise }): JSX.Element {
    const { budget } = report;
    const facts: [string, number | string][] = [
        [t.noise.total, report.total],
        [t.noise.most, report.most],
        [t.noise.budget, budget ?? t.noise.noBudget],
        [t.noise.quiet, report.quiet],
    ];
    if (budget !== undefined) facts.push([t.noise.hoursOver, report.hoursOver]);
    return (
        <>
            <dl className="figures">
                {facts.map(([label, value]) => (
                    <div key={label}>
                        <dt>{label}</dt>
                        <dd>{value}</dd>
                    </div>
                ))}
            </dl>
            <Bars title={t.noise.byClass} counts={report.byClass} words={t.requests.className} />
            <Bars title={t.noise.byReason} counts={report.byReason} words={t.noise.reasons} />
            <Bars title={t.noise.byHour} counts={report.byHour} words={{}} />
        </>
    );
}

/** A list of counts, each with its share as a bar; the figure stands beside it. */
function Bars(props: {
    title: string;
    counts: Count[];
    /** What each is called; by default as the service names it. */
    words: Readonly<Record<string, string>>;
}): JSX.Element | null {
    const most = Math.max(1, ...props.counts.map(({ count }) => count));
    if (props.counts.length === 0) return null;
    return (
        <>
            <h4>{props.title}</h4>
            <ul className="bars">
                {props.counts.map(({ name, count }) => (
                    <li key={name}>
                        <span className="bars__name">{props.words[name] ?? name}</span>
                        <span className="bars__track" aria-hidden="true">
                            <span className="bars__bar" style={{ inlineSize: `${(count / most) * 100}%` }} />
                        </span>
                        <span className="bars__count">{count}</span>
                    </li>
                ))}
            </ul>
        </>
    );
}
