import { create } from "zustand";

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const KEY = "wardline-theme";

function stored(): Theme {
    const value = localStorage.getItem(KEY);
    return themes.find((theme) => theme === value) ?? "auto";
}

function apply(theme: Theme): void {
    document.documentElement.dataset["theme"] = theme;
}

/** Light, dark, or as the device; remembered on this device (it is a preference, not data). */
export const useTheme = create<{ theme: Theme; choose: (theme: Theme) => void }>((set) => {
    const theme = stored();
    apply(theme);
    return {
        theme,
        choose: (chosen) => {
            localStorage.setItem(KEY, chosen);
            apply(chosen);
            set({ theme: chosen });
        },
    };
});
