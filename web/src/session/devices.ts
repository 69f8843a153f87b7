import { useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { array, boolean, nullable, number, object, optional, parse, string, type InferOutput } from "valibot";
import { StepUpNeeded } from "../matrix/key-service.ts";
import { useSession } from "./store.ts";

const Session = object({
    this: boolean(),
    device_id: string(),
    display_name: nullable(string()),
    last_seen_ts: number(),
    last_seen_ip: nullable(string()),
    client: optional(nullable(object({ name: optional(nullable(string())), uri: string() }))),
});

const Erasure = object({
    device_id: string(),
    display_name: nullable(string()),
    asked_ts: number(),
    confirmed_ts: nullable(number()),
});

const Sessions = object({ sessions: array(Session), erasures: array(Erasure) });

export type DeviceSession = InferOutput<typeof Session>;

const PATH = "/_wardline/client/v1/sessions";
const KEY = ["sessions"];

/** The person's devices, and those that were signed out from elsewhere; fetched when they are `wanted`. */
export function useDevices(wanted = true): UseQueryResult<InferOutput<typeof Sessions>> {
    const authorised = useSession((session) => session.authorised);
    return useQuery({
        queryKey: KEY,
        enabled: wanted && authorised !== undefined,
        queryFn: async () => {
            const response = await authorised?.(PATH);
            if (!response?.ok) throw new Error("the devices could not be fetched");
            return parse(Sessions, await response.json());
        },
    });
}

/** Signs devices out, one or all others; they erase what they hold. */
export function useSignOut(): (deviceId?: string) => Promise<void> {
    const authorised = useSession((session) => session.authorised);
    const queries = useQueryClient();
    return async (deviceId) => {
        const path =
            deviceId === undefined ? `${PATH}/end_others` : `${PATH}/${encodeURIComponent(deviceId)}/end`;
        const response = await authorised?.(path, { method: "POST" });
        await queries.invalidateQueries({ queryKey: KEY });
        if (response?.status === 401) throw new StepUpNeeded("the person signed in too long ago");
        if (!response?.ok && response?.status !== 404) throw new Error("the device could not be signed out");
    };
}
