/**
 * The component workbench: `npm run workbench`. It is a page of its own and no part of what is shipped. By its address: `?story=` shows
 * one part alone, `theme=dark`, `dir=rtl`, `text=200`, `targets=large` show it so.
 */
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, type JSX } from "react";
import { createRoot } from "react-dom/client";
import { queries } from "../src/fhir/cache.ts";
import { speak } from "../src/i18n/index.ts";
import { ErrorBoundary } from "../src/ui/ErrorBoundary.tsx";
import { apply, textSizes, themes } from "../src/ui/theme.ts";
import { prepare } from "./samples.ts";
import { stories } from "./stories.tsx";
import "../src/ui/tokens.css";
import "../src/ui/base.css";
import "../src/ui/layout.css";
import "../src/ui/lists.css";
import "../src/ui/conversation.css";
import "../src/ui/messages.css";
import "../src/ui/attachments.css";
import "../src/ui/requests.css";
import "../src/ui/voice.css";
import "../src/ui/clinical.css";
import "../src/ui/calls.css";
import "../src/ui/alarms.css";
import "../src/ui/narrow.css";
import "./workbench.css";

const asked = new URLSearchParams(location.search);

function dress(): void {
    const theme = asked.get("theme");
    const text = Number(asked.get("text"));
    document.documentElement.dir = asked.get("dir") ?? "ltr";
    apply({
        theme: themes.find((one) => one === theme) ?? "auto",
        text: textSizes.find((one) => one === text) ?? 100,
        large: asked.get("targets") === "large",
        still: true,
    });
}

function Workbench(): JSX.Element {
    const one = asked.get("story");
    const shown = Object.entries(stories).filter(([name, { cover }]) =>
        one === null ? cover !== true : name === one,
    );
    return (
        <main className="workbench">
            <h1>Workbench</h1>
            {one === null && (
                <nav aria-label="What covers the screen">
                    {Object.entries(stories)
                        .filter(([, { cover }]) => cover)
                        .map(([name]) => (
                            <a key={name} href={`?story=${encodeURIComponent(name)}`}>
                                {name}
                            </a>
                        ))}
                </nav>
            )}
            {shown.map(([name, { draw }]) => (
                <section key={name} className="workbench__story" aria-label={name} data-story={name}>
                    <h2>{name}</h2>
                    <div className="workbench__stage">
                        <ErrorBoundary>{draw()}</ErrorBoundary>
                    </div>
                </section>
            ))}
        </main>
    );
}

dress();
await speak();
prepare();
const root = document.getElementById("root");
if (root)
    createRoot(root).render(
        <StrictMode>
            <QueryClientProvider client={queries}>
                <Workbench />
            </QueryClientProvider>
        </StrictMode>,
    );
