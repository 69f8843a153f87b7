import { useEffect, useState, type JSX } from "react";
import { useLanguage } from "./i18n/index.ts";
import { Opening } from "./Opening.tsx";
import { Elsewhere, NotLoaded, Starting, Unusable } from "./session/Gates.tsx";
import { LockScreen } from "./session/LockScreen.tsx";
import { painted } from "./session/painted.ts";
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

/** The screens are most of the app: they are fetched once what is seen first is on the screen. */
let screens: Screens | undefined;
let fetched: Promise<Screens> | undefined;

async function fetchScreens(): Promise<Screens> {
    await painted();
    return (screens = await import("./Running.tsx"));
}

/** What somebody sees who is signed in: at once what is kept, then everything. */
function Inside({ running }: { running: boolean }): JSX.Element {
    const [found, setFound] = useState(screens);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
        if (found) return;
        fetched ??= fetchScreens();
        fetched.then(setFound, () => setFailed(true));
    }, [found]);
    if (failed) return <NotLoaded />;
    return running && found ? <found.Running /> : <Opening />;
}
