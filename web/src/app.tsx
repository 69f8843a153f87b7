import { lazy, Suspense, useEffect, type JSX, type ReactNode } from "react";
import { Link, Redirect, useRoute } from "wouter";
import { CallBar } from "./alarms/CallBar.tsx";
import { useCalls } from "./calls/center.ts";
import { ChatsScreen } from "./chats/ChatsScreen.tsx";
import { Announcer } from "./conversation/Announcer.tsx";
import { AskedLink } from "./conversation/MessageText.tsx";
import { Detail } from "./Detail.tsx";
import { ShiftCheck } from "./duty/ShiftCheck.tsx";
import { useOnCall, useRequests } from "./fhir/queries.ts";
import { FirstRun, useIsFirstRun } from "./first-run/FirstRun.tsx";
import { useHelp, useShortcuts } from "./help/use-shortcuts.ts";
import { t, useLanguage } from "./i18n/index.ts";
import { joinedRooms } from "./matrix/rooms.ts";
import { useAllRooms } from "./matrix/use-rooms.ts";
import { OnCallScreen } from "./oncall/OnCallScreen.tsx";
import { pageOf } from "./paths.ts";
import { PatientsScreen } from "./patients/PatientsScreen.tsx";
import { useNotificationAnswer } from "./push/use-answer.ts";
import {
    useBadge,
    useReadNotifications,
    useSpokenNotifications,
    useWorkerMessages,
} from "./push/use-push.ts";
import { useRequestDelivery } from "./requests/delivery.ts";
import { DeclineDialog } from "./requests/DeclineDialog.tsx";
import { isMineToDo } from "./requests/model.ts";
import { RequestsScreen } from "./requests/RequestsScreen.tsx";
import { UrgentCover } from "./requests/UrgentCard.tsx";
import { useMe } from "./requests/use-request.ts";
import { SearchButton } from "./search/SearchButton.tsx";
import { ConnectionLine } from "./session/ConnectionLine.tsx";
import { Elsewhere, Starting, Unusable } from "./session/Gates.tsx";
import { LockRequired } from "./session/LockSetting.tsx";
import { LockScreen } from "./session/LockScreen.tsx";
import { MeMenu } from "./session/MeMenu.tsx";
import { NewDevices } from "./session/NewDevices.tsx";
import { RecoveryKey } from "./session/RecoveryKey.tsx";
import { SignIn } from "./session/SignIn.tsx";
import { useAutoLock } from "./session/use-auto-lock.ts";
import { useClient, useSession } from "./session/store.ts";
import { ErrorBoundary } from "./ui/ErrorBoundary.tsx";
import { Icon } from "./ui/Icon.tsx";
import { Empty } from "./ui/parts.tsx";

const HelpDialog = lazy(async () => ({ default: (await import("./help/HelpDialog.tsx")).HelpDialog }));
const CallScreen = lazy(() => import("./calls/CallScreen.tsx"));

const places = ["chats", "patients", "on-call", "requests"] as const;
type PlaceName = (typeof places)[number];

/** The whole app, drawn anew when it speaks another language. */
export function App(): JSX.Element {
    const language = useLanguage((speaking) => speaking.language);
    return <Standing key={language} />;
}

/** What is shown depends on where the session stands. */
function Standing(): JSX.Element {
    const phase = useSession((session) => session.phase);
    switch (phase) {
        case "starting":
            return <Starting />;
        case "elsewhere":
            return <Elsewhere />;
        case "unusable":
            return <Unusable />;
        case "locked":
            return <LockScreen />;
        case "signed-out":
            return <SignIn />;
        case "running":
            return <Running />;
    }
}

function isPlace(name: string | undefined): name is PlaceName {
    return places.some((place) => place === name);
}

function Running(): JSX.Element {
    const [, parameters] = useRoute("/:place/:room?");
    useRequestDelivery();
    useAutoLock();
    const calling = useCalls(({ call }) => call !== undefined);
    useWorkerMessages();
    useSpokenNotifications();
    useShortcuts();
    const help = useHelp((state) => state.open);
    const place = parameters?.place;
    useNotificationAnswer(parameters?.room === undefined ? undefined : decodeURIComponent(parameters.room));
    if (!isPlace(place)) return <Redirect to="/chats" replace />;
    const openRoom = parameters?.room === undefined ? undefined : decodeURIComponent(parameters.room);
    return (
        <div className="app" data-open={openRoom === undefined ? "list" : "conversation"}>
            <a className="skip" href="#content">
                {t.app.skip}
            </a>
            <CallBar />
            <Places current={place} />
            <main id="content" className="panes" tabIndex={-1}>
                <section className="pane pane--list" aria-label={t.places[place]}>
                    <header className="pane__head">
                        <h1>{t.places[place]}</h1>
                        <ConnectionLine />
                        <SearchButton />
                        <MeMenu />
                    </header>
                    <NewDevices />
                    <Beginning />
                    <div className="pane__body">
                        <ErrorBoundary key={place}>
                            <List place={place} openRoom={openRoom} />
                        </ErrorBoundary>
                    </div>
                </section>
                <section className="pane pane--detail" aria-label={besides(openRoom)}>
                    <ErrorBoundary key={openRoom}>
                        {openRoom === undefined ? (
                            <Choose place={place} />
                        ) : (
                            <Detail key={openRoom} opened={openRoom} back={`/${place}`} />
                        )}
                    </ErrorBoundary>
                </section>
            </main>
            <Announcer />
            <AskedLink />
            {calling && (
                <Suspense fallback={null}>
                    <CallScreen />
                </Suspense>
            )}
            <UrgentCover />
            <DeclineDialog />
            <LockRequired />
            <RecoveryKey />
            {help && (
                <Suspense fallback={null}>
                    <HelpDialog onClose={() => useHelp.setState({ open: false })} />
                </Suspense>
            )}
        </div>
    );
}

/** What stands before the lists at the first sign-in and at the start of a shift. */
function Beginning(): JSX.Element {
    return useIsFirstRun() ? <FirstRun /> : <ShiftCheck />;
}

/** What the part beside the list is called: a conversation, or a page about something. */
function besides(opened: string | undefined): string {
    return opened !== undefined && pageOf(opened) ? t.requests.details : t.conversation.label;
}

function List({ place, openRoom }: { place: PlaceName; openRoom: string | undefined }): ReactNode {
    switch (place) {
        case "chats":
            return <ChatsScreen openRoom={openRoom} />;
        case "patients":
            return <PatientsScreen openRoom={openRoom} />;
        case "on-call":
            return <OnCallScreen opened={openRoom} />;
        case "requests":
            return <RequestsScreen />;
    }
}

function Choose({ place }: { place: PlaceName }): JSX.Element {
    const words = {
        chats: [t.chats.choose, t.chats.chooseBody],
        patients: [t.patients.choose, t.patients.chooseBody],
        "on-call": [t.onCall.choose, t.onCall.chooseBody],
        requests: [t.requests.choose, t.requests.chooseBody],
    } as const;
    const [title, body] = words[place];
    return (
        <Empty icon={place} title={title}>
            {body}
        </Empty>
    );
}

function Places({ current }: { current: PlaceName }): JSX.Element {
    const client = useClient();
    const me = useMe();
    useAllRooms();
    const { data: requests } = useRequests();
    const rooms = joinedRooms(client).filter((room) => room.getUnreadNotificationCount() > 0);
    const unread = rooms.length;
    useBadge(unread);
    useReadNotifications(rooms.map(({ roomId }) => roomId));
    useEffect(() => {
        document.title = unread > 0 ? t.app.nameWithCount(unread) : t.app.name;
    }, [unread]);
    const { data: roles } = useOnCall();
    const offered = (roles ?? []).filter((role) => role.offer?.to.id === me).length;
    const toDo = (requests ?? []).filter((request) => isMineToDo(request, me)).length;
    const counts: Partial<Record<PlaceName, { count: number; words: string }>> = {
        chats: { count: unread, words: t.chats.unreadChats(unread) },
        "on-call": { count: offered, words: t.role.offered(offered) },
        requests: { count: toDo, words: t.requests.toDo(toDo) },
    };
    return (
        <nav className="places" aria-label={t.app.places}>
            {places.map((place) => {
                const badge = counts[place];
                return (
                    <Link
                        key={place}
                        href={`/${place}`}
                        aria-current={place === current ? "page" : undefined}
                    >
                        <span className="places__icon">
                            <Icon name={place} />
                            {badge !== undefined && badge.count > 0 && (
                                <span className="places__count" aria-hidden="true">
                                    {badge.count}
                                </span>
                            )}
                        </span>
                        <span>{t.places[place]}</span>
                        {badge !== undefined && badge.count > 0 && (
                            <span className="visually-hidden">, {badge.words}</span>
                        )}
                    </Link>
                );
            })}
        </nav>
    );
}
