/** How a patient is written, everywhere: the NHS standard for patient identification on screens. */
import { t } from "../i18n/index.ts";
import type { Patient } from "./model.ts";

/** `9990000018` as `999 000 0018`; anything that is not ten digits is shown as it came. */
export function nhsNumber(value: string): string {
    const digits = value.replaceAll(/\s/g, "");
    return /^\d{10}$/.test(digits) ? `${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}` : value;
}

/** `SURNAME, Forename (Title)`. */
export function fullName(patient: Pick<Patient, "family" | "given" | "title">): string {
    const name = [patient.family.toLocaleUpperCase("en-GB"), patient.given].filter(Boolean).join(", ");
    return patient.title ? `${name} (${patient.title})` : name;
}

/** `SURNAME, Forename`, for lists. */
export function shortName(patient: Pick<Patient, "family" | "given">): string {
    return fullName({ ...patient, title: "" });
}

interface DateParts {
    year: number;
    month: number;
    day: number;
}

function parts(date: string): DateParts | undefined {
    const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(date);
    if (!match) return undefined;
    return { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) };
}

/** `1954-03-07` as `07-Mar-1954`; a date that is not whole is shown as it came. */
export function date(value: string): string {
    const found = parts(value);
    const month = found && t.months[found.month - 1];
    if (!found || !month) return value;
    return `${String(found.day).padStart(2, "0")}-${month}-${found.year}`;
}

/** Age as the NHS writes it: `68y`, under two years in months `14m`, under four weeks in days `9d`. */
export function age(born: string, today: Date): string {
    const from = parts(born);
    if (!from) return "";
    const beforeDay = today.getDate() < from.day;
    const months =
        (today.getFullYear() - from.year) * 12 + today.getMonth() + 1 - from.month - (beforeDay ? 1 : 0);
    if (months >= 24) return t.age.years(Math.floor(months / 12));
    const days = Math.floor(
        (Date.UTC(today.getFullYear(), today.getMonth(), today.getDate()) -
            Date.UTC(from.year, from.month - 1, from.day)) /
            86_400_000,
    );
    if (days < 0) return "";
    return days < 28 ? t.age.days(days) : t.age.months(months);
}

/** `07-Mar-1954 (68y)`. */
export function bornWithAge(born: string, today: Date): string {
    const years = age(born, today);
    return years ? `${date(born)} (${years})` : date(born);
}

/** `Female` for `female`; the word for not known when absent. */
export function gender(value: string | undefined): string {
    return Object.entries(t.gender).find(([code]) => code === value)?.[1] ?? t.gender.unknown;
}
