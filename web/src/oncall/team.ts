/** Teams, and how often they are interrupted. */
import type * as v from "valibot";
import { millis, referenceId, type CareTeamSchema, type Parameter } from "../fhir/schema.ts";

/** A team of staff. */
export interface Team {
    id: string;
    name: string;
    /** Practitioner ids. */
    people: string[];
    /** HealthcareService ids. */
    roles: string[];
}

/** How often a team was interrupted in a period. */
export interface Noise {
    start?: number | undefined;
    end?: number | undefined;
    total: number;
    /** Those that made no sound, because the team had had its budget. */
    quiet: number;
    most: number;
    /** How many interruptions an hour the team bears, if that is limited. */
    budget?: number | undefined;
    hoursOver: number;
    byClass: Count[];
    byReason: Count[];
    byHour: Count[];
}

/** How often something was counted. */
export interface Count {
    name: string;
    count: number;
}

export function teamOf(resource: v.InferOutput<typeof CareTeamSchema>): Team {
    return {
        id: resource.id,
        name: resource.name,
        people: resource.participant.flatMap((one) => referenceId(one.member, "Practitioner") ?? []),
        roles: resource.participant.flatMap((one) =>
            one.role.flatMap(({ coding }) => coding.flatMap(({ code }) => code ?? [])),
        ),
    };
}

/** Reads the answer of `CareTeam/{id}/$noise`. */
export function noiseOf(parameters: readonly Parameter[]): Noise {
    const find = (name: string): Parameter | undefined => parameters.find((one) => one.name === name);
    const count = (name: string): number => find(name)?.valueInteger ?? 0;
    const counts = (name: string): Count[] =>
        (find(name)?.part ?? []).map((part) => ({ name: part.name, count: part.valueInteger ?? 0 }));
    const period = find("period")?.valuePeriod;
    return {
        start: millis(period?.start),
        end: millis(period?.end),
        total: count("total"),
        quiet: count("without-sound"),
        most: count("most-in-an-hour"),
        budget: find("budget-per-hour")?.valueInteger,
        hoursOver: count("hours-over-budget"),
        byClass: counts("by-class"),
        byReason: counts("by-reason"),
        byHour: counts("by-hour-of-day"),
    };
}
