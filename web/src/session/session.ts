import { lastGlance } from "../chats/glance.ts";
import { t } from "../i18n/index.ts";
import { eraseCryptoStore, eraseCryptoStores } from "../matrix/crypto-store.ts";
import { takeTabLock } from "../matrix/tab-lock.ts";
import { eraseLocked, lockOf, unlock, unlockByPlatform, Vault } from "../matrix/vault.ts";
import { silence } from "../push/worker.ts";
import { confirmErased, isToErase } from "./erasure.ts";
import { NotLoadedError } from "./not-loaded.ts";
import { comeBack, isBack, leaveForSignIn, revoke, type SignedIn } from "./oauth.ts";
import type { Lost } from "./run.ts";
import { painted } from "./painted.ts";
import { isNewTab, isShared, leaveNothing } from "./shared.ts";
import { SignInError } from "./sign-in-error.ts";
import { useSession } from "./store.ts";
import { SESSION, type StoredSession } from "./stored.ts";

const NOTICE = "wardline-notice";
const LEFT = "wardline-left";
/** Whether this page has begun to erase what it holds. */
let leaving = false;

/** Starts the app: one tab only, then the stored session if there is one. `steal` takes over from another tab. */
export async function boot(steal = false): Promise<void> {
    useSession.setState({ phase: "starting" });
    const mine = await takeTabLock(steal, stepAside).catch(() => true);
    if (!mine) {
        useSession.setState({ phase: "elsewhere" });
        return;
    }
    try {
        // The tab that lost the lock is told at once but needs a moment to let go of its stores.
        if (steal) await new Promise((resolve) => setTimeout(resolve, 250));
        await clearUp();
        if (isShared() && isNewTab()) await Promise.all([eraseCryptoStores(), leaveNothing()]);
        const lock = isShared() ? undefined : await lockOf();
        if (lock) {
            useSession.setState({ phase: "locked", lock });
            return;
        }
        await begin(await Vault.open(isShared()), false);
    } catch {
        useSession.setState({ phase: "unusable" });
    }
}

/** Tries a PIN; the right one goes on with the session. */
export async function tryPin(pin: string): Promise<void> {
    const result = await unlock(pin, Date.now());
    if ("vault" in result) {
        try {
            await begin(result.vault, true);
        } catch {
            useSession.setState({ phase: "unusable" });
        }
    } else if ("erased" in result) {
        await eraseCryptoStores();
        sessionStorage.setItem(NOTICE, t.lock.erased);
        location.assign("/");
    } else useSession.setState(({ lock }) => ({ lock: { platform: false, ...lock, ...result } }));
}

/** Unlocks by the device itself; `false` when the person did not show themselves to it. */
export async function tryPlatform(): Promise<boolean> {
    const vault = await unlockByPlatform();
    if (!vault) return false;
    try {
        await begin(vault, true);
    } catch {
        useSession.setState({ phase: "unusable" });
    }
    return true;
}

/** While locked: erases everything if this device was signed out from elsewhere. */
export async function eraseIfAsked(): Promise<void> {
    const { phase, lock } = useSession.getState();
    if (phase !== "locked" || lock?.watch === undefined || leaving) return;
    if (!(await isToErase(lock.watch))) return;
    leaving = true;
    await eraseLocked();
    await Promise.all([eraseCryptoStores(), silence().catch(() => undefined)]);
    await confirmErased(lock.watch);
    sessionStorage.setItem(NOTICE, t.signIn.endedByServer);
    location.assign("/");
}

/** Leaves nothing in memory: the page begins anew, behind the PIN. */
export async function lockNow(): Promise<void> {
    const { client, pin } = useSession.getState();
    if (isShared()) return signOut();
    if (pin !== true || leaving) return;
    await client?.store.save(true);
    halt();
    location.reload();
}

/** Puts a PIN before this session, or takes it away. */
export async function setPin(pin: string | undefined, most: number): Promise<void> {
    const { vault } = useSession.getState();
    if (pin === undefined) await vault?.removePin();
    else await vault?.setPin(pin, most);
    useSession.setState({ pin: pin !== undefined });
}

/** Goes on with what the vault holds; `pin` says whether a PIN stands before it. */
async function begin(vault: Vault, pin: boolean): Promise<void> {
    useSession.setState({ vault, pin, lock: undefined });
    if (isBack()) {
        await finishSignIn(vault);
        return;
    }
    const stored = await vault.get<StoredSession>(SESSION);
    if (stored && !stored.expired) await openSession(vault, stored);
    else useSession.setState({ phase: "signed-out", notice: stored ? t.signIn.expired : takeNotice() });
}

/** Leaves for the server's sign-in page; throws `SignInError` with words to show. */
export async function signIn(): Promise<void> {
    const { vault } = useSession.getState();
    const stored = await vault?.get<StoredSession>(SESSION);
    await leaveForSignIn(stored?.deviceId);
}

/** Has the person show again that it is them, so that this device may fetch the keys of earlier messages. */
export async function proveAgain(): Promise<void> {
    const { client } = useSession.getState();
    await leaveForSignIn(client?.getDeviceId() ?? undefined, true);
}

/** The browser is back from the sign-in page. */
async function finishSignIn(vault: Vault): Promise<void> {
    let answer: SignedIn | undefined;
    let failure: string = t.signIn.refusedByYou;
    try {
        answer = await comeBack();
    } catch (error) {
        failure = error instanceof SignInError ? error.message : t.signIn.failed;
    }
    const stored = await vault.get<StoredSession>(SESSION);
    if (!answer) {
        // A session that was only to be proved again goes on as it was.
        if (stored && !stored.expired) await openSession(vault, stored);
        else useSession.setState({ phase: "signed-out", failure });
        return;
    }
    const kept = stored?.deviceId === answer.deviceId && stored.userId === answer.userId;
    // Somebody else used this browser before: what is stored here (queued messages, drafts) is not this person's.
    let store = vault;
    if (stored && !kept) {
        await eraseCryptoStore(stored.cryptoPrefix);
        await vault.erase();
        store = await Vault.open(isShared());
        useSession.setState({ vault: store });
    }
    const session: StoredSession = {
        ...answer,
        cryptoKey: kept ? stored.cryptoKey : randomKey(),
        cryptoPrefix: kept ? stored.cryptoPrefix : `wardline-${answer.deviceId}`,
    };
    await store.put(SESSION, session);
    await openSession(store, session);
}

/** Signs out and erases everything this browser held. */
export async function signOut(): Promise<void> {
    const { client, vault } = useSession.getState();
    if (client) await running?.lastBackup(client);
    halt();
    const stored = await vault?.get<StoredSession>(SESSION);
    if (stored) await revoke(stored, stored.refreshToken ?? stored.accessToken).catch(() => undefined);
    await forget(t.signIn.signedOut);
}

function randomKey(): string {
    return btoa(String.fromCodePoint(...crypto.getRandomValues(new Uint8Array(32))));
}

/** What runs a session is most of the app: it is fetched after what is seen first. */
let running: typeof import("./run.ts") | undefined;

/** Counts what was opened and halted: what was opened before the last of these is over. */
let opened = 0;

/** Shows what is kept of the session, and runs it. */
async function openSession(vault: Vault, session: StoredSession): Promise<void> {
    const mine = ++opened;
    const isOver = (): boolean => mine !== opened;
    const glance = await lastGlance(vault);
    if (isOver()) return;
    useSession.setState({ phase: "opening", glance });
    const lost: Lost = (current, soft) => void lose(vault, current, soft);
    await painted();
    try {
        running ??= await import("./run.ts").catch(() => {
            throw new NotLoadedError();
        });
        await running.run(vault, session, lost, isOver);
    } catch (error) {
        if (!(error instanceof NotLoadedError)) throw error;
        if (!isOver()) useSession.setState({ phase: "not-loaded" });
    }
}

function halt(): void {
    opened++;
    running?.halt();
}

/** Another tab took over: stop at once, so that two never write to one crypto store. */
function stepAside(): void {
    halt();
    useSession.setState({
        phase: "elsewhere",
        client: undefined,
        fhir: undefined,
        outbox: undefined,
        search: undefined,
    });
}

/** The server ended the session. Softly: keep what is here for the same person; otherwise erase it. */
async function lose(vault: Vault, session: StoredSession, soft: boolean): Promise<void> {
    halt();
    if (!soft) {
        await forget(t.signIn.endedByServer, session.accessToken);
        return;
    }
    await vault.put(SESSION, { ...session, expired: true });
    location.reload();
}

/** Erases everything this browser held; with the dead token of a session that was ended elsewhere the server is told so. */
async function forget(notice: string, dead?: string): Promise<void> {
    // Several requests may hear at once that the session is over.
    if (leaving) return;
    leaving = true;
    const { vault } = useSession.getState();
    halt();
    const stored = await vault?.get<StoredSession>(SESSION);
    sessionStorage.clear();
    sessionStorage.setItem(NOTICE, notice);
    // With the vault goes the key of the encryption store, so that nothing can read it from here on. The store itself is
    // still in use by what this page has begun: the next page erases it.
    await vault?.erase();
    await (isShared() ? leaveNothing() : silence().catch(() => undefined));
    if (stored) sessionStorage.setItem(LEFT, JSON.stringify({ prefix: stored.cryptoPrefix, dead }));
    location.assign("/");
}

/** Erases what the page before left, and tells the server when it asked for that. */
async function clearUp(): Promise<void> {
    const left = sessionStorage.getItem(LEFT);
    if (left === null) return;
    const { prefix, dead } = JSON.parse(left) as { prefix: string; dead?: string };
    await eraseCryptoStore(prefix);
    sessionStorage.removeItem(LEFT);
    if (dead === undefined) return;
    const headers = { Authorization: `Bearer ${dead}` };
    await fetch("/_wardline/client/v1/erased", { method: "POST", headers }).catch(() => undefined);
}

function takeNotice(): string | undefined {
    const notice = sessionStorage.getItem(NOTICE) ?? undefined;
    sessionStorage.removeItem(NOTICE);
    return notice;
}
