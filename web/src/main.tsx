import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { queries } from "./fhir/cache.ts";
import { speak } from "./i18n/index.ts";
import { reportErrors } from "./session/error-report.ts";
import { boot } from "./session/session.ts";
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

async function draw(): Promise<void> {
    await speak();
    const root = document.getElementById("root");
    if (!root) return;
    createRoot(root).render(
        <StrictMode>
            <QueryClientProvider client={queries}>
                <App />
            </QueryClientProvider>
        </StrictMode>,
    );
}

reportErrors();
void draw();
void boot();
void startWorker();
