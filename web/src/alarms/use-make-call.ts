import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { FhirError } from "../fhir/client.ts";
import { keys } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { useSession } from "../session/store.ts";
import { useOpenBoard } from "./CallBar.tsx";

/**
 * Makes one call, crash call or broadcast, under an id of its own, so that trying again calls nobody twice; then the dialog is
 * closed and the call's board shown. `after` does what follows from the service's answer.
 */
export function useMakeCall(onClose: () => void): {
    id: string;
    make: (resource: Record<string, unknown>, after?: (made: unknown) => Promise<void>) => Promise<boolean>;
    busy: boolean;
    problem: string | undefined;
    setProblem: (problem: string | undefined) => void;
} {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const show = useOpenBoard();
    const [id] = useState(() => crypto.randomUUID());
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const make = async (
        resource: Record<string, unknown>,
        after?: (made: unknown) => Promise<void>,
    ): Promise<boolean> => {
        if (busy || !fhir) return false;
        setBusy(true);
        setProblem(undefined);
        try {
            const made = await fhir.put("CommunicationRequest", id, resource);
            await after?.(made);
            for (const key of [keys.calls, keys.requests]) void queries.invalidateQueries({ queryKey: key });
            onClose();
            show(id);
            return true;
        } catch (error) {
            setProblem(
                error instanceof FhirError ? t.alarms.refused(refusalWords(error)) : t.alarms.callFailed,
            );
            setBusy(false);
            return false;
        }
    };
    return { id, make, busy, problem, setProblem };
}
