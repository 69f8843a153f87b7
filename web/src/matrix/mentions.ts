/** Naming people and roles in a message (client-server API, "User and room mentions"). Pure. */
import * as v from "valibot";
import { ROLE_MENTIONS } from "./events.ts";

const MentionsSchema = v.object({ user_ids: v.optional(v.array(v.string()), []) });

const RolesSchema = v.array(v.string());

/** Whom a message names: user ids (they begin with an `@`) and ids of roles. */
export function mentioned(content: Record<string, unknown>): string[] {
    const people = v.safeParse(MentionsSchema, content["m.mentions"]);
    const roles = v.safeParse(RolesSchema, content[ROLE_MENTIONS]);
    return [
        ...(people.success ? people.output.user_ids.filter((id) => id.startsWith("@")) : []),
        ...(roles.success ? roles.output.filter((id) => !id.startsWith("@")) : []),
    ];
}

/** Somebody or something that can be named after an `@`. */
export interface Mentionable {
    kind: "person" | "role";
    /** Practitioner or role id. */
    id: string;
    name: string;
    /** What tells it apart: a job, or who holds the role. */
    detail: string;
    /** Who is told: the person, or whoever holds the role now. */
    userId?: string | undefined;
}

/** The `@` and the letters after it that stand before the caret, if somebody is being named. */
export function partialMention(text: string, caret: number): { from: number; query: string } | undefined {
    const before = text.slice(0, caret);
    const match = /(?:^|\s)@([\p{L}\p{M}'’-]*(?: [\p{L}\p{M}'’-]*)?)$/u.exec(before);
    if (!match) return undefined;
    const query = match[1] ?? "";
    return { from: caret - query.length - 1, query };
}

/** Who fits what was typed: those with a word that begins so, at most `most`. */
export function fitting(all: readonly Mentionable[], query: string, most = 6): Mentionable[] {
    const wanted = query.trim().toLocaleLowerCase();
    const fits = (one: Mentionable): boolean => {
        const name = one.name.toLocaleLowerCase();
        return (
            name.startsWith(wanted) ||
            name.split(/\s+/).some((word) => word.startsWith(wanted)) ||
            (wanted.includes(" ") && name.includes(wanted))
        );
    };
    return all.filter(fits).slice(0, most);
}

/** `text` with the name put in for what was typed, and where the caret stands then. */
export function completed(
    text: string,
    caret: number,
    from: number,
    name: string,
): { text: string; caret: number } {
    const put = `@${name} `;
    return { text: text.slice(0, from) + put + text.slice(caret), caret: from + put.length };
}

/** What of `all` is named in `text`, the longest names first. */
export function namedIn(text: string, all: readonly Mentionable[]): Mentionable[] {
    let rest = text;
    const found: Mentionable[] = [];
    for (const one of all.toSorted((a, b) => b.name.length - a.name.length)) {
        if (!rest.includes(`@${one.name}`)) continue;
        found.push(one);
        rest = rest.replaceAll(`@${one.name}`, "");
    }
    return found;
}

/** What a message's content says about whom it names; empty when it names nobody. */
export function mentionContent(named: readonly Mentionable[]): Record<string, unknown> {
    if (named.length === 0) return {};
    const people = [...new Set(named.flatMap((one) => one.userId ?? []))];
    const roles = named.filter((one) => one.kind === "role").map((one) => one.id);
    return {
        "m.mentions": people.length > 0 ? { user_ids: people } : {},
        ...(roles.length > 0 && { [ROLE_MENTIONS]: roles }),
    };
}
