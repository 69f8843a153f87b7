import { useId, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { StaffMember } from "../oncall/model.ts";
import { useMe } from "../requests/use-request.ts";
import { Avatar } from "../ui/parts.tsx";
import { DutyLine } from "./DutyLine.tsx";
import { useDirectory } from "./use-directory.ts";

interface PickerProps {
    label: string;
    chosen: StaffMember | undefined;
    onChoose: (person: StaffMember | undefined) => void;
    /** What is wrong with the choice. */
    problem?: string | undefined;
    /** Oneself can be chosen too. */
    withMe?: boolean;
}

/** Finds one colleague as one types; the one chosen stays visible and can be changed. */
export function PersonPicker(props: PickerProps): JSX.Element {
    const { label, chosen, onChoose, problem, withMe = false } = props;
    const me = useMe();
    const [text, setText] = useState("");
    const id = useId();
    const { found, text: asked, searching, kept } = useDirectory(text, ["Practitioner"]);
    const people = found.flatMap((one) =>
        one.kind === "person" && (withMe || one.id !== me) ? [one.person] : [],
    );
    if (chosen) {
        return (
            <div className="picker">
                <p className="picker__label">{label}</p>
                <div className="picker__chosen">
                    <Avatar name={chosen.name} />
                    <span className="row__main">
                        <strong>{chosen.name}</strong>
                        <span className="row__sub">{chosen.job}</span>
                        <DutyLine duty={chosen.duty} />
                    </span>
                    <button
                        type="button"
                        className="button button--quiet"
                        onClick={() => onChoose(undefined)}
                    >
                        {t.directory.change}
                    </button>
                </div>
            </div>
        );
    }
    return (
        <div className="picker">
            <label htmlFor={id}>{label}</label>
            {problem !== undefined && (
                <p id={`${id}-problem`} className="field-error" role="alert">
                    {problem}
                </p>
            )}
            <input
                id={id}
                type="search"
                value={text}
                autoComplete="off"
                placeholder={t.directory.personHint}
                aria-invalid={problem !== undefined}
                aria-describedby={problem === undefined ? undefined : `${id}-problem`}
                onChange={(event) => setText(event.target.value)}
            />
            <div role="status" className="muted">
                {asked !== "" && !searching && people.length === 0 && t.directory.nobody(asked)}
                {kept && t.directory.kept}
            </div>
            {people.length > 0 && (
                <ul className="rows picker__found">
                    {people.map((person) => (
                        <li key={person.id}>
                            <button type="button" className="row" onClick={() => onChoose(person)}>
                                <Avatar name={person.name} />
                                <span className="row__main">
                                    <span className="row__title">{person.name}</span>
                                    <span className="row__sub">{person.job}</span>
                                    <DutyLine duty={person.duty} />
                                </span>
                            </button>
                        </li>
                    ))}
                </ul>
            )}
        </div>
    );
}
