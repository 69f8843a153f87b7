import { lazy, Suspense, type ComponentType, type JSX } from "react";
import { Conversation } from "./conversation/Conversation.tsx";
import { pageOf, type PageKind } from "./paths.ts";
import { Loading } from "./ui/parts.tsx";

/** What every page is given: what it is about, and where its back button leads. */
export interface PageProps {
    id: string;
    back: string;
}

/** Fetched when they are first opened: nobody waits for them at the start. */
const pages: Record<PageKind, ComponentType<PageProps>> = {
    task: lazy(async () => ({ default: (await import("./requests/RequestPage.tsx")).RequestPage })),
    role: lazy(async () => ({ default: (await import("./oncall/RolePage.tsx")).RolePage })),
    handover: lazy(async () => ({ default: (await import("./handover/HandoverPage.tsx")).HandoverPage })),
    team: lazy(async () => ({ default: (await import("./oncall/TeamPage.tsx")).TeamPage })),
    access: lazy(async () => ({ default: (await import("./patients/AccessPage.tsx")).AccessPage })),
    playbook: lazy(async () => ({ default: (await import("./playbooks/PlaybookPage.tsx")).PlaybookPage })),
};

/** What is open beside a list: a conversation, or the page that the address names. */
export function Detail({ opened, back }: { opened: string; back: string }): JSX.Element {
    const page = pageOf(opened);
    if (!page) return <Conversation roomId={opened} back={back} />;
    const Content = pages[page.kind];
    return (
        <Suspense fallback={<Loading />}>
            <Content id={page.id} back={back} />
        </Suspense>
    );
}
