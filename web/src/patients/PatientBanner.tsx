import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { bornWithAge, fullName, gender, nhsNumber } from "./format.ts";
import { usePatient } from "./use-patient.ts";

/** Who the patient is, as the NHS writes it: the same everywhere, to be checked at a glance. `heading` where it titles a screen. */
export function PatientSummary({
    patientRef,
    heading = false,
}: {
    patientRef: string;
    heading?: boolean;
}): JSX.Element {
    const found = usePatient(patientRef);
    const Name = heading ? "h2" : "p";
    if (!found) {
        return (
            <div className="patient patient--unknown">
                <p className="patient__name">
                    {found === undefined ? t.patients.loading : t.patients.unknown}
                </p>
            </div>
        );
    }
    const { patient, place } = found;
    const where = [place.ward, place.bed && t.patients.bed(place.bed)].filter(Boolean).join(", ");
    return (
        <div className="patient">
            <Name className="patient__name" dir="auto">
                {fullName(patient)}
            </Name>
            <dl className="patient__facts">
                {patient.born !== undefined && (
                    <div>
                        <dt>{t.patients.born}</dt>
                        <dd dir="ltr">{bornWithAge(patient.born, new Date())}</dd>
                    </div>
                )}
                <div>
                    <dt>{t.patients.gender}</dt>
                    <dd>{gender(patient.gender)}</dd>
                </div>
                {patient.nhsNumber !== undefined && (
                    <div>
                        <dt>{t.patients.nhsNumber}</dt>
                        <dd className="nowrap" dir="ltr">
                            {nhsNumber(patient.nhsNumber)}
                        </dd>
                    </div>
                )}
                {where && (
                    <div>
                        <dt className="visually-hidden">{t.patients.place}</dt>
                        <dd>{where}</dd>
                    </div>
                )}
            </dl>
        </div>
    );
}

/** The banner of a patient's conversation. It stays where it is while the conversation scrolls. */
export function PatientBanner({ patientRef }: { patientRef: string }): JSX.Element {
    return (
        <section className="banner" aria-label={t.patients.banner}>
            <PatientSummary patientRef={patientRef} heading />
        </section>
    );
}
