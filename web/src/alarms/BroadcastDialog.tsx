import { useEffect, useMemo, useState, type FormEvent, type JSX } from "react";
import { useOnCall, usePlaces, useTeams } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Field } from "../ui/Field.tsx";
import { DrillChoice } from "./DrillChoice.tsx";
import { broadcastResource, usualReplies } from "./model.ts";
import { useMakeCall } from "./use-make-call.ts";

const EVERYBODY = "Organization/everybody";

/** Writes to many at once: first how many it reaches, then what they are told. */
export function BroadcastDialog({ onClose }: { onClose: () => void }): JSX.Element {
    const { id, make, busy, problem, setProblem } = useMakeCall(onClose);
    const [title, setTitle] = useState("");
    const [words, setWords] = useState("");
    const [place, setPlace] = useState("");
    const [drill, setDrill] = useState(false);
    const [audience, setAudience] = useState<string[]>([]);
    const [replies, setReplies] = useState(usualReplies);
    const [sure, setSure] = useState(false);
    const reach = useReach(audience);

    const submit = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (busy) return;
        if (!title.trim() || !words.trim()) return setProblem(t.alarms.needWords);
        if (audience.length === 0) return setProblem(t.alarms.needAudience);
        setProblem(undefined);
        // A first press asks whether it is meant; a second one sends.
        if (!sure) return setSure(true);
        const draft = {
            id,
            title: title.trim(),
            words: words.trim(),
            place: place.trim(),
            drill,
            audience,
            replies: replies.map((reply) => ({ ...reply, text: reply.text.trim() })),
        };
        if (!(await make(broadcastResource(draft)))) setSure(false);
    };

    const people = reach === undefined ? undefined : t.alarms.reaches(reach);
    return (
        <Dialog title={drill ? t.alarms.broadcastDrill : t.alarms.broadcast} onClose={onClose} wide>
            <form className="ask" noValidate onSubmit={(event) => void submit(event)}>
                <p className="notice notice--warning">{t.alarms.noPatients}</p>
                <Audience chosen={audience} onChange={setAudience} />
                <p className="reach" role="status">
                    {people ?? t.alarms.reachUnknown}
                </p>
                <Field label={t.alarms.broadcastTitle}>
                    {(attributes) => (
                        <input
                            autoComplete="off"
                            {...attributes}
                            value={title}
                            maxLength={100}
                            onChange={(event) => setTitle(event.target.value)}
                        />
                    )}
                </Field>
                <Field label={t.alarms.broadcastWords}>
                    {(attributes) => (
                        <textarea
                            autoComplete="off"
                            {...attributes}
                            rows={4}
                            value={words}
                            maxLength={2000}
                            onChange={(event) => setWords(event.target.value)}
                        />
                    )}
                </Field>
                <Field label={t.alarms.whereOptional}>
                    {(attributes) => (
                        <input
                            autoComplete="off"
                            {...attributes}
                            value={place}
                            maxLength={120}
                            onChange={(event) => setPlace(event.target.value)}
                        />
                    )}
                </Field>
                <fieldset className="choices">
                    <legend>{t.alarms.replies}</legend>
                    {replies.map((reply, index) => (
                        <input
                            autoComplete="off"
                            key={reply.code}
                            aria-label={t.alarms.reply(index + 1)}
                            value={reply.text}
                            maxLength={40}
                            onChange={(event) =>
                                setReplies(
                                    replies.map((one) =>
                                        one === reply ? { ...one, text: event.target.value } : one,
                                    ),
                                )
                            }
                        />
                    ))}
                </fieldset>
                <DrillChoice drill={drill} onChange={setDrill} />
                {problem !== undefined && (
                    <p className="notice notice--error" role="alert">
                        {problem}
                    </p>
                )}
                {sure && (
                    <p className="notice notice--warning" role="alert">
                        {t.alarms.sure(people ?? "")}
                    </p>
                )}
                <div className="actions__row">
                    <button type="submit" className="button button--danger" aria-disabled={busy}>
                        {sure ? t.alarms.sendNow : t.alarms.sendToAll}
                    </button>
                    <button type="button" className="button" onClick={onClose}>
                        {t.app.cancel}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

/** How many people an audience is, as the service counts them. */
function useReach(audience: readonly string[]): number | undefined {
    const fhir = useSession((session) => session.fhir);
    const [reach, setReach] = useState<{ of: string; people: number }>();
    const key = audience.join(" ");
    useEffect(() => {
        if (!fhir || !key) return undefined;
        const stop = new AbortController();
        const parameter = key
            .split(" ")
            .map((reference) => ({ name: "recipient", valueReference: { reference } }));
        fhir.ask("CommunicationRequest/$reach", parameter).then(
            (answer) => {
                const people = (answer as { parameter?: { valueInteger?: number }[] }).parameter?.[0];
                if (!stop.signal.aborted) setReach({ of: key, people: people?.valueInteger ?? 0 });
            },
            () => undefined,
        );
        return () => stop.abort();
    }, [fhir, key]);
    return reach?.of === key ? reach.people : undefined;
}

function Audience(props: { chosen: string[]; onChange: (chosen: string[]) => void }): JSX.Element {
    const { data: roles } = useOnCall();
    const { data: places } = usePlaces();
    const { data: teams } = useTeams();
    const everybody = props.chosen.includes(EVERYBODY);
    const groups = useMemo(
        () => [
            {
                title: t.alarms.teams,
                options: (teams ?? []).map((one) => ({ value: `CareTeam/${one.id}`, name: one.name })),
            },
            {
                title: t.alarms.wards,
                options: [...(places?.values() ?? [])]
                    .filter((one) => one.kind === "ward")
                    .map((one) => ({ value: `Location/${one.id}`, name: one.name })),
            },
            {
                title: t.alarms.roles,
                options: (roles ?? []).map((one) => ({
                    value: `HealthcareService/${one.id}`,
                    name: one.name,
                })),
            },
        ],
        [roles, places, teams],
    );
    const toggle = (value: string): void =>
        props.onChange(
            props.chosen.includes(value)
                ? props.chosen.filter((one) => one !== value)
                : [...props.chosen, value],
        );
    return (
        <fieldset className="choices audience">
            <legend>{t.alarms.audience}</legend>
            <label className="choice choice--line">
                <input
                    type="checkbox"
                    checked={everybody}
                    onChange={() => props.onChange(everybody ? [] : [EVERYBODY])}
                />
                <span>{t.alarms.everybody}</span>
            </label>
            {!everybody &&
                groups
                    .filter((group) => group.options.length > 0)
                    .map((group) => (
                        <details key={group.title} className="audience__group">
                            <summary>{group.title}</summary>
                            {group.options.map((option) => (
                                <label key={option.value} className="choice choice--line">
                                    <input
                                        type="checkbox"
                                        checked={props.chosen.includes(option.value)}
                                        onChange={() => toggle(option.value)}
                                    />
                                    <span>{option.name}</span>
                                </label>
                            ))}
                        </details>
                    ))}
        </fieldset>
    );
}
