/** Who somebody is: staff, or not. The server says so in the profile, where nobody else can write it (`docs/oauth.md`). */
import { useQuery } from "@tanstack/react-query";
import * as v from "valibot";
import { useStaff } from "../fhir/queries.ts";
import { isClerk, localpart, serverOf } from "../matrix/rooms.ts";
import { useClient, useSession } from "../session/store.ts";

export type Kind = "staff" | "patient" | "outsider" | "bot" | "clerk";

const FIELD = "org.wardline.kind";
const ProfileSchema = v.object({
    [FIELD]: v.optional(v.fallback(v.picklist(["patient", "outsider", "service"]), "outsider")),
});

/** The kind in a profile: none is staff, one that nobody knows is an outsider. */
export function kindIn(profile: unknown): Kind {
    const parsed = v.safeParse(ProfileSchema, profile);
    const kind = parsed.success ? parsed.output[FIELD] : undefined;
    return kind === "service" ? "bot" : (kind ?? "staff");
}

/** What somebody is; `undefined` while it is not known. */
export function useKind(userId: string): Kind | undefined {
    const own = serverOf(useClient().getSafeUserId());
    const authorised = useSession((session) => session.authorised);
    const { data: staff } = useStaff();
    const here = serverOf(userId) === own;
    const clerk = here && isClerk(userId);
    const known = here && staff?.has(localpart(userId)) === true;
    const { data } = useQuery({
        queryKey: ["kind", userId],
        enabled: authorised !== undefined && staff !== undefined && here && !clerk && !known,
        staleTime: 10 * 60_000,
        queryFn: async () => {
            const response = await authorised?.(`/_matrix/client/v3/profile/${encodeURIComponent(userId)}`);
            if (response?.ok !== true) throw new Error("the profile could not be fetched");
            return kindIn(await response.json());
        },
    });
    if (clerk) return "clerk";
    if (!here) return "outsider";
    return known ? "staff" : data;
}
