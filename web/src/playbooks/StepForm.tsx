import { useId, useState, type JSX } from "react";
import { useOnCall, usePlaces, useStaff, useTeams } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import {
    askedBy,
    askKinds,
    asksOf,
    days,
    readWait,
    simpleCase,
    units,
    withAsks,
    withCase,
    type AskKind,
    type Step,
    type Unit,
} from "./model.ts";

interface StepProps {
    step: Step;
    /** From 0. */
    index: number;
    last: boolean;
    onChange: (step: Step) => void;
    onRemove: (() => void) | undefined;
    onUp: (() => void) | undefined;
}

/** One step: whom it asks, how long it waits, how often it asks again, and when it applies. */
export function StepForm({ step, index, last, onChange, onRemove, onUp }: StepProps): JSX.Element {
    const number = index + 1;
    return (
        <section className="step" aria-label={t.requests.step(number)}>
            <div className="step__head">
                <h4>{t.requests.step(number)}</h4>
                {last && <span className="muted">{t.playbooks.mustAct}</span>}
                {onUp && (
                    <button type="button" className="button button--quiet" onClick={onUp}>
                        {t.playbooks.up}
                    </button>
                )}
                {onRemove && (
                    <button type="button" className="button button--quiet" onClick={onRemove}>
                        {t.playbooks.removeStep}
                    </button>
                )}
            </div>
            {index === 0 ? <p>{t.playbooks.addressed}</p> : <Asks step={step} onChange={onChange} />}
            <Waiting step={step} onChange={onChange} />
            {!last && (
                <label className="choice">
                    <input
                        type="checkbox"
                        checked={step.closes === "step"}
                        onChange={(event) =>
                            onChange({ ...step, closes: event.target.checked ? "step" : undefined })
                        }
                    />
                    {t.playbooks.closes}
                </label>
            )}
            {index > 0 && !last && <Condition step={step} onChange={onChange} />}
        </section>
    );
}

interface PartProps {
    step: Step;
    onChange: (step: Step) => void;
}

/** Everybody who can be chosen for a kind, by name. */
function useChoices(): Record<AskKind, { id: string; name: string }[]> {
    const { data: roles } = useOnCall();
    const { data: staff } = useStaff();
    const { data: teams } = useTeams();
    const { data: places } = usePlaces();
    const byName = (all: { id: string; name: string }[]): { id: string; name: string }[] =>
        all.toSorted((a, b) => a.name.localeCompare(b.name, t.locale));
    return {
        role: byName((roles ?? []).map(({ id, name }) => ({ id, name }))),
        person: byName([...(staff?.values() ?? [])].map(({ id, name }) => ({ id, name }))),
        team: byName((teams ?? []).map(({ id, name }) => ({ id, name }))),
        on_duty: byName(
            [...(places?.values() ?? [])]
                .filter(({ kind }) => kind === "ward")
                .map(({ id, name }) => ({ id, name })),
        ),
    };
}

function Asks({ step, onChange }: PartProps): JSX.Element {
    const choices = useChoices();
    const id = useId();
    const [kind, setKind] = useState<AskKind>("role");
    const asks = asksOf(step);
    const nameOf = (of: AskKind, wanted: string): string =>
        choices[of].find((one) => one.id === wanted)?.name ?? wanted;
    return (
        <div className="asks">
            <ul className="plain">
                {asks.map((ask, at) => {
                    const asked = askedBy(ask);
                    const words = asked
                        ? t.playbooks.asks[asked.kind](nameOf(asked.kind, asked.id))
                        : t.playbooks.addressed;
                    return (
                        <li key={words} className="asks__one">
                            <strong>{words}</strong>
                            <button
                                type="button"
                                className="button button--quiet"
                                aria-label={t.playbooks.removeAsk(words)}
                                onClick={() =>
                                    onChange(
                                        withAsks(
                                            step,
                                            asks.filter((_, other) => other !== at),
                                        ),
                                    )
                                }
                            >
                                {t.outbox.remove}
                            </button>
                        </li>
                    );
                })}
            </ul>
            {asks.length === 0 && <p className="field-error">{t.playbooks.nobody}</p>}
            <div className="asks__add">
                <div className="field">
                    <label htmlFor={`${id}-kind`}>{t.playbooks.addKind}</label>
                    <select
                        id={`${id}-kind`}
                        value={kind}
                        onChange={(event) =>
                            setKind(askKinds.find((one) => one === event.target.value) ?? "role")
                        }
                    >
                        {askKinds.map((one) => (
                            <option key={one} value={one}>
                                {t.playbooks.kinds[one]}
                            </option>
                        ))}
                    </select>
                </div>
                <div className="field">
                    <label htmlFor={`${id}-who`}>{t.playbooks.addWho}</label>
                    <select
                        id={`${id}-who`}
                        value=""
                        onChange={(event) => {
                            if (event.target.value !== "")
                                onChange(withAsks(step, [...asks, { [kind]: event.target.value }]));
                        }}
                    >
                        <option value="">{t.playbooks.choose}</option>
                        {choices[kind].map((one) => (
                            <option key={one.id} value={one.id}>
                                {one.name}
                            </option>
                        ))}
                    </select>
                </div>
            </div>
        </div>
    );
}

function Waiting({ step, onChange }: PartProps): JSX.Element {
    const id = useId();
    const wait = readWait(step.wait);
    const write = (count: number, unit: Unit): void => onChange({ ...step, wait: `${count}${unit}` });
    return (
        <div className="asks__add">
            <div className="field">
                <label htmlFor={`${id}-wait`}>{t.playbooks.wait}</label>
                {wait ? (
                    <span className="wait">
                        <input
                            autoComplete="off"
                            id={`${id}-wait`}
                            inputMode="numeric"
                            value={String(wait.count)}
                            onChange={(event) =>
                                write(Number(event.target.value.replaceAll(/\D/g, "")), wait.unit)
                            }
                        />
                        <select
                            aria-label={t.playbooks.unit}
                            value={wait.unit}
                            onChange={(event) =>
                                write(wait.count, units.find((one) => one === event.target.value) ?? "m")
                            }
                        >
                            {units.map((one) => (
                                <option key={one} value={one}>
                                    {t.playbooks.units[one]}
                                </option>
                            ))}
                        </select>
                    </span>
                ) : (
                    <input
                        autoComplete="off"
                        id={`${id}-wait`}
                        value={step.wait}
                        onChange={(event) => onChange({ ...step, wait: event.target.value })}
                    />
                )}
            </div>
            <div className="field">
                <label htmlFor={`${id}-repeat`}>{t.playbooks.repeat}</label>
                <input
                    autoComplete="off"
                    id={`${id}-repeat`}
                    inputMode="numeric"
                    value={String(step.repeat ?? 0)}
                    onChange={(event) => {
                        const count = Number(event.target.value.replaceAll(/\D/g, ""));
                        onChange({ ...step, repeat: count > 0 ? count : undefined });
                    }}
                />
            </div>
        </div>
    );
}

/** When a step applies: at some hours, on some days. Conditions of other kinds are shown, and stay as they are. */
function Condition({ step, onChange }: PartProps): JSX.Element {
    const id = useId();
    const condition = simpleCase(step);
    if (!condition) {
        return (
            <p className="muted">
                {t.playbooks.otherCondition} <code>{JSON.stringify(step.when)}</code>
            </p>
        );
    }
    const [from = "", until = ""] = condition.hours?.[0]?.split("-") ?? [];
    const setHours = (a: string, b: string): void =>
        onChange(withCase(step, { ...condition, hours: a === "" && b === "" ? [] : [`${a}-${b}`] }));
    const chosen: readonly string[] = condition.days ?? [];
    return (
        <details className="condition" open={step.when !== undefined}>
            <summary>{step.when === undefined ? t.playbooks.always : t.playbooks.only}</summary>
            <div className="asks__add">
                <div className="field">
                    <label htmlFor={`${id}-from`}>{t.shifts.from}</label>
                    <input
                        id={`${id}-from`}
                        type="time"
                        value={from}
                        onChange={(event) => setHours(event.target.value, until)}
                    />
                </div>
                <div className="field">
                    <label htmlFor={`${id}-until`}>{t.shifts.until}</label>
                    <input
                        id={`${id}-until`}
                        type="time"
                        value={until}
                        onChange={(event) => setHours(from, event.target.value)}
                    />
                </div>
            </div>
            <fieldset className="choices choices--wrap">
                <legend>{t.playbooks.onDays}</legend>
                {days.map((day) => (
                    <label key={day} className="choice">
                        <input
                            type="checkbox"
                            checked={chosen.includes(day)}
                            onChange={(event) => {
                                const next = days.filter((one) =>
                                    one === day ? event.target.checked : chosen.includes(one),
                                );
                                onChange(withCase(step, { ...condition, days: next }));
                            }}
                        />
                        {t.playbooks.days[day]}
                    </label>
                ))}
            </fieldset>
        </details>
    );
}
