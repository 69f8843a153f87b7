import type { JSX, ReactNode } from "react";
import { Link } from "wouter";
import { t } from "../i18n/index.ts";
import { Icon } from "./Icon.tsx";

interface PageProps {
    title: string;
    /** Where the phone's back button leads. */
    back: string;
    /** Buttons beside the title. */
    tools?: ReactNode;
    children: ReactNode;
}

/** A page beside a list: a head that stays, and a body that scrolls. */
export function Page({ title, back, tools, children }: PageProps): JSX.Element {
    return (
        <div className="page">
            <header className="page__head">
                <Link className="icon-button conversation__back" href={back} aria-label={t.app.back}>
                    <Icon name="back" />
                </Link>
                <h2>{title}</h2>
                {tools}
            </header>
            <div className="page__body" tabIndex={0} role="region" aria-label={title}>
                {children}
            </div>
        </div>
    );
}

/** A titled part of a page. */
export function Part({ title, children }: { title: string; children: ReactNode }): JSX.Element {
    return (
        <section className="part" aria-label={title}>
            <h3>{title}</h3>
            {children}
        </section>
    );
}
