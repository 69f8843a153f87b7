import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { bornWithAge, fullName, gender, nhsNumber } from "./format.ts";
import { Icon } from "../ui/Icon.tsx";
import type { Patient } from "./model.ts";
import { usePatient } from "./use-patient.ts";

/** What must not be missed about a patient: that they have died, have left hospital, or that their details are restricted. */
export function PatientFlags({
    patient,
    gone = false,
}: {
    patient: Patient;
    /** They are in no ward. */
    gone?: boolean;
}): JSX.Element | null {
    const flags = [
        patient.deceased && t.patients.flags.deceased,
        patient.replacedBy !== undefined && t.patients.flags.replaced,
        gone && !patient.deceased && patient.replacedBy === undefined && t.patients.flags.discharged,
        patient.restricted && t.patients.flags.restricted,
    ].filter((flag) => flag !== false);
    if (flags.length === 0) return null;
    return (
        <span className="patient__flags">
            {flags.map((flag) => (
                <span key={flag} className="patient__flag">
                    <Icon name={flag === t.patients.flags.restricted ? "lock" : "information"} size={16} />
                    {flag}
                </span>
            ))}
        </span>
    );
}

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
    const gone = place.ward === "" && patient.placeId === undefined;
    const where = [place.ward, place.bed && t.patients.bed(place.bed)].filter(Boolean).join(", ");
    return (
        <div className="patient">
            <Name className="patient__name" dir="auto">
                {fullName(patient)}
            </Name>
            <PatientFlags patient={patient} gone={gone} />
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
