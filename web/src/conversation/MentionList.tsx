import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Mentionable } from "../matrix/mentions.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar } from "../ui/parts.tsx";

interface MentionListProps {
    id: string;
    found: readonly Mentionable[];
    at: number;
    onChoose: (one: Mentionable) => void;
}

/** Who can be named, above the composer; the keys stay in the field. */
export function MentionList({ id, found, at, onChoose }: MentionListProps): JSX.Element {
    return (
        <div className="mentions" role="listbox" id={id} aria-label={t.mention.list}>
            {found.map((one, index) => (
                <div
                    key={`${one.kind} ${one.id}`}
                    id={`${id}-${index}`}
                    role="option"
                    tabIndex={-1}
                    aria-selected={index === at}
                    className="mentions__one"
                    // The field keeps the focus.
                    onPointerDown={(event) => {
                        event.preventDefault();
                        onChoose(one);
                    }}
                >
                    {one.kind === "role" ? <Icon name="on-call" /> : <Avatar name={one.name} />}
                    <span>
                        <strong>{one.name}</strong> <span className="muted">{one.detail}</span>
                    </span>
                </div>
            ))}
        </div>
    );
}
