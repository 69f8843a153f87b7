import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { showHintsAgain } from "./Hint.tsx";
import { Shortcuts } from "./Shortcuts.tsx";

/** How the few things that matter are done, and the keys for those who use them. */
export function HelpDialog({ onClose }: { onClose: () => void }): JSX.Element {
    return (
        <Dialog title={t.help.title} onClose={onClose} wide>
            <div className="help">
                {t.help.topics.map(({ question, answer }) => (
                    <details key={question}>
                        <summary>{question}</summary>
                        <p>{answer}</p>
                    </details>
                ))}
                <button
                    type="button"
                    className="button"
                    onClick={() => {
                        showHintsAgain();
                        onClose();
                    }}
                >
                    {t.help.again}
                </button>
                <Shortcuts />
            </div>
        </Dialog>
    );
}
