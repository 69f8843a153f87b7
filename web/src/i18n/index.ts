import { create } from "zustand";
import { keepForWorker } from "../push/language.ts";
import { settings } from "../ui/settings.ts";
import { en } from "./en.ts";

/** The shape that every language must fill. */
export type Catalogue = typeof en;

export const languages = ["en", "cy"] as const;
export type Language = (typeof languages)[number];
/** What the person chose: a language, or that of the device. */
export type LanguageChoice = Language | "auto";

const KEY = "wardline-language";

/** The words on the screen. A live binding: `speak` puts another catalogue in its place. */
export let t: Catalogue = en;

const loaders: Record<Language, () => Promise<Catalogue>> = {
    en: async () => en,
    cy: async () => (await import("./cy.ts")).cy,
};

function isLanguage(value: unknown): value is Language {
    return languages.some((language) => language === value);
}

/** The first of the languages that somebody `wants` (BCP 47 tags, the best first) which Wardline speaks; else English. */
export function fitting(wants: readonly string[]): Language {
    return wants.map((tag) => tag.toLowerCase().split("-", 1)[0]).find(isLanguage) ?? "en";
}

function stored(): LanguageChoice {
    const value = settings().getItem(KEY);
    return isLanguage(value) ? value : "auto";
}

interface Speaking {
    choice: LanguageChoice;
    /** What is spoken now. */
    language: Language;
}

/** The choice of language; remembered on this device (it is a preference, not data). */
export const useLanguage = create<Speaking>(() => ({ choice: stored(), language: "en" }));

async function put(choice: LanguageChoice): Promise<void> {
    const language = choice === "auto" ? fitting(navigator.languages) : choice;
    t = await loaders[language]();
    document.documentElement.lang = t.locale;
    useLanguage.setState({ choice, language });
}

/** Speaks as was chosen before; call before anything is drawn. English remains where the words cannot be fetched. */
export async function speak(): Promise<void> {
    await put(stored()).catch(() => undefined);
}

/** Speaks another language from now on. */
export async function chooseLanguage(choice: LanguageChoice): Promise<void> {
    await put(choice);
    if (choice === "auto") settings().removeItem(KEY);
    else settings().setItem(KEY, choice);
    await keepForWorker(choice === "auto" ? undefined : choice);
}
