import type { JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import type { DutyStatus } from "../oncall/model.ts";
import { Icon } from "../ui/Icon.tsx";

/** That somebody is busy or off duty, until when, and who covers for them; nothing for who is simply on duty. */
export function DutyLine({ duty }: { duty: DutyStatus | undefined }): JSX.Element | null {
    const { data: staff } = useStaff();
    if (!duty || duty.state === "on") return null;
    const cover = duty.coveredBy;
    const coverName = cover && (staff?.get(cover.id)?.name ?? cover.name ?? cover.id);
    const until = duty.until === undefined ? "" : ` ${t.time.until(clockWithDay(duty.until, Date.now()))}`;
    return (
        <span className="duty-line">
            <Icon name={duty.state === "off" ? "mute" : "clock"} size={16} />
            {t.directory.duty[duty.state] + until}
            {duty.state === "off" &&
                `. ${coverName === undefined ? t.directory.uncovered : t.directory.coveredBy(coverName)}`}
        </span>
    );
}
