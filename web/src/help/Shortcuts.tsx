import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { chooseHelpKey, useHelp } from "./use-shortcuts.ts";

/** The keys, in the order in which they are shown. */
const keys: readonly [readonly string[], keyof typeof t.help.keys][] = [
    [["?"], "help"],
    [["Ctrl", "K"], "search"],
    [["Alt", "1"], "chats"],
    [["Alt", "2"], "patients"],
    [["Alt", "3"], "onCall"],
    [["Alt", "4"], "requests"],
    [["Alt", "N"], "next"],
    [["Alt", "P"], "previous"],
    [["Alt", "W"], "write"],
    [["Alt", "A"], "ask"],
    [["Enter"], "send"],
    [["Shift", "Enter"], "line"],
    [["↑"], "edit"],
    [["Esc"], "close"],
];

/** What can be done with the keyboard. */
export function Shortcuts(): JSX.Element {
    const byKey = useHelp((help) => help.key);
    return (
        <section aria-label={t.help.keyboard}>
            <h3>{t.help.keyboard}</h3>
            <dl className="keys">
                {keys.map(([stroke, name]) => (
                    <div key={name}>
                        <dt>
                            {stroke.map((key) => (
                                <kbd key={key}>{key}</kbd>
                            ))}
                        </dt>
                        <dd>{t.help.keys[name]}</dd>
                    </div>
                ))}
            </dl>
            <label className="choice">
                <input
                    type="checkbox"
                    checked={byKey}
                    onChange={(event) => chooseHelpKey(event.target.checked)}
                />
                {t.help.byKey}
            </label>
        </section>
    );
}
