import type { JSX } from "react";
import { t } from "../i18n/index.ts";

/** Whether a call is only practised. */
export function DrillChoice(props: { drill: boolean; onChange: (drill: boolean) => void }): JSX.Element {
    return (
        <label className="choice choice--line">
            <input
                type="checkbox"
                checked={props.drill}
                onChange={(event) => props.onChange(event.target.checked)}
            />
            <span>
                {t.alarms.isDrill} <span className="muted">{t.alarms.isDrillHint}</span>
            </span>
        </label>
    );
}
