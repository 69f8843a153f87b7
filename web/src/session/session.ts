import { Calls } from "../calls/center.ts";
import { ClientEvent, type MatrixClient } from "matrix-js-sdk";
import { dropAnswers, keepAnswers } from "../fhir/cache.ts";
import { FhirClient } from "../fhir/client.ts";
import { t } from "../i18n/index.ts";
import { eraseCryptoStore, makeClient, startSync, type Identity } from "../matrix/client.ts";
import { backUpKeys } from "../matrix/crypto-backend.ts";
import { isSetUp, SecretKeyHolder, setUpCrypto } from "../matrix/crypto-setup.ts";
import { HistorySharing } from "../matrix/history.ts";
import { StepUpNeeded } from "../matrix/key-service.ts";
import { keyPolicy } from "../matrix/key-service.ts";
import { MediaStore } from "../matrix/media.ts";
import { Network } from "../matrix/network.ts";
import { Outbox } from "../matrix/outbox.ts";
import { reportReading } from "../matrix/reading.ts";
import { DeliveryReceipts } from "../matrix/receipts.ts";
import { takeTabLock } from "../matrix/tab-lock.ts";
import { TokenHolder, type Tokens } from "../matrix/tokens.ts";
import { organisation } from "../matrix/trust.ts";
import { VaultStore } from "../matrix/vault-store.ts";
import { eraseLocked, lockOf, unlock, unlockByPlatform, Vault } from "../matrix/vault.ts";
import { silence } from "../push/worker.ts";
import { withEvent } from "../requests/model.ts";
import { watchConnection } from "./connection.ts";
import { confirmErased, hashOf, isToErase } from "./erasure.ts";
import { comeBack, isBack, leaveForSignIn, revoke, type OAuthClient, type SignedIn } from "./oauth.ts";
import { owner } from "./owner.ts";
import { eraseCryptoStores, isNewTab, isShared, leaveNothing } from "./shared.ts";
import { SignInError } from "./sign-in-error.ts";
import { useSession } from "./store.ts";

const SESSION = "session";
const NOTICE = "wardline-notice";
const LEFT = "wardline-left";
/** Whether this page has begun to erase what it holds. */
let leaving = false;
/** How long signing out waits for what is still to be backed up. */
const LAST_BACKUP_MS = 10_000;

/** When the sleeping device (MSC3814) was left; see `refreshSleeper`. */
const SLEEPER = "sleeper";
const WEEK_MS = 7 * 24 * 3_600_000;

/** What is kept of a session between visits, in the `Vault`. */
interface StoredSession extends Identity, Tokens, OAuthClient {
    /** The server ended the session but this device may go on after a new sign-in (soft logout). */
    expired?: boolean;
}

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

/** Keeps what is needed to learn, while locked, that this device was signed out from elsewhere. */
async function watch(vault: Vault, { refreshToken, accessToken }: Tokens): Promise<void> {
    if (!isShared()) await vault.watch(await hashOf(refreshToken ?? accessToken)).catch(() => undefined);
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
    if (stored && !stored.expired) await run(vault, stored);
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
        if (stored && !stored.expired) await run(vault, stored);
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
    await run(store, session);
}

/** Signs out and erases everything this browser held. */
export async function signOut(): Promise<void> {
    const { client, vault } = useSession.getState();
    if (client) {
        const late = new Promise((resolve) => setTimeout(resolve, LAST_BACKUP_MS));
        await Promise.race([backUpKeys(client).catch(() => undefined), late]);
    }
    halt();
    const stored = await vault?.get<StoredSession>(SESSION);
    if (stored) await revoke(stored, stored.refreshToken ?? stored.accessToken).catch(() => undefined);
    await forget(t.signIn.signedOut);
}

function randomKey(): string {
    return btoa(String.fromCodePoint(...crypto.getRandomValues(new Uint8Array(32))));
}

async function run(vault: Vault, session: StoredSession): Promise<void> {
    let current = session;
    const network = new Network();
    const tokens = new TokenHolder(
        session,
        session,
        async (renewed) => {
            current = { ...current, ...renewed };
            // On a full device it goes on in memory: the old tokens are spent, and giving up would end the session.
            await vault.put(SESSION, current).catch(() => undefined);
            await watch(vault, current);
            useSession.getState().client?.setAccessToken(renewed.accessToken);
        },
        (soft) => void lose(vault, current, soft),
        network,
    );
    void watch(vault, session);
    const holder = new SecretKeyHolder();
    const [store, trust] = await Promise.all([
        VaultStore.open(vault),
        organisation(vault),
        keepAnswers(vault),
    ]);
    const client = await makeClient(session, tokens, holder, store, trust?.certificates);
    const fhir = new FhirClient(tokens);
    const outbox = new Outbox(client, vault, async (request, eventId) => {
        await fhir.put("Task", request.id, withEvent(request.task, eventId));
    });
    new DeliveryReceipts(client).start();
    const history = new HistorySharing(client);
    history.start();
    const watched = watchConnection(client, outbox, network);
    const counted = reportReading(client, tokens.authorised);
    stopWatching = () => {
        watched.stop();
        counted();
    };
    const media = new MediaStore(tokens.authorised);
    const calls = new Calls(client);
    calls.start();
    useSession.setState({
        phase: "running",
        client,
        fhir,
        outbox,
        media,
        calls,
        authorised: tokens.authorised,
        wake: watched.wake,
        loaded: false,
        keptAt: store.keptAt,
        heard: false,
        notice: undefined,
        trust: trust?.name,
        setUpAgain: undefined,
    });
    await outbox.start();
    await startSync(client);
    void startSearch(client, vault).catch(() => undefined);
    const setUp = async (): Promise<void> => {
        const yes = await prepareCrypto({ client, tokens, holder, owner });
        if (useSession.getState().client !== client) return;
        if (yes) {
            history.ready();
            void refreshSleeper(client, vault).catch(() => undefined);
        } else if ((await keyPolicy()) === "personal")
            useSession.setState({ setUpAgain: () => void setUp().catch(() => undefined) });
    };
    void setUp().catch(() => undefined);
}

/** Begins to follow what is said, so that it can be found again; not at once, for the first screen comes before it. */
async function startSearch(client: MatrixClient, vault: Vault): Promise<void> {
    const { MessageSearch } = await import("../search/message-search.ts");
    const search = await MessageSearch.open(client, vault, () => {
        const { connection, history } = useSession.getState();
        return connection === "online" && history === "readable";
    });
    if (useSession.getState().client === client) useSession.setState({ search });
    else search.stop();
}

/**
 * Once a week another sleeping device takes the place of the last one, whose one-time keys run out. What came for that one
 * came for this device too.
 */
async function refreshSleeper(client: MatrixClient, vault: Vault): Promise<void> {
    const now = Date.now();
    const last = await vault.get<number>(SLEEPER);
    if (last !== undefined) {
        if (now - last < WEEK_MS) return;
        await client.getCrypto()?.startDehydration({ onlyIfKeyCached: true, rehydrate: false });
    }
    // The first time the set-up has just left one.
    await vault.put(SLEEPER, now);
}

/** Ends the listeners of the running session. */
let stopWatching: () => void = () => undefined;

/** Stops everything that this tab does with the session; what is stored stays. */
function halt(): void {
    const { client, outbox, calls, search } = useSession.getState();
    stopWatching();
    calls?.stop();
    outbox?.stop();
    search?.stop();
    client?.stopClient();
}

/** Sets encryption up behind the scenes, unless it is; tries again after a failure. Gives whether it is set up. */
async function prepareCrypto(setup: Parameters<typeof setUpCrypto>[0]): Promise<boolean> {
    await firstSync(setup.client);
    const api = setup.client.getCrypto();
    if (api && (await isSetUp(api))) {
        if (useSession.getState().client === setup.client) useSession.setState({ history: "readable" });
        return true;
    }
    useSession.setState({ history: "setting-up" });
    for (const wait of [0, 2_000, 5_000, 15_000, 30_000, 60_000]) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        if (useSession.getState().client !== setup.client) return false;
        try {
            const outcome = await setUpCrypto(setup);
            useSession.setState({ history: outcome === "ready" ? "readable" : "unreadable" });
            return outcome === "ready";
        } catch (error) {
            // Only the person can help.
            if (error instanceof StepUpNeeded) break;
            // Keys are only ever left in a state from which the next try goes on.
        }
    }
    useSession.setState({ history: "unreadable" });
    return false;
}

function firstSync(client: MatrixClient): Promise<void> {
    if (useSession.getState().heard === true) return Promise.resolve();
    return new Promise((resolve) => {
        // What the last visit kept is not the server's word.
        const listener = (state: string, _previous: unknown, data?: { fromCache?: boolean }): void => {
            if ((state !== "PREPARED" && state !== "SYNCING") || data?.fromCache === true) return;
            client.off(ClientEvent.Sync, listener);
            resolve();
        };
        client.on(ClientEvent.Sync, listener);
    });
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
    dropAnswers();
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
