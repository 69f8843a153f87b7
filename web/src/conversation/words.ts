import { t } from "../i18n/index.ts";
import type { Actionable } from "./actions.ts";

/** What an item says, as text. */
export function wordsOf(item: Actionable): string {
    if (item.kind === "request") return t.requests.preview(item.content.class, item.content.to.display);
    return item.media ? t.attachments.line(item.media) : item.text;
}
