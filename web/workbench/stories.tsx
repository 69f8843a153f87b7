/** What the workbench shows: every small part and every card, in each of its states. */
import type { JSX, ReactNode } from "react";
import { ChatRow } from "../src/chats/ChatRow.tsx";
import { Item, QueuedBubble } from "../src/conversation/Bubbles.tsx";
import { Reactions } from "../src/conversation/Reactions.tsx";
import { QueueTick, Ticks } from "../src/conversation/Ticks.tsx";
import { DutyLine } from "../src/directory/DutyLine.tsx";
import { DeviceLine } from "../src/duty/DeviceLine.tsx";
import { DutyNotice } from "../src/duty/DutyNotice.tsx";
import { HandoverCard } from "../src/handover/HandoverCard.tsx";
import { requestClasses } from "../src/matrix/events.ts";
import type { TimelineItem } from "../src/matrix/timeline.ts";
import { HolderLine } from "../src/oncall/Holder.tsx";
import { RoleRow } from "../src/oncall/RoleRow.tsx";
import { PatientSummary } from "../src/patients/PatientBanner.tsx";
import { PersonBadge } from "../src/people/PersonBadge.tsx";
import { Chain } from "../src/requests/Chain.tsx";
import { Countdown } from "../src/requests/Countdown.tsx";
import { RequestCard } from "../src/requests/RequestCard.tsx";
import { UrgentCover } from "../src/requests/UrgentCard.tsx";
import { BroadcastCard } from "../src/alarms/BroadcastCard.tsx";
import { Dialog } from "../src/ui/Dialog.tsx";
import { Icon, iconNames } from "../src/ui/Icon.tsx";
import { Menu, MenuItem } from "../src/ui/Menu.tsx";
import { Page, Part } from "../src/ui/Page.tsx";
import { Avatar, ClassBadge, Empty, Loading, LoadFailed, UnreadBadge } from "../src/ui/parts.tsx";
import * as sample from "./samples.ts";

const nothing = (): void => undefined;

function Bubble({
    item,
    status,
}: {
    item: TimelineItem;
    status?: "sent" | "delivered" | "seen";
}): JSX.Element {
    return (
        <div className="timeline__row">
            <Item
                room={sample.room}
                item={item}
                name="Dr Priya Raman"
                status={status && sample.status(status)}
                spelledOut={status !== undefined}
                mentionNames={() => ["Medical registrar"]}
                nameFor={() => "Dr Priya Raman"}
                statusFor={() => sample.status("seen")}
                openThread={item.kind === "thread" ? item.root : undefined}
                onThread={nothing}
                onMenu={nothing}
                onReact={nothing}
            />
        </div>
    );
}

const list = (rows: ReactNode): JSX.Element => <ul className="rows">{rows}</ul>;
const own = { own: true, sender: sample.me } as const;
const reactions = [
    { key: "👀", names: ["Dr Priya Raman"], mine: "$mine" },
    { key: "✅", names: ["Samuel Mbeki", "Dr Priya Raman"] },
];

/** Each part by its name; those that cover the screen are shown alone. */
export const stories: Record<string, { cover?: boolean; draw: () => ReactNode }> = {
    "ui: buttons and fields": {
        draw: () => (
            <div className="form">
                {["button", "button button--primary", "button button--quiet", "button button--danger"].map(
                    (name) => (
                        <button key={name} type="button" className={name}>
                            {name}
                        </button>
                    ),
                )}
                <button type="button" className="button" aria-disabled="true">
                    aria-disabled
                </button>
                <button type="button" className="chip" aria-pressed="true">
                    chip, pressed
                </button>
                <button type="button" className="chip" aria-pressed="false">
                    chip
                </button>
                <label>
                    A field <input defaultValue="with words in it" />
                </label>
                <label>
                    A wrong field <input aria-invalid="true" defaultValue="0000" />
                </label>
                <p className="field-error" role="alert">
                    What is wrong with it
                </p>
                <label>
                    A choice
                    <select>
                        <option>One</option>
                    </select>
                </label>
                <label>
                    Words <textarea defaultValue="more than one line" />
                </label>
                <p className="notice notice--warning">A warning</p>
                <p className="muted">What is less important</p>
            </div>
        ),
    },
    "ui: icons": {
        draw: () =>
            iconNames.map((name) => (
                <span key={name} title={name}>
                    <Icon name={name} />
                </span>
            )),
    },
    "ui: avatars": {
        draw: () => (
            <>
                <Avatar name="Dr Priya Raman" /> <Avatar name="Okonkwo" patient />{" "}
                <Avatar name="Night team" group />
            </>
        ),
    },
    "ui: classes of requests": {
        draw: () => requestClasses.map((value) => <ClassBadge key={value} value={value} />),
    },
    "ui: empty": {
        draw: () => (
            <Empty icon="on-call" title="Nobody holds this role">
                Take it, or ask switchboard.
            </Empty>
        ),
    },
    "ui: loading": { draw: () => <Loading rows={3} /> },
    "ui: could not be loaded": {
        draw: () => (
            <>
                <LoadFailed stale retry={nothing} />
                <LoadFailed stale={false} retry={nothing} />
            </>
        ),
    },
    "ui: page": {
        draw: () => (
            <Page
                title="Medical registrar"
                back="/on-call"
                tools={
                    <button type="button" className="button">
                        Tool
                    </button>
                }
            >
                <Part title="A part of it">
                    <p>What stands there.</p>
                </Part>
            </Page>
        ),
    },
    "ui: dialog": {
        cover: true,
        draw: () => (
            <Dialog title="Open this link?" onClose={nothing}>
                <p>It leads to another address.</p>
            </Dialog>
        ),
    },
    "ui: wide dialog": {
        cover: true,
        draw: () => (
            <Dialog title="Search" onClose={nothing} wide closable={false}>
                <p>What was found.</p>
            </Dialog>
        ),
    },
    "ui: menu": {
        cover: true,
        draw: () => (
            <Menu label="What to do" anchor={{ x: 40, y: 40 }} height={200} onClose={nothing}>
                <MenuItem icon="reply" onChoose={nothing}>
                    Reply
                </MenuItem>
                <MenuItem icon="delete" danger onChoose={nothing}>
                    Delete
                </MenuItem>
            </Menu>
        ),
    },
    "people: badges": {
        draw: () =>
            [
                sample.other,
                sample.outsider,
                "@bot:riverside.example",
                "@visitor:riverside.example",
                "@clerk:riverside.example",
            ].map((userId) => (
                <p key={userId}>
                    {userId} <PersonBadge userId={userId} />
                </p>
            )),
    },
    "people: duty": {
        draw: () => (
            <>
                <p>
                    <DutyLine duty={{ state: "busy", until: sample.now + 3_600_000 }} />
                </p>
                <p>
                    <DutyLine duty={{ state: "off", cover: { id: "priya.raman", name: "Dr Priya Raman" } }} />
                </p>
                <p>
                    <DutyLine duty={{ state: "off" }} />
                </p>
                <DutyNotice practitionerId="samuel.mbeki" />
            </>
        ),
    },
    "people: device": {
        draw: () => (
            <>
                <DeviceLine practitionerId="priya.raman" />
                <DeviceLine practitionerId="samuel.mbeki" />
            </>
        ),
    },
    "roles: holders": { draw: () => sample.roles.map((role) => <HolderLine key={role.id} role={role} />) },
    "roles: rows": {
        draw: () => list(sample.roles.map((role) => <RoleRow key={role.id} role={role} onAsk={nothing} />)),
    },
    "patients: summaries": {
        draw: () => (
            <>
                {sample.patients.map(({ ref }) => (
                    <PatientSummary key={ref} patientRef={ref} />
                ))}
                <PatientSummary patientRef="Patient/nobody" />
            </>
        ),
    },
    "chats: unread": {
        draw: () => (
            <>
                <UnreadBadge count={1} /> <UnreadBadge count={120} />
            </>
        ),
    },
    "chats: rows": {
        draw: () =>
            list(
                sample.chats.map((chat, index) => (
                    <ChatRow key={chat.roomId} chat={chat} open={index === 1} />
                )),
            ),
    },
    "conversation: messages": {
        draw: () => (
            <>
                <Bubble item={{ kind: "day", key: "day", at: sample.now }} />
                <Bubble item={sample.message("$1")} />
                <Bubble item={sample.message("$2", { first: false, text: "and call me", edited: true })} />
                <Bubble item={{ kind: "unread", key: "unread", at: sample.now }} />
                <Bubble item={sample.message("$3", { ...own, text: "Done" })} status="sent" />
                <Bubble
                    item={sample.message("$4", { ...own, text: "Gas is in the fridge" })}
                    status="delivered"
                />
                <Bubble item={sample.message("$5", { ...own, reactions })} status="seen" />
                <Bubble item={sample.message("$6", { deleted: true, text: "This message was deleted" })} />
                <Bubble item={sample.message("$7", { forwarded: true })} />
                <Bubble item={sample.message("$8", { replyTo: "$missing" })} />
                <Bubble
                    item={sample.message("$9", {
                        mentions: ["medical-registrar"],
                        text: "@Medical registrar please see https://bnf.nice.org.uk/x",
                    })}
                />
                <Bubble
                    item={sample.message("$10", {
                        sender: sample.outsider,
                        text: "A word that is longer than any screen: pneumonoultramicroscopicsilicovolcanoconiosispneumonoultramicroscopicsilicovolcanoconiosis",
                    })}
                />
            </>
        ),
    },
    "conversation: quiet lines": {
        draw: () => (
            <>
                <Bubble item={{ kind: "system", key: "s1", at: sample.now, text: "Dr Priya Raman joined" }} />
                <Bubble
                    item={{
                        kind: "system",
                        key: "s2",
                        at: sample.now,
                        text: "Asked again.",
                        leads: { request: "task-1" },
                    }}
                />
                <Bubble
                    item={{
                        kind: "unreadable",
                        key: "u1",
                        at: sample.now,
                        sender: sample.other,
                        pending: true,
                        first: true,
                    }}
                />
                <Bubble
                    item={{
                        kind: "unreadable",
                        key: "u2",
                        at: sample.now,
                        sender: sample.other,
                        pending: false,
                        first: true,
                    }}
                />
            </>
        ),
    },
    "conversation: a thread": {
        draw: () => (
            <Bubble
                item={{
                    kind: "thread",
                    key: "thread-$1",
                    at: sample.now,
                    root: "$1",
                    replies: [
                        sample.message("$t1", { text: "I can at four" }),
                        sample.message("$t2", { ...own, text: "Thank you" }),
                    ],
                }}
            />
        ),
    },
    "conversation: on its way": {
        draw: () => (
            <>
                <QueuedBubble item={sample.queued("waiting")} onTakenBack={nothing} />
                <QueuedBubble item={sample.queued("sending")} onTakenBack={nothing} />
                <QueuedBubble
                    item={sample.queued("failed", { error: "The server refused it" })}
                    onTakenBack={nothing}
                />
                <QueueTick item={sample.queued("waiting")} online={false} />
            </>
        ),
    },
    "conversation: ticks and reactions": {
        draw: () => (
            <>
                {(["sent", "delivered", "seen"] as const).map((tick) => (
                    <Ticks key={tick} status={sample.status(tick)} spelledOut />
                ))}
                <Reactions reactions={reactions} onToggle={nothing} />
            </>
        ),
    },
    "requests: cards": {
        draw: () =>
            sample.requests.map((request) => (
                <RequestCard key={request.id} content={sample.contentOf(request)} />
            )),
    },
    "requests: chain and clocks": {
        draw: () => (
            <>
                {sample.requests.slice(0, 1).map((request) => (
                    <Chain key={request.id} request={request} />
                ))}
                <Countdown to={sample.now + 26 * 60_000} /> <Countdown to={sample.now - 60_000} />
            </>
        ),
    },
    "requests: urgent": { cover: true, draw: () => <UrgentCover /> },
    "alarms: broadcast": { cover: true, draw: () => <BroadcastCard call={sample.broadcast} /> },
    "handover: cards": {
        draw: () => (
            <>
                <HandoverCard
                    card={{ patientRef: "Patient/okonkwo", requests: sample.requests.slice(0, 2) }}
                    layout="ipass"
                    read={false}
                    onRead={nothing}
                />
                <HandoverCard card={{ requests: sample.requests.slice(4, 5) }} layout="sbar" read />
            </>
        ),
    },
};
