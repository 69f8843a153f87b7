import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { FhirError, type ParameterValue } from "../fhir/client.ts";
import { keys } from "../fhir/queries.ts";
import { HealthcareServiceSchema, readAll } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { useSession } from "../session/store.ts";
import { roleOf, type OnCallRole } from "./model.ts";

export type RoleAction = "take" | "take-over" | "offer" | "accept-offer" | "decline-offer" | "release";

/** Changes who holds a role; the answer is on the board at once. */
export function useRoleAction(roleId: string): {
    act: (action: RoleAction, parameters?: Record<string, ParameterValue>) => Promise<boolean>;
    busy: boolean;
    problem: string | undefined;
} {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const act = async (action: RoleAction, parameters?: Record<string, ParameterValue>): Promise<boolean> => {
        if (!fhir || busy) return false;
        setBusy(true);
        setProblem(undefined);
        try {
            const answer = await fhir.operation("HealthcareService", roleId, action, parameters);
            const found = readAll(HealthcareServiceSchema, [answer])[0];
            if (found) {
                const role = roleOf(found);
                queries.setQueryData<OnCallRole[]>(keys.onCall, (known) =>
                    known?.map((one) => (one.id === role.id ? role : one)),
                );
            }
            return true;
        } catch (error) {
            setProblem(
                error instanceof FhirError ? t.role.failed(refusalWords(error)) : t.role.failedOffline,
            );
            return false;
        } finally {
            setBusy(false);
            // With a role come and go requests and patients.
            for (const key of [keys.onCall, keys.shifts, keys.requests, keys.patients, keys.handover])
                void queries.invalidateQueries({ queryKey: key });
        }
    };
    return { act, busy, problem };
}
