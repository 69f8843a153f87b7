/** What a conversation without a name of its own is called. */
import { RoomNameType, type RoomNameState } from "matrix-js-sdk";
import { t } from "../i18n/index.ts";

/** `Ann` for `@ann:riverside.example`, also within `@ann:riverside.example (…)`; other names as they are. */
function plain(name: string): string {
    return name.replaceAll(/@([^:\s]+):[^\s,)]+/g, "$1");
}

/** `count` of a state includes this person. The name of a conversation after its people; `null` where it has one of its own. Nobody is called by a whole Matrix id. */
export function roomName(_roomId: string, state: RoomNameState): string | null {
    switch (state.type) {
        case RoomNameType.Actual:
            return null;
        case RoomNameType.EmptyRoom:
            return state.oldName === undefined ? t.chats.nobodyHere : plain(state.oldName);
        case RoomNameType.Generated:
            return t.chats.peopleHere(state.names.map(plain), state.count - 1);
    }
}
