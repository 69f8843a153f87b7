import { ClientEvent } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { array, number, object, parse, string } from "valibot";
import { t } from "../i18n/index.ts";
import { dateTime } from "../i18n/time.ts";
import { useDevices, useSignOut } from "./devices.ts";
import { useClient, useSession } from "./store.ts";

const TYPE = "org.wardline.new_devices";
const Content = object({ devices: array(object({ device_id: string(), ts: number() })) });

interface NewDevice {
    device_id: string;
    ts: number;
}

/** The new devices that nobody has looked at yet; the server writes them into the account's data. */
function useNewDevices(): NewDevice[] {
    const client = useClient();
    const [devices, setDevices] = useState<NewDevice[]>([]);
    useEffect(() => {
        const look = (type: string, content: unknown): void => {
            if (type !== TYPE) return;
            try {
                const { devices: told } = parse(Content, content);
                setDevices(told.filter(({ device_id }) => device_id !== client.getDeviceId()));
            } catch {
                setDevices([]);
            }
        };
        const known = client.store.getAccountData(TYPE);
        if (known) look(TYPE, known.getContent());
        const listener = (event: { getType: () => string; getContent: () => unknown }): void =>
            look(event.getType(), event.getContent());
        client.on(ClientEvent.AccountData, listener);
        return () => void client.off(ClientEvent.AccountData, listener);
    }, [client]);
    return devices;
}

/** Tells the person that somebody signed in as them on a new device, until they have dealt with it. */
export function NewDevices(): JSX.Element | null {
    const client = useClient();
    const authorised = useSession((session) => session.authorised);
    const devices = useNewDevices();
    const { data } = useDevices(devices.length > 0);
    const signOut = useSignOut();
    const device = devices[0];
    if (!device) return null;
    const known = data?.sessions.find(({ device_id }) => device_id === device.device_id);
    const name = known?.display_name ?? known?.client?.name ?? device.device_id;
    const done = async (): Promise<void> => {
        const rest = devices.filter(({ device_id }) => device_id !== device.device_id);
        const user = encodeURIComponent(client.getSafeUserId());
        await authorised?.(`/_matrix/client/v3/user/${user}/account_data/${TYPE}`, {
            method: "PUT",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({ devices: rest }),
        });
    };
    return (
        <aside className="new-device" role="alert" aria-label={t.devices.newTitle}>
            <p>
                <strong>{t.devices.newTitle}</strong> {t.devices.newOne(name, dateTime(device.ts))}
            </p>
            <div className="new-device__actions">
                <button type="button" className="button" onClick={() => void done()}>
                    {t.devices.wasMe}
                </button>
                <button
                    type="button"
                    className="button button--danger"
                    onClick={() => void signOut(device.device_id).then(done)}
                >
                    {t.devices.wasNotMe}
                </button>
            </div>
        </aside>
    );
}
