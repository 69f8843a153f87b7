/** After how long the server erases what was said (MSC1763), so that it can be forgotten here too. Pure but for asking. */
import { Method, type MatrixClient, type Room } from "matrix-js-sdk";
import * as v from "valibot";
import { parse } from "../matrix/events.ts";

const PREFIX = "/_matrix/client/unstable/org.matrix.msc1763";

const RulesSchema = v.object({
    policies: v.optional(v.record(v.string(), v.object({ max_lifetime: v.optional(v.number()) })), {}),
    limits: v.object({
        /** Absent where nothing is ever erased. */
        max_lifetime: v.optional(v.object({ min: v.optional(v.number()), max: v.optional(v.number()) })),
    }),
    /** Ours: beginnings of the types of rooms in which nothing is erased. */
    "org.wardline.exempt_types": v.optional(v.array(v.string()), []),
});

/** When the server erases, in milliseconds. */
export interface Rules {
    /** In rooms that say nothing themselves. */
    otherwise: number | undefined;
    shortest: number;
    longest: number;
    exempt: readonly string[];
}

/** What the server's answer says; `undefined` where it erases nothing. */
export function rulesOf(answer: unknown): Rules | undefined {
    const read = parse(RulesSchema, answer);
    const limits = read?.limits.max_lifetime;
    if (!read || !limits) return undefined;
    const shortest = limits.min ?? 0;
    return {
        otherwise: read.policies["*"]?.max_lifetime,
        shortest,
        longest: Math.max(limits.max ?? Infinity, shortest),
        exempt: read["org.wardline.exempt_types"],
    };
}

/** Asks the server. */
export async function fetchRules(client: MatrixClient): Promise<Rules | undefined> {
    const options = { prefix: PREFIX };
    return rulesOf(
        await client.http.authedRequest(
            Method.Get,
            "/retention/configuration",
            undefined,
            undefined,
            options,
        ),
    );
}

/** How long what is said in a room of this type lives, where the room itself asks for `own`; `undefined`: for ever. */
export function lifetime(
    { otherwise, shortest, longest, exempt }: Rules,
    type: string | undefined,
    own: unknown,
): number | undefined {
    if (exempt.some((beginning) => (type ?? "").startsWith(beginning))) return undefined;
    return typeof own === "number" ? Math.min(longest, Math.max(shortest, own)) : otherwise;
}

/** What was said in a room before this instant is erased; `undefined` where nothing is. */
export function erasedBefore(rules: Rules, room: Room, now: number): number | undefined {
    const own: unknown = room.currentState.getStateEvents("m.room.retention", "")?.getContent()[
        "max_lifetime"
    ];
    const lives = lifetime(rules, room.getType(), own);
    return lives === undefined ? undefined : now - lives;
}
