import { useId, useState, type JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { found } from "../search/match.ts";
import { useMe } from "../requests/use-request.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar } from "../ui/parts.tsx";

interface ColleaguesProps {
    /** Practitioner ids that are not offered. */
    without?: ReadonlySet<string>;
    /** Those who are chosen, where several can be; without it a press chooses one. */
    chosen?: ReadonlySet<string>;
    onChoose: (practitionerId: string) => void;
}

/** Colleagues to choose from, found by name, job or user name. */
export function Colleagues({ without, chosen, onChoose }: ColleaguesProps): JSX.Element {
    const me = useMe();
    const { data: staff } = useStaff();
    const [wanted, setWanted] = useState("");
    const id = useId();
    const shown = [...(staff?.values() ?? [])]
        .filter((one) => one.id !== me && without?.has(one.id) !== true)
        .filter((one) => found(wanted, one.name, one.job, one.id))
        .toSorted((a, b) => a.name.localeCompare(b.name, t.locale));
    return (
        <>
            <label htmlFor={id}>{t.chats.search}</label>
            <input
                autoComplete="off"
                id={id}
                type="search"
                value={wanted}
                onChange={(event) => setWanted(event.target.value)}
            />
            <ul className="rows">
                {shown.map((one) => (
                    <li key={one.id}>
                        <button
                            type="button"
                            className="row"
                            aria-pressed={chosen?.has(one.id)}
                            onClick={() => onChoose(one.id)}
                        >
                            <Avatar name={one.name} />
                            <span className="row__main">
                                <span className="row__title">{one.name}</span>
                                <span className="row__sub">{one.job}</span>
                            </span>
                            {chosen?.has(one.id) === true && <Icon name="action" />}
                        </button>
                    </li>
                ))}
            </ul>
            {shown.length === 0 && <p className="muted">{t.chats.noColleague}</p>}
        </>
    );
}
