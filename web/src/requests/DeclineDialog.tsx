import type { JSX } from "react";
import { useRequests } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { PatientSummary } from "../patients/PatientBanner.tsx";
import { useDeclining } from "../push/declining.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { WordsForm } from "./ActionForms.tsx";
import type { Request } from "./model.ts";
import { useRequestAction } from "./use-request.ts";

/** Asks whoever pressed Decline in a notification for the reason. */
export function DeclineDialog(): JSX.Element | null {
    const requestId = useDeclining((declining) => declining.requestId);
    const { data } = useRequests();
    const request = data?.find(({ id }) => id === requestId);
    return request ? <Reason key={request.id} request={request} /> : null;
}

function Reason({ request }: { request: Request }): JSX.Element {
    const { act, busy, problem } = useRequestAction(request);
    const close = (): void => useDeclining.setState({ requestId: undefined });
    const decline = async (reason: string): Promise<void> => {
        if (await act("decline", { reason })) close();
    };
    return (
        <Dialog title={t.requests.actionName.decline} onClose={close}>
            {request.patientRef !== undefined && <PatientSummary patientRef={request.patientRef} />}
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            <WordsForm
                busy={busy}
                label={t.requests.declineReason}
                hint={t.requests.declineHint}
                missing={t.requests.declineNeedsReason}
                suggestions={t.requests.declineSuggestions}
                send={t.requests.actionName.decline}
                onCancel={close}
                onSend={(reason) => void decline(reason)}
            />
        </Dialog>
    );
}
