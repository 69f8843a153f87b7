import { useId, useState, type JSX } from "react";
import { useLocation } from "wouter";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { useMe } from "../requests/use-request.ts";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Avatar } from "../ui/parts.tsx";
import { startDirect } from "./direct.ts";

/** The button that starts a conversation with a colleague. */
export function NewChat(): JSX.Element {
    const [open, setOpen] = useState(false);
    return (
        <>
            <button
                type="button"
                className="icon-button filters__new"
                aria-label={t.chats.new}
                onClick={() => setOpen(true)}
            >
                <Icon name="plus" />
            </button>
            {open && (
                <Dialog title={t.chats.new} onClose={() => setOpen(false)}>
                    <Colleagues onClose={() => setOpen(false)} />
                </Dialog>
            )}
        </>
    );
}

function Colleagues({ onClose }: { onClose: () => void }): JSX.Element {
    const client = useClient();
    const me = useMe();
    const { data: staff } = useStaff();
    const [, navigate] = useLocation();
    const [wanted, setWanted] = useState("");
    const [failed, setFailed] = useState(false);
    const id = useId();
    const found = [...(staff?.values() ?? [])]
        .filter((one) => one.id !== me)
        .filter((one) =>
            `${one.name} ${one.job} ${one.id}`.toLowerCase().includes(wanted.trim().toLowerCase()),
        )
        .toSorted((a, b) => a.name.localeCompare(b.name, "en-GB"));
    const start = async (practitionerId: string): Promise<void> => {
        setFailed(false);
        try {
            const roomId = await startDirect(client, practitionerId);
            onClose();
            navigate(`/chats/${encodeURIComponent(roomId)}`);
        } catch {
            setFailed(true);
        }
    };
    return (
        <>
            <label htmlFor={id}>{t.chats.search}</label>
            <input id={id} type="search" value={wanted} onChange={(event) => setWanted(event.target.value)} />
            {failed && (
                <p className="field-error" role="alert">
                    {t.chats.failed}
                </p>
            )}
            <ul className="rows">
                {found.map((one) => (
                    <li key={one.id}>
                        <button type="button" className="row" onClick={() => void start(one.id)}>
                            <Avatar name={one.name} />
                            <span className="row__main">
                                <span className="row__title">{one.name}</span>
                                <span className="row__sub">{one.job}</span>
                            </span>
                        </button>
                    </li>
                ))}
            </ul>
            {found.length === 0 && <p className="muted">{t.chats.noColleague}</p>}
        </>
    );
}
