import { useEffect } from "react";
import { useLocation } from "wouter";
import { create } from "zustand";
import { useSearching } from "../search/SearchButton.tsx";
import { settings } from "../ui/settings.ts";

const KEY = "wardline-help-key";

/**
 * Whether the help is open, and whether `?` opens it. A key without Ctrl or Alt can be turned off: who speaks to their computer, or
 * whose hand shakes, presses it by mistake (WCAG 2.2, 2.1.4).
 */
export const useHelp = create<{ open: boolean; key: boolean }>(() => ({
    open: false,
    key: settings().getItem(KEY) !== "off",
}));

/** Whether `?` opens the help from now on. */
export function chooseHelpKey(key: boolean): void {
    if (key) settings().removeItem(KEY);
    else settings().setItem(KEY, "off");
    useHelp.setState({ key });
}

const places = ["/chats", "/patients", "/on-call", "/requests"];

function isTyping(target: EventTarget | null): boolean {
    return (
        target instanceof HTMLElement &&
        (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
    );
}

/** Presses the first thing of that kind that is there. */
function press(selector: string): boolean {
    const found = document.querySelector<HTMLElement>(selector);
    if (found instanceof HTMLTextAreaElement) found.focus();
    else found?.click();
    return found !== null;
}

/** Goes to the conversation before or after the open one in the list. */
function neighbour(step: 1 | -1): boolean {
    const links = [...document.querySelectorAll<HTMLAnchorElement>(".pane--list a.row")];
    const at = links.findIndex((link) => link.getAttribute("aria-current") === "page");
    const next = at < 0 ? links.at(step > 0 ? 0 : -1) : links[at + step];
    next?.click();
    next?.scrollIntoView({ block: "nearest" });
    return next !== undefined;
}

/** The keys that work everywhere. While a dialog is open they are its own. */
export function useShortcuts(): void {
    const [, navigate] = useLocation();
    useEffect(() => {
        const act = (event: KeyboardEvent): boolean => {
            if (event.defaultPrevented || document.querySelector("dialog[open]")) return false;
            const { key, code } = event;
            const command = event.ctrlKey || event.metaKey;
            if (command && !event.altKey && key.toLowerCase() === "k") {
                useSearching.setState({ open: true });
                return true;
            }
            if (
                key === "?" &&
                useHelp.getState().key &&
                !command &&
                !event.altKey &&
                !isTyping(event.target)
            ) {
                useHelp.setState({ open: true });
                return true;
            }
            if (!event.altKey || command) return false;
            const place = /^Digit([1-4])$/.exec(code)?.[1];
            if (place !== undefined) {
                navigate(places[Number(place) - 1] ?? "/chats");
                return true;
            }
            switch (code) {
                case "KeyN":
                    return neighbour(1);
                case "KeyP":
                    return neighbour(-1);
                case "KeyW":
                    return press(".composer textarea");
                case "KeyA":
                    return press(".composer__ask");
                default:
                    return false;
            }
        };
        const listener = (event: KeyboardEvent): void => {
            if (act(event)) event.preventDefault();
        };
        window.addEventListener("keydown", listener);
        return () => window.removeEventListener("keydown", listener);
    }, [navigate]);
}
