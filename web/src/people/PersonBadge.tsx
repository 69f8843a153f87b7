import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { Icon } from "../ui/Icon.tsx";
import { useKind } from "./kind.ts";

/** Says of somebody who is no colleague what they are; nothing of colleagues. */
export function PersonBadge({ userId }: { userId: string }): JSX.Element | null {
    const kind = useKind(userId);
    if (kind === undefined || kind === "staff") return null;
    const machine = kind === "bot" || kind === "clerk";
    return (
        <span className={`badge badge--${kind}`}>
            <Icon name={machine ? "machine" : "outside"} size={16} />
            {t.people.kinds[kind]}
        </span>
    );
}
