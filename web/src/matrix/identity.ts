/** Who is signed in on this browser, and the keys to what the SDK stores here. */
export interface Identity {
    userId: string;
    deviceId: string;
    /** 32 random bytes, base64, that encrypt the crypto store; kept in the `Vault`. */
    cryptoKey: string;
    /** Prefix of the crypto store's database names. */
    cryptoPrefix: string;
}
