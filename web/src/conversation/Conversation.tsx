import type { Room } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { CrashCallButton } from "../alarms/CrashCall.tsx";
import { CallButtons } from "../calls/CallButtons.tsx";
import { peopleOf } from "../chats/group.ts";
import { DutyNotice } from "../duty/DutyNotice.tsx";
import { t } from "../i18n/index.ts";
import { useDraft } from "../matrix/drafts.ts";
import {
    colleagues,
    continuedIn,
    isDirect,
    isGroup,
    localpart,
    patientRef,
    patientStatus,
} from "../matrix/rooms.ts";
import { useEarlierRooms, useRoomChanges } from "../matrix/use-rooms.ts";
import { PatientBanner } from "../patients/PatientBanner.tsx";
import { PersonBadge } from "../people/PersonBadge.tsx";
import { AskDialog } from "../requests/AskDialog.tsx";
import { useClient, useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar, Empty } from "../ui/parts.tsx";
import type { ComposeMode } from "./actions.ts";
import { Composer } from "./Composer.tsx";
import { ChangedIdentities, OtherStanding } from "./Identity.tsx";
import { FindDialog } from "./FindDialog.tsx";
import { JumpContext, useJumping, type JumpTo } from "./jump.ts";
import { Members } from "./Members.tsx";
import { Messages } from "./Messages.tsx";
import { OpeningConversation } from "./OpeningConversation.tsx";
import { PinnedBar, usePins } from "./Pinned.tsx";

/** A conversation, or why it cannot be shown. `back` is where the phone's back button leads. */
export function Conversation({ roomId, back }: { roomId: string; back: string }): JSX.Element {
    const client = useClient();
    const loaded = useSession((session) => session.loaded);
    useRoomChanges(roomId);
    const room = client.getRoom(roomId);
    if (room?.getMyMembership() === "join") return <OpenConversation key={roomId} room={room} back={back} />;
    if (!loaded) return <OpeningConversation key={roomId} roomId={roomId} back={back} />;
    return (
        <div className="conversation">
            <header className="conversation__head">
                <BackLink to={back} />
            </header>
            <Empty icon="chats" title={t.conversation.notFound}>
                {t.conversation.notFoundBody}
            </Empty>
        </div>
    );
}

function BackLink({ to }: { to: string }): JSX.Element {
    return (
        <Link className="icon-button conversation__back" href={to} aria-label={t.app.back}>
            <Icon name="back" />
        </Link>
    );
}

const noMode = undefined as ComposeMode | undefined;

function OpenConversation({ room, back }: { room: Room; back: string }): JSX.Element {
    const ref = patientRef(room);
    const continued = continuedIn(room);
    const direct = useIsDirect(room);
    const [text, setText] = useDraft(`message:${room.roomId}`, "");
    const [mode, setMode, known] = useDraft(`mode:${room.roomId}`, noMode);
    const [asking, setAsking] = useState(false);
    const [sentCount, setSentCount] = useState(0);
    const [finding, setFinding] = useState(false);
    const pins = usePins(room);
    const earlier = useEarlierRooms(room);
    const jumping = useJumping(room, earlier);

    useAskedFor(jumping.jump);
    const client = useClient();
    // Whoever is asked to join has not joined yet: they too may be off duty.
    const other = isDirect(client, room)
        ? peopleOf(room).find(({ userId }) => userId !== room.myUserId)?.userId
        : undefined;

    const compose = (next: ComposeMode): void => {
        const before = mode?.kind === "edit" ? mode.before : text;
        if (next.kind === "edit") setText(next.text);
        else if (mode?.kind === "edit") setText(before ?? "");
        setMode(next.kind === "edit" ? { ...next, before } : next);
    };
    const endMode = (restore: boolean): void => {
        if (restore && mode?.kind === "edit") setText(mode.before ?? "");
        setMode(undefined);
    };
    return (
        <JumpContext value={jumping.jump}>
            <div
                className={`conversation${ref === undefined ? "" : " conversation--patient"}${direct ? " conversation--direct" : ""}`}
            >
                <header className="conversation__head">
                    <BackLink to={back} />
                    {ref === undefined ? <PersonHead room={room} /> : <PatientBanner patientRef={ref} />}
                    <div className="conversation__tools">
                        {direct && <CallButtons room={room} name={room.name} />}
                        {ref !== undefined && <CrashCallButton roomId={room.roomId} small />}
                        <button
                            type="button"
                            className="icon-button"
                            aria-label={t.find.button}
                            onClick={() => setFinding(true)}
                        >
                            <Icon name="search" />
                        </button>
                        <Members room={room} />
                    </div>
                </header>
                <ChangedIdentities room={room} />
                <Standing room={room} />
                <PinnedBar room={room} pins={pins} />
                <Messages
                    room={room}
                    earlier={earlier}
                    sentCount={sentCount}
                    pins={pins}
                    jumping={jumping}
                    onTakenBack={(words) => setText(text ? `${words}\n${text}` : words)}
                    onCompose={compose}
                />
                {other !== undefined && <DutyNotice practitionerId={localpart(other)} />}
                {continued === undefined && (
                    <Composer
                        room={room}
                        text={text}
                        ready={known}
                        onText={setText}
                        mode={mode}
                        onCompose={compose}
                        onModeEnd={endMode}
                        onAsk={
                            ref === undefined || !patientStatus(room).open ? undefined : () => setAsking(true)
                        }
                        onSent={() => setSentCount(sentCount + 1)}
                    />
                )}
                {asking && <AskDialog roomId={room.roomId} onClose={() => setAsking(false)} />}
                {finding && <FindDialog room={room} onClose={() => setFinding(false)} />}
            </div>
        </JumpContext>
    );
}

/** Goes to the message that the address asks for: somebody found it. */
function useAskedFor(jump: JumpTo): void {
    const search = useSearch();
    const [path, navigate] = useLocation();
    useEffect(() => {
        const eventId = new URLSearchParams(search).get("event");
        if (eventId === null) return;
        navigate(path, { replace: true });
        jump({ eventId });
    }, [search, path, navigate, jump]);
}

/** That a patient's conversation has ended, is closed, or is about somebody who has died. */
function Standing({ room }: { room: Room }): JSX.Element | null {
    const continued = continuedIn(room);
    if (continued !== undefined) {
        return (
            <p className="notice notice--warning standing-note">
                {t.patients.ended}{" "}
                <Link href={`/patients/${encodeURIComponent(continued)}`}>{t.patients.goesOn}</Link>
            </p>
        );
    }
    const { open, deceased } = patientStatus(room);
    if (deceased) return <p className="notice notice--warning standing-note">{t.patients.deceased}</p>;
    if (!open) return <p className="notice notice--warning standing-note">{t.patients.closed}</p>;
    return null;
}

/** Whether it is a conversation with one person. */
function useIsDirect(room: Room): boolean {
    const client = useClient();
    return isDirect(client, room) && colleagues(room).length === 1;
}

function PersonHead({ room }: { room: Room }): JSX.Element {
    const client = useClient();
    const others = colleagues(room);
    return (
        <div className="person-head">
            <Avatar name={room.name} group={isGroup(client, room)} />
            <div>
                <h2>
                    <bdi>{room.name}</bdi>
                </h2>
                {others.length === 1 && others[0] && <PersonBadge userId={others[0].userId} />}
                <OtherStanding room={room} />
            </div>
        </div>
    );
}
