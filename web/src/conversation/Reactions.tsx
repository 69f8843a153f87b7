import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Reaction } from "../matrix/relations.ts";

/** The signs under a message. Pressing one joins it, or takes one's own back, where that can still be done. */
export function Reactions({
    reactions,
    onToggle,
}: {
    reactions: readonly Reaction[];
    onToggle?: ((key: string) => void) | undefined;
}): JSX.Element | null {
    if (reactions.length === 0) return null;
    return (
        <ul className="reactions" aria-label={t.actions.reactions}>
            {reactions.map((one) => (
                <li key={one.key}>
                    <button
                        type="button"
                        className="reaction"
                        aria-pressed={one.mine !== undefined}
                        aria-label={t.actions.reactedBy(t.actions.signName(one.key), one.names)}
                        title={one.names.join(", ")}
                        aria-disabled={onToggle === undefined}
                        onClick={() => onToggle?.(one.key)}
                    >
                        <span aria-hidden="true">{one.key}</span>
                        <span aria-hidden="true">{one.names.length}</span>
                    </button>
                </li>
            ))}
        </ul>
    );
}
