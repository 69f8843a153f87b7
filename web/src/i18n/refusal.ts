/** Why the server refused something, in the language of the screen. */
import { t } from "./index.ts";
import { clockWithDay } from "./time.ts";

/** A refusal as the clients of the server give it: its sentence, and a code where it gave one. */
export interface Refusal {
    message: string;
    /** Of the FHIR API. */
    refusal?: { code?: string | undefined; at?: number | undefined } | undefined;
    /** Of the Matrix API. */
    errcode?: string | undefined;
}

/**
 * The end of a sentence that says why; the server's own sentence, which is English, only where its code is not known here. The
 * codes of the Matrix API say less than its sentences, so they stand in for them in other languages only.
 */
export function refusalWords({ message, refusal, errcode }: Refusal): string {
    const known: Readonly<Record<string, string | undefined>> = t.refusals;
    const english = t.locale.startsWith("en");
    const words = known[refusal?.code ?? ""] ?? (english ? undefined : known[errcode ?? ""]);
    if (words === undefined) return message;
    return refusal?.at === undefined ? words : `${words} (${clockWithDay(refusal.at, Date.now())})`;
}
