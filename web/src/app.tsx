import { useEffect, useState, type JSX } from "react";
import { useLanguage } from "./i18n/index.ts";
import { Opening } from "./Opening.tsx";
import { Elsewhere, NotLoaded, Starting, Unusable } from "./session/Gates.tsx";
import { LockScreen } from "./session/LockScreen.tsx";
import { SignIn } from "./session/SignIn.tsx";
import { useSession } from "./session/store.ts";

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
        case "not-loaded":
            return <NotLoaded />;
        case "locked":
            return <LockScreen />;
        case "signed-out":
            return <SignIn />;
        case "opening":
        case "running":
            return <Inside running={phase === "running"} />;
    }
}

type Screens = typeof import("./Running.tsx");

/** The screens are most of the app: they are fetched while the session is opened, and nothing that is seen first waits for them. */
let screens: Screens | undefined;
const fetched = import("./Running.tsx").then((found) => (screens = found));
// Whoever needs them says that they could not be fetched; at the sign-in page nobody does.
fetched.catch(() => undefined);

/** What somebody sees who is signed in: at once what is kept, then everything. */
function Inside({ running }: { running: boolean }): JSX.Element {
    const [found, setFound] = useState(screens);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
        if (!found) fetched.then(setFound, () => setFailed(true));
    }, [found]);
    if (failed) return <NotLoaded />;
    return running && found ? <found.Running /> : <Opening />;
}
