import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { textSizes, themes, useLook } from "../ui/theme.ts";

/** Light or dark, size of text, size of what is pressed, movement. */
export function Appearance(): JSX.Element {
    const { theme, text, large, still, choose } = useLook();
    return (
        <>
            <fieldset className="choices">
                <legend>{t.me.appearance}</legend>
                {themes.map((value) => (
                    <label key={value} className="choice">
                        <input
                            type="radio"
                            name="theme"
                            checked={theme === value}
                            onChange={() => choose({ theme: value })}
                        />
                        {t.me.themes[value]}
                    </label>
                ))}
            </fieldset>
            <fieldset className="choices">
                <legend>{t.me.text}</legend>
                <span className="choices__row">
                    {textSizes.map((value) => (
                        <label key={value} className="choice">
                            <input
                                type="radio"
                                name="text"
                                checked={text === value}
                                onChange={() => choose({ text: value })}
                            />
                            {t.me.percent(value)}
                        </label>
                    ))}
                </span>
            </fieldset>
            <fieldset className="choices">
                <legend>{t.me.ease}</legend>
                <label className="choice">
                    <input
                        type="checkbox"
                        checked={large}
                        onChange={(event) => choose({ large: event.target.checked })}
                    />
                    {t.me.large}
                </label>
                <label className="choice">
                    <input
                        type="checkbox"
                        checked={still}
                        onChange={(event) => choose({ still: event.target.checked })}
                    />
                    {t.me.still}
                </label>
            </fieldset>
        </>
    );
}
