import { lazy, Suspense, useCallback, useId, useState, type JSX } from "react";
import { Link } from "wouter";
import { BroadcastButton, CrashCallButton } from "../alarms/CrashCall.tsx";
import { useDirectory } from "../directory/use-directory.ts";
import { Results } from "../directory/Results.tsx";
import { useOnCall, useTeams } from "../fhir/queries.ts";
import { Hint } from "../help/Hint.tsx";
import { t } from "../i18n/index.ts";
import { pagePath } from "../paths.ts";
import { AskDialog } from "../requests/AskDialog.tsx";
import type { Addressee } from "../requests/model.ts";
import { Icon } from "../ui/Icon.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { useEditing } from "./editing.ts";
import { asked, isVacant } from "./model.ts";
import { Offers } from "./Offers.tsx";
import { RoleRow } from "./RoleRow.tsx";
import { TeamRow } from "./TeamRow.tsx";

const ScanCode = lazy(async () => ({ default: (await import("./ScanCode.tsx")).ScanCode }));

/** Every role and who holds it now, or in words and red that nobody does; and the directory as one types. */
export function OnCallScreen({ opened }: { opened: string | undefined }): JSX.Element {
    const [question, setQuestion] = useState("");
    const [asking, setAsking] = useState<Addressee>();
    const [scanning, setScanning] = useState(false);
    const endScan = useCallback(() => setScanning(false), []);
    const directory = useDirectory(question);
    const id = useId();
    return (
        <>
            <div className="search" role="search">
                <label htmlFor={id}>{t.directory.search}</label>
                <input
                    id={id}
                    type="search"
                    value={question}
                    autoComplete="off"
                    placeholder={t.directory.example}
                    onChange={(event) => setQuestion(event.target.value)}
                />
                <button type="button" className="button button--quiet" onClick={() => setScanning(true)}>
                    <Icon name="camera" size={18} /> {t.role.scan}
                </button>
            </div>
            {scanning && (
                <Suspense>
                    <ScanCode onClose={endScan} />
                </Suspense>
            )}
            {directory.text === "" ? (
                <Board opened={opened} onAsk={setAsking} />
            ) : (
                <Results {...directory} onAsk={setAsking} />
            )}
            {asking && <AskDialog to={asking} onClose={() => setAsking(undefined)} />}
        </>
    );
}

function Board({
    opened,
    onAsk,
}: {
    opened: string | undefined;
    onAsk: (to: Addressee) => void;
}): JSX.Element {
    const roles = useOnCall();
    const { data: teams } = useTeams();
    const editing = useEditing();
    if (roles.isPending) return <Loading />;
    const vacant = (roles.data ?? []).filter(isVacant).length;
    return (
        <>
            {roles.isError && (
                <LoadFailed stale={roles.data !== undefined} retry={() => void roles.refetch()} />
            )}
            <div className="alarm-buttons">
                <CrashCallButton />
                <BroadcastButton />
            </div>
            <Offers />
            <Hint name="onCall" />
            {roles.data?.length === 0 && <Empty icon="on-call">{t.onCall.empty}</Empty>}
            {vacant > 0 && (
                <p className="vacancy-count">
                    <Icon name="nobody" size={18} /> {t.onCall.vacant(vacant)}
                </p>
            )}
            <ul className="rows">
                {roles.data?.map((role) => (
                    <RoleRow key={role.id} role={role} opened={opened} onAsk={() => onAsk(asked(role))} />
                ))}
            </ul>
            {editing.playbooks && (
                <p className="board__tools">
                    <Link className="button button--quiet" href={pagePath("on-call", "playbook", "")}>
                        {t.playbooks.title}
                    </Link>
                </p>
            )}
            {teams && teams.length > 0 && (
                <section className="group" aria-label={t.team.title}>
                    <h2 className="group__title">{t.team.title}</h2>
                    <ul className="rows">
                        {teams.map((team) => (
                            <TeamRow key={team.id} team={team} />
                        ))}
                    </ul>
                </section>
            )}
        </>
    );
}
