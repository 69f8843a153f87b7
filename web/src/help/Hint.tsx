import type { JSX } from "react";
import { create } from "zustand";
import { t } from "../i18n/index.ts";
import { Icon } from "../ui/Icon.tsx";
import { settings } from "../ui/settings.ts";

/** What is explained in its place, until somebody has understood it. */
export type HintName = keyof typeof t.help.hints;

const KEY = "wardline-hints";

function stored(): ReadonlySet<string> {
    return new Set((settings().getItem(KEY) ?? "").split(" ").filter(Boolean));
}

/** The hints that were understood on this device. */
export const useHints = create<{ done: ReadonlySet<string> }>(() => ({ done: stored() }));

function keep(done: ReadonlySet<string>): void {
    if (done.size === 0) settings().removeItem(KEY);
    else settings().setItem(KEY, [...done].join(" "));
    useHints.setState({ done });
}

/** Shows every hint again. */
export function showHintsAgain(): void {
    keep(new Set());
}

/** One sentence about what can be done here. */
export function Hint({ name }: { name: HintName }): JSX.Element | null {
    const done = useHints((hints) => hints.done);
    if (done.has(name)) return null;
    return (
        <div className="hint">
            <Icon name="information" size={20} />
            <p>{t.help.hints[name]}</p>
            <button
                type="button"
                className="button button--quiet"
                onClick={() => keep(new Set([...done, name]))}
            >
                {t.help.understood}
            </button>
        </div>
    );
}
