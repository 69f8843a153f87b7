import { useQuery } from "@tanstack/react-query";
import { object, optional, parse, string, type InferOutput } from "valibot";
import { useSession } from "./store.ts";

const Role = object({ name: string(), ods: optional(string()) });
const Who = object({ "org.wardline.role": optional(Role) });

/** The role that a person signed in with, where their identity provider knows roles (NHS CIS2). */
export type SignedInRole = InferOutput<typeof Role>;

/** In which role this session is, if in one. It changes only by signing in again. */
export function useRole(): SignedInRole | undefined {
    const authorised = useSession((session) => session.authorised);
    const { data } = useQuery({
        queryKey: ["role"],
        enabled: authorised !== undefined,
        staleTime: Infinity,
        queryFn: async () => {
            const response = await authorised?.("/_matrix/client/v3/account/whoami");
            if (!response?.ok) throw new Error("the session could not be asked for");
            return parse(Who, await response.json())["org.wardline.role"] ?? null;
        },
    });
    return data ?? undefined;
}
