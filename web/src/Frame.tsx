import type { JSX, ReactNode } from "react";
import { Link, useRoute } from "wouter";
import { t } from "./i18n/index.ts";
import { pageOf } from "./paths.ts";
import { Icon } from "./ui/Icon.tsx";

const places = ["chats", "patients", "on-call", "requests"] as const;
export type PlaceName = (typeof places)[number];

/** How much waits in a place, and what that is in words. */
export type PlaceCounts = Partial<Record<PlaceName, { count: number; words: string }>>;

function isPlace(name: string | undefined): name is PlaceName {
    return places.some((place) => place === name);
}

/** The place that the address names, if it is one, and what is open beside its list. */
export function useAddress(): { place: PlaceName | undefined; opened: string | undefined } {
    const [, parameters] = useRoute("/:place/:room?");
    const place = parameters?.place;
    const room = parameters?.room;
    return {
        place: isPlace(place) ? place : undefined,
        opened: room === undefined ? undefined : decodeURIComponent(room),
    };
}

interface FrameProps {
    place: PlaceName;
    opened: string | undefined;
    above?: ReactNode;
    places: ReactNode;
    head?: ReactNode;
    list: ReactNode;
    detail: ReactNode;
    /** What lies over everything. */
    children?: ReactNode;
}

/** Places, list and what is open beside it: the same before the session runs and while it does. */
export function Frame(props: FrameProps): JSX.Element {
    const { place, opened } = props;
    return (
        <div className="app" data-open={opened === undefined ? "list" : "conversation"}>
            <a className="skip" href="#content">
                {t.app.skip}
            </a>
            {props.above}
            {props.places}
            <main id="content" className="panes" tabIndex={-1}>
                <section className="pane pane--list" aria-label={t.places[place]}>
                    <header className="pane__head">
                        <h1>{t.places[place]}</h1>
                        {props.head}
                    </header>
                    {props.list}
                </section>
                <section className="pane pane--detail" aria-label={besides(opened)}>
                    {props.detail}
                </section>
            </main>
            {props.children}
        </div>
    );
}

/** What the part beside the list is called: a conversation, or a page about something. */
function besides(opened: string | undefined): string {
    return opened !== undefined && pageOf(opened) ? t.requests.details : t.conversation.label;
}

/** The four places. */
export function Places({ current, counts }: { current: PlaceName; counts?: PlaceCounts }): JSX.Element {
    return (
        <nav className="places" aria-label={t.app.places}>
            {places.map((place, at) => {
                const badge = counts?.[place];
                return (
                    <Link
                        key={place}
                        href={`/${place}`}
                        aria-keyshortcuts={`Alt+${at + 1}`}
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
