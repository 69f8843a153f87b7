/** The Ask form as data: what is written, what is missing, and the event and Task it becomes. */
import { t } from "../i18n/index.ts";
import { REQUEST, type RequestClass, type RequestContent, type Sbar } from "../matrix/events.ts";
import type { OutboxItem } from "../matrix/outbox-logic.ts";
import { taskFor, type Addressee } from "./model.ts";

export interface AskForm {
    /** `role:<id>`, `person:<id>`, `team:<id>` or `ward:<id>`; empty when not chosen. */
    to: string;
    class: RequestClass;
    minutes: string;
    sbar: Sbar;
    text: string;
}

export const emptyAsk: AskForm = {
    to: "",
    class: "action",
    minutes: "30",
    sbar: { situation: "", background: "", assessment: "", recommendation: "" },
    text: "",
};

/** What is usual for a class, offered when the class is chosen. */
export const usualMinutes: Record<RequestClass, number> = { urgent: 5, action: 30, information: 240 };

export type AskField = "patient" | "to" | "minutes" | "words";

function wholeMinutes(minutes: string): number | undefined {
    const value = Number(minutes);
    return Number.isInteger(value) && value >= 1 && value <= 1440 ? value : undefined;
}

/** What is missing, by field, in words. */
export function askProblems(form: AskForm, roomId: string | undefined): Partial<Record<AskField, string>> {
    const problems: Partial<Record<AskField, string>> = {};
    if (roomId === undefined) problems.patient = t.ask.needPatient;
    if (!form.to) problems.to = t.ask.needTo;
    if (wholeMinutes(form.minutes) === undefined) problems.minutes = t.ask.needMinutes;
    const words = [form.text, ...Object.values(form.sbar)];
    if (words.every((value) => !value.trim())) problems.words = t.ask.needWords;
    return problems;
}

interface Ready {
    form: AskForm;
    to: Addressee;
    roomId: string;
    patientRef: string;
    requesterId: string;
    id: string;
    now: number;
}

/** What goes into the outbox: the words for the conversation, and the Task without them. */
export function askEntry(ready: Ready): Pick<OutboxItem, "roomId" | "type" | "content" | "request"> {
    const { form, to, roomId, id, now } = ready;
    const neededBy = now + (wholeMinutes(form.minutes) ?? 1) * 60_000;
    const sbar = Object.fromEntries(
        Object.entries(form.sbar).flatMap(([field, words]) => (words.trim() ? [[field, words.trim()]] : [])),
    ) as Partial<Sbar>;
    const content: Partial<Omit<RequestContent, "sbar">> & { sbar?: Partial<Sbar> } = {
        request_id: id,
        class: form.class,
        to,
        needed_by: neededBy,
        body: t.ask.body(form.class, to.display),
    };
    if (Object.keys(sbar).length > 0) content.sbar = sbar;
    if (form.text.trim()) content.text = form.text.trim();
    const task = taskFor({
        id,
        class: form.class,
        to,
        patientRef: ready.patientRef,
        roomId,
        requesterId: ready.requesterId,
        now,
        neededBy,
    });
    return { roomId, type: REQUEST, content, request: { id, task } };
}
