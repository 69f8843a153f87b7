import { useState, type JSX } from "react";
import { chooseLanguage, languages, t, useLanguage, type LanguageChoice as Choice } from "./index.ts";

const choices: readonly Choice[] = ["auto", ...languages];

/** In which language the app speaks. */
export function LanguageChoice(): JSX.Element {
    const chosen = useLanguage((speaking) => speaking.choice);
    const [failed, setFailed] = useState(false);
    const choose = async (choice: Choice): Promise<void> => {
        setFailed(false);
        try {
            await chooseLanguage(choice);
        } catch {
            setFailed(true);
        }
    };
    return (
        <fieldset className="choices">
            <legend>{t.me.language}</legend>
            {failed && (
                <p className="field-error" role="alert">
                    {t.chats.failed}
                </p>
            )}
            {choices.map((choice) => (
                <label key={choice} className="choice">
                    <input
                        type="radio"
                        name="language"
                        checked={chosen === choice}
                        onChange={() => void choose(choice)}
                    />
                    <span lang={choice === "auto" ? undefined : choice}>{t.me.languages[choice]}</span>
                </label>
            ))}
        </fieldset>
    );
}
