import type { Room, RoomMember } from "matrix-js-sdk";
import { useId, useState, type FormEvent, type JSX } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n/index.ts";
import { localpart } from "../matrix/rooms.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Menu, MenuItem, type Anchor } from "../ui/Menu.tsx";
import { Colleagues } from "./Colleagues.tsx";
import { addTo, isAdmin, makeAdmin, mayRemove, peopleOf, rightsIn } from "./group.ts";

/** Runs what changes a group, and says when it did not work. */
function useChange(): { failed: boolean; run: (change: () => Promise<unknown>) => Promise<boolean> } {
    const [failed, setFailed] = useState(false);
    const run = async (change: () => Promise<unknown>): Promise<boolean> => {
        setFailed(false);
        try {
            await change();
            return true;
        } catch {
            setFailed(true);
            return false;
        }
    };
    return { failed, run };
}

/** The name of a group, adding people, leaving it: what this person may. */
export function GroupAdmin({ room }: { room: Room }): JSX.Element {
    const client = useClient();
    useRoomChanges(room.roomId);
    const [, navigate] = useLocation();
    const [adding, setAdding] = useState(false);
    const [leaving, setLeaving] = useState(false);
    const { failed, run } = useChange();
    const rights = rightsIn(room);
    const leave = async (): Promise<void> => {
        if (await run(() => client.leave(room.roomId))) navigate("/chats");
    };
    return (
        <div className="info">
            {failed && (
                <p className="field-error" role="alert">
                    {t.chats.failed}
                </p>
            )}
            {rights.rename && <Rename room={room} run={run} />}
            <div className="actions__row">
                {rights.add && (
                    <button
                        type="button"
                        className="button"
                        aria-expanded={adding}
                        onClick={() => setAdding(!adding)}
                    >
                        {t.group.add}
                    </button>
                )}
                <button type="button" className="button" onClick={() => setLeaving(true)}>
                    {t.group.leave}
                </button>
            </div>
            {leaving && (
                <Question
                    title={t.group.leaveTitle}
                    body={rights.last ? t.group.leaveLast : t.group.leaveBody}
                    confirm={t.group.leaveConfirm}
                    onConfirm={() => void leave()}
                    onCancel={() => setLeaving(false)}
                />
            )}
            {adding && (
                <Colleagues
                    without={new Set(peopleOf(room).map(({ userId }) => localpart(userId)))}
                    onChoose={(id) => void run(() => addTo(client, room, id))}
                />
            )}
        </div>
    );
}

function Rename({
    room,
    run,
}: {
    room: Room;
    run: (change: () => Promise<unknown>) => Promise<boolean>;
}): JSX.Element {
    const client = useClient();
    const [name, setName] = useState(room.name);
    const id = useId();
    const save = (event: FormEvent): void => {
        event.preventDefault();
        if (name.trim() !== "" && name.trim() !== room.name)
            void run(() => client.setRoomName(room.roomId, name.trim()));
    };
    return (
        <form className="group__name" onSubmit={save}>
            <label htmlFor={id}>{t.group.name}</label>
            <div className="group__start">
                <input
                    autoComplete="off"
                    id={id}
                    value={name}
                    maxLength={100}
                    onChange={(event) => setName(event.target.value)}
                />
                <button type="submit" className="button">
                    {t.group.saveName}
                </button>
            </div>
        </form>
    );
}

interface QuestionProps {
    title: string;
    body: string;
    confirm: string;
    onConfirm: () => void;
    onCancel: () => void;
}

function Question({ title, body, confirm, onConfirm, onCancel }: QuestionProps): JSX.Element {
    return (
        <div className="notice notice--warning" role="alertdialog" aria-label={title}>
            <strong>{title}</strong>
            <p>{body}</p>
            <div className="actions__row">
                <button type="button" className="button button--danger" onClick={onConfirm}>
                    {confirm}
                </button>
                <button type="button" className="button" onClick={onCancel}>
                    {t.app.cancel}
                </button>
            </div>
        </div>
    );
}

/** What an administrator can do about one member: nothing is drawn where they can do nothing. */
export function MemberActions({
    room,
    member,
    name,
}: {
    room: Room;
    member: RoomMember;
    name: string;
}): JSX.Element | null {
    const client = useClient();
    const [menu, setMenu] = useState<Anchor>();
    const [asked, setAsked] = useState(false);
    const { failed, run } = useChange();
    const promote = rightsIn(room).promote && !isAdmin(member) && member.membership === "join";
    const remove = mayRemove(room, member);
    if (!promote && !remove) return null;
    return (
        <>
            <button
                type="button"
                className="icon-button"
                aria-haspopup="menu"
                aria-label={t.group.more(name)}
                onClick={(event) => {
                    const box = event.currentTarget.getBoundingClientRect();
                    setMenu({ x: box.left, y: box.bottom });
                }}
            >
                <Icon name="more" />
            </button>
            {failed && (
                <p className="field-error" role="alert">
                    {t.chats.failed}
                </p>
            )}
            {menu && (
                <Menu label={name} anchor={menu} height={120} onClose={() => setMenu(undefined)}>
                    {promote && (
                        <MenuItem
                            icon="people"
                            onChoose={() => {
                                setMenu(undefined);
                                void run(() => makeAdmin(client, room, member.userId));
                            }}
                        >
                            {t.group.makeAdmin(name)}
                        </MenuItem>
                    )}
                    {remove && (
                        <MenuItem
                            icon="delete"
                            danger
                            onChoose={() => {
                                setMenu(undefined);
                                setAsked(true);
                            }}
                        >
                            {t.group.remove(name)}
                        </MenuItem>
                    )}
                </Menu>
            )}
            {asked && (
                <Question
                    title={t.group.removeTitle(name)}
                    body={t.group.removeBody}
                    confirm={t.group.removeConfirm}
                    onConfirm={() => {
                        setAsked(false);
                        void run(() => client.kick(room.roomId, member.userId));
                    }}
                    onCancel={() => setAsked(false)}
                />
            )}
        </>
    );
}
