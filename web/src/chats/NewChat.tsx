import { useId, useState, type FormEvent, type JSX } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n/index.ts";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Colleagues } from "./Colleagues.tsx";
import { startDirect } from "./direct.ts";
import { startGroup } from "./group.ts";

/** The button that starts a conversation: with one colleague in two taps, or with several. */
export function NewChat(): JSX.Element {
    const [open, setOpen] = useState<"one" | "group">();
    const close = (): void => setOpen(undefined);
    return (
        <>
            <button
                type="button"
                className="icon-button filters__new"
                aria-label={t.chats.new}
                onClick={() => setOpen("one")}
            >
                <Icon name="plus" />
            </button>
            {open === "one" && (
                <Dialog title={t.chats.new} onClose={close}>
                    <WithOne onClose={close} onGroup={() => setOpen("group")} />
                </Dialog>
            )}
            {open === "group" && (
                <Dialog title={t.group.new} onClose={close}>
                    <WithSeveral onClose={close} />
                </Dialog>
            )}
        </>
    );
}

function Failed({ words }: { words: string | undefined }): JSX.Element | null {
    if (words === undefined) return null;
    return (
        <p className="field-error" role="alert">
            {words}
        </p>
    );
}

function WithOne({ onClose, onGroup }: { onClose: () => void; onGroup: () => void }): JSX.Element {
    const client = useClient();
    const [, navigate] = useLocation();
    const [problem, setProblem] = useState<string>();
    const start = async (practitionerId: string): Promise<void> => {
        setProblem(undefined);
        try {
            const roomId = await startDirect(client, practitionerId);
            onClose();
            navigate(`/chats/${encodeURIComponent(roomId)}`);
        } catch {
            setProblem(t.chats.failed);
        }
    };
    return (
        <div className="info">
            <button type="button" className="button" onClick={onGroup}>
                <Icon name="people" size={20} /> {t.group.new}
            </button>
            <Failed words={problem} />
            <Colleagues onChoose={(id) => void start(id)} />
        </div>
    );
}

function WithSeveral({ onClose }: { onClose: () => void }): JSX.Element {
    const client = useClient();
    const [, navigate] = useLocation();
    const [name, setName] = useState("");
    const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
    const [problem, setProblem] = useState<string>();
    const [busy, setBusy] = useState(false);
    const id = useId();
    const start = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (busy) return;
        const missing =
            name.trim() === "" ? t.group.needName : chosen.size === 0 ? t.group.needPeople : undefined;
        setProblem(missing);
        if (missing !== undefined) return;
        setBusy(true);
        try {
            const roomId = await startGroup(client, name.trim(), [...chosen]);
            onClose();
            navigate(`/chats/${encodeURIComponent(roomId)}`);
        } catch {
            setProblem(t.chats.failed);
            setBusy(false);
        }
    };
    const toggle = (one: string): void => {
        const next = new Set(chosen);
        if (!next.delete(one)) next.add(one);
        setChosen(next);
    };
    return (
        <form className="info" onSubmit={(event) => void start(event)}>
            <label htmlFor={id}>{t.group.name}</label>
            <input
                autoComplete="off"
                id={id}
                value={name}
                maxLength={100}
                aria-invalid={problem === t.group.needName}
                onChange={(event) => {
                    setName(event.target.value);
                    setProblem(undefined);
                }}
            />
            <Failed words={problem} />
            <div className="group__start">
                <span aria-live="polite">{t.group.chosen(chosen.size)}</span>
                <button type="submit" className="button button--primary" aria-disabled={busy}>
                    {t.group.create}
                </button>
            </div>
            <Colleagues chosen={chosen} onChoose={toggle} />
        </form>
    );
}
