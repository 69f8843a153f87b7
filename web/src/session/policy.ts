/** What the hospital allows and asks of this app: `GET /_wardline/client/v1/policy`. */
import { useQuery } from "@tanstack/react-query";
import * as v from "valibot";
import { careful } from "./careful.ts";
import { useSession } from "./store.ts";

const seconds = v.pipe(v.number(), v.integer(), v.minValue(1));

const PolicySchema = v.object({
    /** Messages may be passed on to other conversations. */
    forward: v.boolean(),
    /** A notification may show who wrote and what; without it only that something came, and how urgent it is. */
    notification_text: v.boolean(),
    /** The app asks for a PIN or the device's own unlocking after a while. */
    lock: v.picklist(["required", "offered", "off"]),
    lock_idle_seconds: seconds,
    lock_background_seconds: seconds,
    /** Wrong PINs in a row after which the device erases what it holds. */
    lock_attempts: v.pipe(v.number(), v.integer(), v.minValue(3)),
});
export type Policy = v.InferOutput<typeof PolicySchema>;

/** Reads a policy; `undefined` when it is none. */
export function readPolicy(value: unknown): Policy | undefined {
    const result = v.safeParse(PolicySchema, value);
    return result.success ? result.output : undefined;
}

/** The policy, renewed now and then. */
export function usePolicy(): Policy {
    const authorised = useSession((session) => session.authorised);
    const { data } = useQuery({
        queryKey: ["policy"],
        enabled: authorised !== undefined,
        staleTime: 15 * 60_000,
        refetchInterval: 30 * 60_000,
        queryFn: async () => {
            const response = await authorised?.("/_wardline/client/v1/policy");
            const policy = response?.ok === true ? readPolicy(await response.json()) : undefined;
            if (!policy) throw new Error("the policy could not be fetched");
            return policy;
        },
    });
    return data ?? careful;
}
