/** Calls between two people over WebRTC, as `m.call.*` (client-server API, "Voice over IP"); the SDK speaks, this says where it stands. */
import {
    createNewMatrixCall,
    EventType,
    MatrixEventEvent,
    type MatrixClient,
    type MatrixEvent,
} from "matrix-js-sdk";
import {
    CallDirection,
    CallErrorCode,
    CallEvent,
    CallState,
    type MatrixCall,
} from "matrix-js-sdk/lib/webrtc/call";
import { CallEventHandlerEvent } from "matrix-js-sdk/lib/webrtc/callEventHandler";
import { create } from "zustand";
import { loadedEvents } from "../matrix/loaded.ts";
import { isOpen } from "./line.ts";
import { endingOf, stepOf, type Ending, type Step } from "./rules.ts";

/** The one call of this device. */
export interface Ongoing {
    roomId: string;
    /** The other one. */
    userId: string;
    incoming: boolean;
    step: Step;
    /** It began as a video call. */
    video: boolean;
    /** This person has put the other one on hold. */
    held: boolean;
    /** And the other way round. */
    heldByOther: boolean;
    muted: boolean;
    /** This person is seen. */
    camera: boolean;
    /** The other one is seen. */
    otherCamera: boolean;
    local: MediaStream | undefined;
    remote: MediaStream | undefined;
    /** Since when the two hear one another; milliseconds since the epoch. */
    since: number | undefined;
    ending?: Ending | undefined;
    /** Made small, to do something else meanwhile. */
    small: boolean;
}

/** The call, for the screens. */
export const useCalls = create<{ call: Ongoing | undefined }>(() => ({ call: undefined }));

/** How the SDK looks at the events of calls, one after the other. */
interface EventBuffer {
    eventBufferPromiseChain: Promise<void> | undefined;
    evaluateEventBuffer(events: MatrixEvent[]): Promise<void>;
}

/** Only what is this fresh may be about a call that rings. */
const FRESH_MS = 60_000;

/** How long the keys of what may be the end of a call are waited for before it rings. */
const KEYS_MS = 2_000;

/** How long it is said why a call has ended. */
const ENDING_MS = 4_000;

const followed = [
    CallEvent.State,
    CallEvent.FeedsChanged,
    CallEvent.LocalHoldUnhold,
    CallEvent.RemoteHoldUnhold,
    CallEvent.Hangup,
] as const;

/** Places and takes calls, one at a time. */
export class Calls {
    private call: MatrixCall | undefined;
    private clearing: ReturnType<typeof setTimeout> | undefined;
    private declined = false;
    /** Events that came just now and could not be read yet. */
    private readonly unread = new Set<string>();

    constructor(private readonly client: MatrixClient) {}

    start(): void {
        this.client.on(CallEventHandlerEvent.Incoming, this.came);
        this.client.on(MatrixEventEvent.Decrypted, this.opened);
    }

    /** Hangs up and takes no more. */
    stop(): void {
        this.client.off(CallEventHandlerEvent.Incoming, this.came);
        this.client.off(MatrixEventEvent.Decrypted, this.opened);
        this.hangUp();
    }

    /** Calls the other one of a conversation of two. */
    async place(roomId: string, userId: string, video: boolean): Promise<void> {
        if (this.call) return;
        const call = createNewMatrixCall(this.client, roomId, { invitee: userId });
        if (!call) return;
        this.follow(call, { userId, incoming: false, video });
        await call.placeCall(true, video);
    }

    async answer(video: boolean): Promise<void> {
        if (this.call?.state === CallState.Ringing) await this.call.answer(true, video);
    }

    decline(): void {
        if (this.call?.state !== CallState.Ringing) return;
        this.declined = true;
        this.call.reject();
    }

    hangUp(): void {
        if (this.call) this.call.hangup(CallErrorCode.UserHangup, false);
    }

    /** Says no more how the last call ended. */
    dismiss(): void {
        if (!this.call) useCalls.setState({ call: undefined });
    }

    async setMuted(muted: boolean): Promise<void> {
        await this.call?.setMicrophoneMuted(muted);
        this.show();
    }

    async setCamera(on: boolean): Promise<void> {
        await this.call?.setLocalVideoMuted(!on);
        this.show();
    }

    setHold(held: boolean): void {
        this.call?.setRemoteOnHold(held);
    }

    /** Speaks and is seen through other devices, by their ids; an empty one is the usual one. */
    async chooseDevices(microphone: string, camera: string): Promise<void> {
        await this.client.getMediaHandler().setMediaInputs(microphone, camera);
        this.show();
    }

    /**
     * The SDK looks at an event of a call once, when it comes. On a device that is so new that the key came after it, it is looked at
     * again as soon as it can be read.
     */
    private readonly opened = (event: MatrixEvent): void => {
        const id = event.getId() ?? "";
        if (event.isDecryptionFailure()) {
            if (Date.now() - event.getTs() < FRESH_MS) this.unread.add(id);
            return;
        }
        if (!this.unread.delete(id) || !event.getType().startsWith("m.call.")) return;
        void this.lookAt(event).catch(() => undefined);
    };

    /**
     * What is put into the SDK's buffer would wait for the next answer to `/sync`: half a minute when nothing else happens. It is looked
     * at in turn all the same: the end of a call that comes while its beginning is looked at would be lost, and the call ring on.
     */
    private async lookAt(event: MatrixEvent): Promise<void> {
        const begins = event.getType() === (EventType.CallInvite as string);
        if (begins) await this.readable(this.since(event).slice(1));
        const handler = this.client.callEventHandler as unknown as EventBuffer | undefined;
        if (!handler) return;
        handler.eventBufferPromiseChain = (handler.eventBufferPromiseChain ?? Promise.resolve())
            .then(async () => {
                if (!begins || this.stillRings(event)) await handler.evaluateEventBuffer([event]);
            })
            .catch(() => undefined);
    }

    /** An event of a conversation and what came after it, as far as it is loaded. */
    private since(event: MatrixEvent): readonly MatrixEvent[] {
        const room = this.client.getRoom(event.getRoomId());
        const events = room ? loadedEvents(room) : [];
        const index = events.indexOf(event);
        return index < 0 ? [] : events.slice(index);
    }

    /** Waits for the keys of what came after a call began, which may be its end; only so long, for some may never come. */
    private async readable(events: readonly MatrixEvent[]): Promise<void> {
        const opened = events
            .filter((event) => event.isDecryptionFailure())
            .map((event) => new Promise((resolve) => event.once(MatrixEventEvent.Decrypted, resolve)));
        const enough = new Promise((resolve) => setTimeout(resolve, KEYS_MS));
        await Promise.race([Promise.all(opened), enough]);
    }

    /** What came before the key did may be over by now: it must not ring, nor have the next call refused as busy. */
    private stillRings(invite: MatrixEvent): boolean {
        const events = this.since(invite);
        return events.length === 0 || isOpen(events, 0, this.client.getUserId() ?? "");
    }

    private readonly came = (call: MatrixCall): void => {
        if (call.state !== CallState.Ringing) return;
        if (this.call) {
            // Both called at once, and this one had not got so far that the SDK saw it: it speaks in the call of the other.
            const calling =
                this.call.state === CallState.WaitLocalMedia && !useCalls.getState().call?.incoming;
            if (calling && this.call.roomId === call.roomId) this.call.replacedBy(call);
            else void this.busy(call);
            return;
        }
        const userId = call.getOpponentMember()?.userId ?? call.invitee ?? "";
        this.follow(call, { userId, incoming: true, video: call.hasRemoteUserMediaVideoTrack });
    };

    /** Who calls meanwhile is told why nobody answers; the SDK can decline, but not say that. */
    private async busy(call: MatrixCall): Promise<void> {
        const send = this.client.sendEvent.bind(this.client) as unknown as (
            roomId: string,
            type: string,
            content: object,
        ) => Promise<unknown>;
        await send(call.roomId, "m.call.reject", {
            call_id: call.callId,
            party_id: call.ourPartyId,
            version: "1",
            reason: CallErrorCode.UserBusy,
        }).catch(() => undefined);
    }

    private follow(call: MatrixCall, about: Pick<Ongoing, "userId" | "incoming" | "video">): void {
        clearTimeout(this.clearing);
        this.call = call;
        this.declined = false;
        for (const event of followed) call.on(event, this.show);
        call.on(CallEvent.Replaced, (other) => {
            // Both called at once: the two calls have become one.
            if (this.call === call) this.follow(other, { ...about, incoming: false });
        });
        // Its failures end it, with a reason; nobody else need hear of them.
        call.on(CallEvent.Error, () => undefined);
        useCalls.setState({
            call: {
                ...about,
                roomId: call.roomId,
                step: "starting",
                held: false,
                heldByOther: false,
                muted: false,
                camera: false,
                otherCamera: false,
                local: undefined,
                remote: undefined,
                since: undefined,
                small: false,
            },
        });
        this.show();
    }

    private readonly show = (): void => {
        const { call } = this;
        const before = useCalls.getState().call;
        if (!call || !before) return;
        if (call.state === CallState.Ended) {
            this.ended(call, before);
            return;
        }
        const feed = call.remoteUsermediaFeed;
        const connected = call.state === CallState.Connected;
        const step = stepOf(call.state);
        useCalls.setState({
            call: {
                ...before,
                step,
                held: call.isRemoteOnHold(),
                heldByOther: call.isLocalOnHold(),
                muted: call.isMicrophoneMuted(),
                camera: call.hasLocalUserMediaVideoTrack && !call.isLocalVideoMuted(),
                otherCamera: call.hasRemoteUserMediaVideoTrack && feed?.isVideoMuted() === false,
                local: call.localUsermediaStream,
                remote: feed?.stream,
                since: before.since ?? (connected ? Date.now() : undefined),
            },
        });
        // Whether the other one is seen is told by their feed, which is there only after a while.
        feed?.off(MUTED, this.show);
        feed?.on(MUTED, this.show);
    };

    private ended(call: MatrixCall, before: Ongoing): void {
        this.call = undefined;
        const outbound = call.direction === CallDirection.Outbound;
        const ending = this.declined
            ? undefined
            : endingOf(call.hangupReason, {
                  outbound,
                  byOther: call.hangupParty === "remote",
                  answered: before.since !== undefined,
              });
        if (ending === undefined) {
            useCalls.setState({ call: undefined });
            return;
        }
        const over = { local: undefined, remote: undefined, small: before.small };
        useCalls.setState({ call: { ...before, ...over, step: "ended", ending } });
        this.clearing = setTimeout(() => this.dismiss(), ENDING_MS);
    }
}

/** `CallFeedEvent.MuteStateChanged`, whose module need not be loaded for its name. */
const MUTED = "mute_state_changed" as Parameters<NonNullable<MatrixCall["remoteUsermediaFeed"]>["on"]>[0];
