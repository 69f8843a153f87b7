import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { boot } from "./session/session.ts";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/layout.css";
import "./ui/lists.css";
import "./ui/conversation.css";
import "./ui/messages.css";
import "./ui/attachments.css";
import "./ui/requests.css";

const queries = new QueryClient({
    defaultOptions: {
        queries: {
            // The app knows better than the browser whether the hospital's server answers.
            networkMode: "always",
            retry: 2,
            refetchOnWindowFocus: true,
        },
    },
});

const root = document.getElementById("root");
if (root) {
    createRoot(root).render(
        <StrictMode>
            <QueryClientProvider client={queries}>
                <App />
            </QueryClientProvider>
        </StrictMode>,
    );
}
void boot();
