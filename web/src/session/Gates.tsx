import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { boot } from "./session.ts";

/** Wardline is open in another tab: offer to use it here. */
export function Elsewhere(): JSX.Element {
    return (
        <main className="sign-in">
            <div className="sign-in__card">
                <h1>{t.elsewhere.title}</h1>
                <p>{t.elsewhere.body}</p>
                <button type="button" className="button button--primary" onClick={() => void boot(true)}>
                    {t.elsewhere.here}
                </button>
            </div>
        </main>
    );
}

/** The browser does not allow what Wardline needs. */
export function Unusable(): JSX.Element {
    return (
        <main className="sign-in">
            <div className="sign-in__card">
                <h1>{t.unusable.title}</h1>
                <p>{t.unusable.body}</p>
                <button type="button" className="button" onClick={() => location.reload()}>
                    {t.app.tryAgain}
                </button>
            </div>
        </main>
    );
}

/** A part of the app could not be fetched. */
export function NotLoaded(): JSX.Element {
    return (
        <main className="sign-in">
            <div className="sign-in__card" role="alert">
                <h1>{t.notLoaded.title}</h1>
                <p>{t.notLoaded.body}</p>
                <button type="button" className="button button--primary" onClick={() => location.reload()}>
                    {t.app.tryAgain}
                </button>
            </div>
        </main>
    );
}

/** Before the session is read. */
export function Starting(): JSX.Element {
    return (
        <main className="sign-in">
            <p className="sign-in__starting" role="status">
                {t.app.starting}
            </p>
        </main>
    );
}
