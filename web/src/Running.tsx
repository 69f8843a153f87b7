import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, type JSX, type ReactNode } from "react";
import { Redirect } from "wouter";
import { CallBar } from "./alarms/CallBar.tsx";
import { useCalls } from "./calls/center.ts";
import { ChatsScreen } from "./chats/ChatsScreen.tsx";
import { Announcer } from "./conversation/Announcer.tsx";
import { AskedLink } from "./conversation/MessageText.tsx";
import { Detail } from "./Detail.tsx";
import { ShiftCheck } from "./duty/ShiftCheck.tsx";
import { queries } from "./fhir/cache.ts";
import { useOnCall, useRequests } from "./fhir/queries.ts";
import { FirstRun, useIsFirstRun } from "./first-run/FirstRun.tsx";
import { useHelp, useShortcuts } from "./help/use-shortcuts.ts";
import { Frame, Places, useAddress, type PlaceCounts, type PlaceName } from "./Frame.tsx";
import { t } from "./i18n/index.ts";
import { joinedRooms } from "./matrix/rooms.ts";
import { useAllRooms } from "./matrix/use-rooms.ts";
import { OnCallScreen } from "./oncall/OnCallScreen.tsx";
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
import { isMineToDo, isUnanswered } from "./requests/model.ts";
import { RequestsScreen } from "./requests/RequestsScreen.tsx";
import { UrgentCover } from "./requests/UrgentCard.tsx";
import { useMe } from "./requests/use-request.ts";
import { SearchButton } from "./search/SearchButton.tsx";
import { ConnectionLine } from "./session/ConnectionLine.tsx";
import { LockRequired } from "./session/LockSetting.tsx";
import { MeMenu } from "./session/MeMenu.tsx";
import { NewDevices } from "./session/NewDevices.tsx";
import { usePolicy } from "./session/policy.ts";
import { RecoveryKey } from "./session/RecoveryKey.tsx";
import { useAutoLock } from "./session/use-auto-lock.ts";
import { useClient } from "./session/store.ts";
import { ErrorBoundary } from "./ui/ErrorBoundary.tsx";
import { Empty } from "./ui/parts.tsx";

const HelpDialog = lazy(async () => ({ default: (await import("./help/HelpDialog.tsx")).HelpDialog }));
const CallScreen = lazy(() => import("./calls/CallScreen.tsx"));

/** The app of a session that runs. */
export function Running(): JSX.Element {
    return (
        <QueryClientProvider client={queries}>
            <Everything />
        </QueryClientProvider>
    );
}

function Everything(): JSX.Element {
    const { place, opened: openRoom } = useAddress();
    useRequestDelivery();
    useAutoLock(usePolicy(), isTalking);
    const calling = useCalls(({ call }) => call !== undefined);
    useWorkerMessages();
    useSpokenNotifications();
    useShortcuts();
    const help = useHelp((state) => state.open);
    useNotificationAnswer(openRoom);
    if (!place) return <Redirect to="/chats" replace />;
    return (
        <Frame
            place={place}
            opened={openRoom}
            above={<CallBar />}
            places={<CountedPlaces current={place} />}
            head={
                <>
                    <ConnectionLine />
                    <SearchButton />
                    <MeMenu />
                </>
            }
            list={
                <>
                    <NewDevices />
                    <div className="pane__body">
                        <ErrorBoundary key={place}>
                            <List place={place} openRoom={openRoom} />
                        </ErrorBoundary>
                    </div>
                    <Beginning />
                </>
            }
            detail={
                <ErrorBoundary key={openRoom}>
                    {openRoom === undefined ? (
                        <Choose place={place} />
                    ) : (
                        <Detail key={openRoom} opened={openRoom} back={`/${place}`} />
                    )}
                </ErrorBoundary>
            }
        >
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
        </Frame>
    );
}

function isTalking(): boolean {
    return useCalls.getState().call?.step === "connected";
}

/** What stands below the lists at the first sign-in and at the start of a shift: it comes late, and nothing may jump away from a finger. */
function Beginning(): JSX.Element {
    return useIsFirstRun() ? <FirstRun /> : <ShiftCheck />;
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

/** The four places, with how much waits in each. */
function CountedPlaces({ current }: { current: PlaceName }): JSX.Element {
    const client = useClient();
    const me = useMe();
    useAllRooms();
    const { data: requests } = useRequests();
    const rooms = joinedRooms(client).filter((room) => room.getUnreadNotificationCount() > 0);
    const unread = rooms.length;
    useBadge(unread);
    const asked = (requests ?? []).filter((request) => isMineToDo(request, me) && isUnanswered(request));
    useReadNotifications(
        rooms.map(({ roomId }) => roomId),
        asked.map(({ roomId }) => roomId ?? ""),
    );
    useEffect(() => {
        document.title = unread > 0 ? t.app.nameWithCount(unread) : t.app.name;
    }, [unread]);
    const { data: roles } = useOnCall();
    const offered = (roles ?? []).filter((role) => role.offer?.to.id === me).length;
    const toDo = (requests ?? []).filter((request) => isMineToDo(request, me)).length;
    const counts: PlaceCounts = {
        chats: { count: unread, words: t.chats.unreadChats(unread) },
        "on-call": { count: offered, words: t.role.offered(offered) },
        requests: { count: toDo, words: t.requests.toDo(toDo) },
    };
    return <Places current={current} counts={counts} />;
}
