/** How the app looks on this device. Preferences, not data: they stay in `localStorage`. */
import { create } from "zustand";
import { settings } from "./settings.ts";

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

/** Sizes of text, in per cent of what the browser says. */
export const textSizes = [100, 125, 150, 200] as const;
export type TextSize = (typeof textSizes)[number];

const KEYS = {
    theme: "wardline-theme",
    text: "wardline-text",
    targets: "wardline-targets",
    motion: "wardline-motion",
} as const;

/** How the app looks. */
export interface Look {
    theme: Theme;
    text: TextSize;
    /** Everything that is pressed is larger: for gloves. */
    large: boolean;
    /** Nothing moves by itself, whatever the device says. */
    still: boolean;
}

interface LookStore extends Look {
    choose: (change: Partial<Look>) => void;
}

function stored(): Look {
    const theme = settings().getItem(KEYS.theme);
    const text = Number(settings().getItem(KEYS.text));
    return {
        theme: themes.find((one) => one === theme) ?? "auto",
        text: textSizes.find((one) => one === text) ?? 100,
        large: settings().getItem(KEYS.targets) === "large",
        still: settings().getItem(KEYS.motion) === "still",
    };
}

function keep(name: string, value: string | undefined): void {
    if (value === undefined) settings().removeItem(name);
    else settings().setItem(name, value);
}

/** Dresses the page so. */
export function apply({ theme, text, large, still }: Look): void {
    const { dataset, style } = document.documentElement;
    dataset["theme"] = theme;
    dataset["targets"] = large ? "large" : "usual";
    dataset["motion"] = still ? "still" : "auto";
    style.fontSize = text === 100 ? "" : `${text}%`;
    // Chromium asks a container how many letters wide it is only when its width changes, not when the letters do.
    const root = document.getElementById("root");
    if (!root) return;
    root.style.containerType = "normal";
    void root.offsetWidth;
    root.style.containerType = "";
}

/** The look, and how it is changed. */
export const useLook = create<LookStore>((set, get) => {
    const look = stored();
    apply(look);
    return {
        ...look,
        choose: (change) => {
            set(change);
            const now = get();
            keep(KEYS.theme, now.theme === "auto" ? undefined : now.theme);
            keep(KEYS.text, now.text === 100 ? undefined : String(now.text));
            keep(KEYS.targets, now.large ? "large" : undefined);
            keep(KEYS.motion, now.still ? "still" : undefined);
            apply(now);
        },
    };
});
