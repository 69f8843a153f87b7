import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { JSX } from "react";
import { Link } from "wouter";
import type { PageProps } from "../Detail.tsx";
import { t } from "../i18n/index.ts";
import { pagePath } from "../paths.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Page } from "../ui/Page.tsx";
import { ClassBadge, LoadFailed, Loading } from "../ui/parts.tsx";
import { listPlaybooks, readPlaybook, type PlaybookList, type Saved } from "./api.ts";
import { Editor } from "./Editor.tsx";
import { newPlaybook } from "./model.ts";

/** Stands for the list, and for a playbook that does not exist yet. */
export const ALL = "";
const NEW = "+";

function useServer<T>(
    key: readonly string[],
    read: (authorised: typeof globalThis.fetch) => Promise<T>,
    enabled: boolean,
): UseQueryResult<T> {
    const authorised = useSession((session) => session.authorised);
    return useQuery({
        queryKey: ["playbooks", ...key],
        enabled: enabled && authorised !== undefined,
        staleTime: 10_000,
        queryFn: () => {
            if (!authorised) throw new Error("signed out");
            return read(authorised);
        },
    });
}

/** The playbooks, or one of them in its editor. */
export function PlaybookPage({ id, back }: PageProps): JSX.Element {
    if (id === ALL) return <List back={back} />;
    const list = pagePath("on-call", "playbook", ALL);
    return id === NEW ? <New back={list} /> : <One key={id} id={id} back={list} />;
}

function List({ back }: { back: string }): JSX.Element {
    const list = useServer(["all"], listPlaybooks, true);
    return (
        <Page title={t.playbooks.title} back={back}>
            <p className="muted">{t.playbooks.what}</p>
            {list.isPending && <Loading />}
            {list.isError && <LoadFailed stale={false} retry={() => void list.refetch()} />}
            {list.data && <Entries list={list.data} />}
        </Page>
    );
}

function Entries({ list }: { list: PlaybookList }): JSX.Element {
    return (
        <>
            {list.may_edit && (
                <p>
                    <Link className="button" href={pagePath("on-call", "playbook", NEW)}>
                        <Icon name="plus" size={18} /> {t.playbooks.new}
                    </Link>
                </p>
            )}
            <ul className="rows">
                {list.playbooks.map((one) => (
                    <li key={one.id}>
                        <Link className="row" href={pagePath("on-call", "playbook", one.id)}>
                            <span className="row__main">
                                <span className="row__title">{one.title || one.id}</span>
                                <span className="row__sub">{one.description}</span>
                                <span className="row__flags">
                                    {one.classes.map((value) => (
                                        <ClassBadge key={value} value={value} />
                                    ))}
                                    <span className="muted">{t.playbooks.steps(one.steps)}</span>
                                </span>
                            </span>
                            <Icon name="next" size={18} />
                        </Link>
                    </li>
                ))}
            </ul>
        </>
    );
}

function One({ id, back }: { id: string; back: string }): JSX.Element {
    const saved: UseQueryResult<Saved> = useServer(["one", id], (fetch) => readPlaybook(fetch, id), true);
    const list = useServer(["all"], listPlaybooks, true);
    return (
        <Page title={saved.data?.playbook.title ?? t.playbooks.one} back={back}>
            {saved.isPending && <Loading />}
            {saved.isError && <LoadFailed stale={false} retry={() => void saved.refetch()} />}
            {saved.data && list.data && (
                <Editor saved={saved.data} mayEdit={list.data.may_edit} back={back} />
            )}
        </Page>
    );
}

function New({ back }: { back: string }): JSX.Element {
    const saved = { version: 0, playbook: newPlaybook(), versions: [] };
    return (
        <Page title={t.playbooks.new} back={back}>
            <Editor saved={saved} mayEdit back={back} />
        </Page>
    );
}
