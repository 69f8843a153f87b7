import { t } from "../i18n/index.ts";
import type { Actionable } from "./actions.ts";

/** What an item says, as text. */
export function wordsOf(item: Actionable): string {
    return item.kind === "message"
        ? item.text
        : t.requests.preview(item.content.class, item.content.to.display);
}
