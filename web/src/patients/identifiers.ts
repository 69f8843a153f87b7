/** Two identifiers before a patient's conversation is opened: the NHS number, and the date of birth or the surname. */
import { t } from "../i18n/index.ts";
import type { Patient } from "./model.ts";

/** What somebody wrote to find a patient. `born` is `YYYY-MM-DD`, as date fields give it. */
export interface Identifiers {
    nhsNumber: string;
    born: string;
    family: string;
}

export const noIdentifiers: Identifiers = { nhsNumber: "", born: "", family: "" };

export type IdentifierField = "nhsNumber" | "second";

function digits(value: string): string {
    return value.replaceAll(/[\s-]/g, "");
}

/** Whether these ten digits are an NHS number: the last one is a check of the others (modulus 11). */
export function isNhsNumber(value: string): boolean {
    const number = digits(value);
    if (!/^\d{10}$/.test(number)) return false;
    const sum = Array.from(number.slice(0, 9), (digit, index) => Number(digit) * (10 - index)).reduce(
        (total, part) => total + part,
    );
    const check = 11 - (sum % 11);
    return check !== 10 && (check === 11 ? 0 : check) === Number(number[9]);
}

/** What is missing or wrong, by field, in words. */
export function identifierProblems(given: Identifiers): Partial<Record<IdentifierField, string>> {
    const problems: Partial<Record<IdentifierField, string>> = {};
    if (!isNhsNumber(given.nhsNumber)) problems.nhsNumber = t.findPatient.needNumber;
    if (given.born === "" && given.family.trim() === "") problems.second = t.findPatient.needSecond;
    return problems;
}

function plain(name: string): string {
    return name.trim().replaceAll(/\s+/g, " ").toLocaleLowerCase("en-GB");
}

/** The patient to whom all of these belong, among those that this person sees anyway. */
export function patientWith(patients: readonly Patient[], given: Identifiers): Patient | undefined {
    return patients.find(
        (one) =>
            one.nhsNumber !== undefined &&
            digits(one.nhsNumber) === digits(given.nhsNumber) &&
            (given.born === "" || one.born === given.born) &&
            (given.family.trim() === "" || plain(one.family) === plain(given.family)),
    );
}

/** The parameters of `Patient/$break-glass`. */
export function breakGlassParameters(
    given: Identifiers,
    reason: string,
): Record<string, string | { valueDate: string }> {
    return {
        "nhs-number": digits(given.nhsNumber),
        ...(given.born !== "" && { birthdate: { valueDate: given.born } }),
        ...(given.family.trim() !== "" && { family: given.family.trim() }),
        reason,
    };
}
