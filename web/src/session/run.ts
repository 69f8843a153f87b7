import { ClientEvent, type MatrixClient } from "matrix-js-sdk";
import { Calls } from "../calls/center.ts";
import { dropAnswers, keepAnswers } from "../fhir/cache.ts";
import { FhirClient } from "../fhir/client.ts";
import { makeClient, startSync } from "../matrix/client.ts";
import { backUpKeys } from "../matrix/crypto-backend.ts";
import { isSetUp, SecretKeyHolder, setUpCrypto } from "../matrix/crypto-setup.ts";
import { HistorySharing } from "../matrix/history.ts";
import { keyPolicy, StepUpNeeded } from "../matrix/key-service.ts";
import { MediaStore } from "../matrix/media.ts";
import { Network } from "../matrix/network.ts";
import { Outbox } from "../matrix/outbox.ts";
import { reportReading } from "../matrix/reading.ts";
import { DeliveryReceipts } from "../matrix/receipts.ts";
import { TokenHolder, type Tokens } from "../matrix/tokens.ts";
import { organisation } from "../matrix/trust.ts";
import { VaultStore } from "../matrix/vault-store.ts";
import type { Vault } from "../matrix/vault.ts";
import { withEvent } from "../requests/model.ts";
import { watchConnection } from "./connection.ts";
import { hashOf } from "./erasure.ts";
import { NotLoadedError } from "./not-loaded.ts";
import { owner } from "./owner.ts";
import { isShared } from "./shared.ts";
import { useSession } from "./store.ts";
import { SESSION, type StoredSession } from "./stored.ts";
import { watchTraps } from "./trap.ts";

/** What encrypts is large, and the session needs it first of all: it is on its way while the vault is read. */
const encryption = import("@matrix-org/matrix-sdk-crypto-wasm")
    .then(({ initAsync }) => initAsync())
    .catch(() => {
        throw new NotLoadedError();
    });
// `run` says it.
encryption.catch(() => undefined);

/** How long signing out waits for what is still to be backed up. */
const LAST_BACKUP_MS = 10_000;

/** When the sleeping device (MSC3814) was left; see `refreshSleeper`. */
const SLEEPER = "sleeper";
const WEEK_MS = 7 * 24 * 3_600_000;

/** Told with the tokens that hold now when the server ended the session. */
export type Lost = (session: StoredSession, soft: boolean) => void;

/**
 * Runs a session: its screens can be drawn when this resolves. `lost` is told when the server ended it; softly when the same person
 * may go on with what is here. `isOver` says that it was halted before it ran: another tab may have taken over, and two must never
 * write to one crypto store. Throws `NotLoadedError` when a part of the app could not be fetched.
 */
export async function run(
    vault: Vault,
    session: StoredSession,
    lost: Lost,
    isOver: () => boolean,
): Promise<void> {
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
        (soft) => lost(current, soft),
        network,
    );
    void watch(vault, session);
    const holder = new SecretKeyHolder();
    const [store, trust] = await Promise.all([
        VaultStore.open(vault),
        organisation(vault),
        keepAnswers(vault),
        encryption,
    ]);
    if (isOver()) return;
    const client = await makeClient(session, tokens, holder, store, trust?.certificates);
    const fhir = new FhirClient(tokens);
    const outbox = new Outbox(client, vault, async (request, eventId) => {
        await fhir.put("Task", request.id, withEvent(request.task, eventId));
    });
    // Before anything can be added to it.
    await outbox.start();
    if (isOver()) {
        outbox.stop();
        client.stopClient();
        return;
    }
    new DeliveryReceipts(client).start();
    const history = new HistorySharing(client);
    history.start();
    const watched = watchConnection(client, outbox, network);
    const counted = reportReading(client, tokens.authorised);
    // What is typed and what waits is on disk.
    const unhurt = watchTraps(() => {
        halt();
        location.reload();
    });
    stopWatching = () => {
        watched.stop();
        counted();
        unhurt();
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
export function halt(): void {
    const { client, outbox, calls, search } = useSession.getState();
    stopWatching();
    calls?.stop();
    outbox?.stop();
    search?.stop();
    client?.stopClient();
    dropAnswers();
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

/** Brings the keys that are not backed up yet to the server, as far as that goes in ten seconds. */
export async function lastBackup(client: MatrixClient): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, LAST_BACKUP_MS));
    await Promise.race([backUpKeys(client).catch(() => undefined), late]);
}

/** Keeps what is needed to learn, while locked, that this device was signed out from elsewhere. */
async function watch(vault: Vault, { refreshToken, accessToken }: Tokens): Promise<void> {
    if (!isShared()) await vault.watch(await hashOf(refreshToken ?? accessToken)).catch(() => undefined);
}
