/** The code by which a role is handed over from phone to phone, as a QR code says it. */

/** Begins every such code, so that any other that is before the camera is told apart. */
const MARK = "wardline-role";

export interface RoleCode {
    roleId: string;
    code: string;
}

/** What the QR code says. No address: a camera outside the app can do nothing with it. */
export function writeRoleCode({ roleId, code }: RoleCode): string {
    return `${MARK} ${encodeURIComponent(roleId)} ${code}`;
}

/** Reads what a camera saw; `undefined` for anything else. */
export function readRoleCode(text: string): RoleCode | undefined {
    const [mark, roleId, code, more] = text.trim().split(" ");
    if (mark !== MARK || !roleId || !code || more !== undefined) return undefined;
    try {
        return { roleId: decodeURIComponent(roleId), code };
    } catch {
        return undefined;
    }
}

/** A code in groups of four, to be read out and typed. */
export function grouped(code: string): string {
    return code.replaceAll(/(.{4})(?=.)/g, "$1 ");
}

/** A code as it was typed, without the gaps. */
export function typed(text: string): string {
    return text.replaceAll(/\s/g, "");
}
