import { useId, type JSX, type ReactNode } from "react";

interface FieldAttributes {
    id: string;
    "aria-invalid": boolean;
    "aria-describedby": string | undefined;
}

interface FieldProps {
    label: string;
    hint?: string;
    problem?: string | undefined;
    /** The problem is said at once, wherever the focus is. */
    alert?: boolean;
    children: (attributes: FieldAttributes) => ReactNode;
}

/** A label, an optional hint, what is wrong, and the control that they describe. */
export function Field({ label, hint, problem, alert = false, children }: FieldProps): JSX.Element {
    const id = useId();
    const describedBy = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
    return (
        <div className={problem ? "field field--wrong" : "field"}>
            <label htmlFor={id}>{label}</label>
            {hint !== undefined && (
                <span id={`${id}-hint`} className="muted">
                    {hint}
                </span>
            )}
            {problem !== undefined && (
                <p id={`${id}-problem`} className="field-error" role={alert ? "alert" : undefined}>
                    {problem}
                </p>
            )}
            {children({
                id,
                "aria-invalid": problem !== undefined,
                "aria-describedby": describedBy || undefined,
            })}
        </div>
    );
}
