import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { speak } from "./i18n/index.ts";
import { reportErrors } from "./session/error-report.ts";
import { boot } from "./session/session.ts";
import { useSession, type SessionState } from "./session/store.ts";
import { startWorker } from "./push/worker.ts";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/layout.css";
import "./ui/lists.css";
import "./ui/conversation.css";
import "./ui/messages.css";
import "./ui/attachments.css";
import "./ui/requests.css";
import "./ui/voice.css";
import "./ui/clinical.css";
import "./ui/calls.css";
import "./ui/alarms.css";
import "./ui/narrow.css";

async function draw(): Promise<void> {
    await speak();
    const root = document.getElementById("root");
    if (!root) return;
    createRoot(root).render(
        <StrictMode>
            <App />
        </StrictMode>,
    );
}

reportErrors();
void draw();

/** The worker fetches the whole app once more: whoever opens it does not share a slow network with that. */
function isOpen({ phase, loaded }: SessionState): boolean {
    return phase === "running" ? loaded : phase !== "starting" && phase !== "opening";
}

const unsubscribe = useSession.subscribe((session) => {
    if (!isOpen(session)) return;
    unsubscribe();
    void startWorker();
});
void boot();
