/** What this person may change by hand: the rota, and the playbooks. */
import { useQuery } from "@tanstack/react-query";
import * as v from "valibot";
import { useSession } from "../session/store.ts";

const EditingSchema = v.object({ rota: v.boolean(), playbooks: v.boolean() });
export type Editing = v.InferOutput<typeof EditingSchema>;

/** `GET /_wardline/client/v1/editing`; nothing until the server has said so. */
export function useEditing(): Editing {
    const authorised = useSession((session) => session.authorised);
    const { data } = useQuery({
        queryKey: ["editing"],
        enabled: authorised !== undefined,
        staleTime: 60_000,
        queryFn: async () => {
            const response = await authorised?.("/_wardline/client/v1/editing");
            if (response?.ok !== true) throw new Error("the server did not say what may be changed");
            return v.parse(EditingSchema, await response.json());
        },
    });
    return data ?? { rota: false, playbooks: false };
}
