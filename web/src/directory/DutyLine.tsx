import type { JSX } from "react";
import type { Duty } from "../duty/model.ts";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { Icon } from "../ui/Icon.tsx";

/** That somebody is busy or off duty, until when, and who covers for them; nothing for who is simply on duty. */
export function DutyLine({ duty }: { duty: Duty | undefined }): JSX.Element | null {
    const { data: staff } = useStaff();
    if (!duty || duty.state === "on") return null;
    const { cover } = duty;
    const coverName = cover && (staff?.get(cover.id)?.name ?? cover.name);
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
