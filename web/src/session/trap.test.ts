import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useCalls } from "../calls/center.ts";
import { watchTraps } from "./trap.ts";

let restart: ReturnType<typeof vi.fn<() => void>>;
let stop: () => void;
let age: number;

const trap = new WebAssembly.RuntimeError("unreachable");
const fail = (error: Error): void => void window.dispatchEvent(new ErrorEvent("error", { error }));
const call = { call: { roomId: "!r:h" } } as unknown as ReturnType<typeof useCalls.getState>;

beforeEach(() => {
    vi.useFakeTimers();
    age = 60_000;
    vi.spyOn(performance, "now").mockImplementation(() => age);
    useCalls.setState({ call: undefined });
    restart = vi.fn<() => void>();
    stop = watchTraps(restart);
});
afterEach(() => {
    stop();
    vi.useRealTimers();
    vi.restoreAllMocks();
});

it("begins anew once when compiled code traps, and not for any other error", () => {
    fail(new TypeError("no such thing"));
    vi.runAllTimers();
    expect(restart).not.toHaveBeenCalled();
    fail(trap);
    window.dispatchEvent(Object.assign(new Event("unhandledrejection"), { reason: trap }));
    vi.runAllTimers();
    expect(restart).toHaveBeenCalledOnce();
});

it("leaves a young page some time", () => {
    age = 4_000;
    fail(trap);
    vi.advanceTimersByTime(5_999);
    expect(restart).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(restart).toHaveBeenCalledOnce();
});

it("waits until a call is over", () => {
    useCalls.setState(call);
    fail(trap);
    vi.runAllTimers();
    expect(restart).not.toHaveBeenCalled();
    useCalls.setState({ call: undefined });
    expect(restart).toHaveBeenCalledOnce();
});

it("is over with the session", () => {
    fail(trap);
    stop();
    vi.runAllTimers();
    expect(restart).not.toHaveBeenCalled();
});
