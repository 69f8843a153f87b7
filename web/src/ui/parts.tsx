/** Small pieces that every screen uses. */
import { useEffect, useState, type JSX, type ReactNode } from "react";
import { t } from "../i18n/index.ts";
import type { RequestClass } from "../matrix/events.ts";
import { Icon, type IconName } from "./Icon.tsx";

/** An empty place that says what belongs there. */
export function Empty({
    icon,
    title,
    children,
}: {
    icon: IconName;
    title?: string;
    children: ReactNode;
}): JSX.Element {
    return (
        <div className="empty">
            <Icon name={icon} size={40} />
            {title !== undefined && <p className="empty__title">{title}</p>}
            <p>{children}</p>
        </div>
    );
}

/** Grey shapes while a list is fetched; said once to screen readers. */
export function Loading({ rows = 6 }: { rows?: number }): JSX.Element {
    return (
        <div className="loading" role="status">
            <span className="visually-hidden">{t.app.loading}</span>
            {Array.from({ length: rows }, (_, index) => (
                <span key={index} className="loading__row" aria-hidden="true" />
            ))}
        </div>
    );
}

/** A list that could not be fetched, with a way to try again. */
export function LoadFailed({ stale, retry }: { stale: boolean; retry: () => void }): JSX.Element {
    return (
        <div className="notice notice--warning" role="alert">
            <p>{stale ? t.errors.stale : t.errors.load}</p>
            <button type="button" className="button button--quiet" onClick={retry}>
                {t.app.tryAgain}
            </button>
        </div>
    );
}

/** What kind of request it is: a sign and a word, never colour alone. */
export function ClassBadge({ value }: { value: RequestClass }): JSX.Element {
    return (
        <span className={`badge badge--${value}`}>
            <Icon name={value} size={16} />
            {t.requests.className[value]}
        </span>
    );
}

function initials(name: string): string {
    const words = name
        .replace(/^(Dr|Mr|Mrs|Ms|Miss|Prof|Sr|Nurse)\.?\s+/i, "")
        .split(/\s+/)
        .filter(Boolean);
    return `${words[0]?.[0] ?? ""}${words.length > 1 ? (words.at(-1)?.[0] ?? "") : ""}`.toUpperCase();
}

/** A colleague's initials or a group's sign in a circle, or a patient's bed in a square: they never look alike. */
export function Avatar({
    name,
    patient = false,
    group = false,
}: {
    name: string;
    patient?: boolean;
    group?: boolean;
}): JSX.Element {
    if (group) {
        return (
            <span className="avatar" aria-hidden="true">
                <Icon name="people" size={22} />
            </span>
        );
    }
    return (
        <span className={patient ? "avatar avatar--patient" : "avatar"} aria-hidden="true">
            {patient ? <Icon name="bed" size={22} /> : initials(name)}
        </span>
    );
}

/** How many messages are unread, in figures and, for screen readers, in words. */
export function UnreadBadge({ count }: { count: number }): JSX.Element {
    return (
        <span className="unread">
            <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
            <span className="visually-hidden">{t.chats.unread(count)}</span>
        </span>
    );
}

/** The present, renewed every `every` milliseconds. */
export function useNow(every = 1_000): number {
    const [now, setNow] = useState(() => Date.now());
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), every);
        return () => clearInterval(timer);
    }, [every]);
    return now;
}
