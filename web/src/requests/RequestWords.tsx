import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import type { RequestContent } from "../matrix/events.ts";

const fields = ["situation", "background", "assessment", "recommendation"] as const;

/** The words of a request, from its encrypted event: SBAR where written, then free text. */
export function RequestWords({ content }: { content: RequestContent }): JSX.Element {
    const written = fields.filter((field) => content.sbar?.[field]);
    return (
        <>
            {written.length > 0 && (
                <dl className="sbar">
                    {written.map((field) => (
                        <div key={field}>
                            <dt>{t.requests.sbar[field]}</dt>
                            <dd dir="auto">{content.sbar?.[field]}</dd>
                        </div>
                    ))}
                </dl>
            )}
            {content.text && (
                <p className="request__text" dir="auto">
                    {content.text}
                </p>
            )}
        </>
    );
}
