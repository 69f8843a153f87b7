import { afterEach, expect, it } from "vitest";
import { isShared, setShared } from "../session/shared.ts";
import { settings } from "./settings.ts";

afterEach(() => {
    localStorage.clear();
    sessionStorage.clear();
});

it("keeps preferences on the device, but on a shared computer no longer than the tab", () => {
    settings().setItem("wardline-theme", "dark");
    expect(localStorage.getItem("wardline-theme")).toBe("dark");
    setShared(true);
    expect(isShared()).toBe(true);
    expect(Object.keys(localStorage)).toEqual(["wardline-shared"]);
    settings().setItem("wardline-language", "cy");
    expect(sessionStorage.getItem("wardline-language")).toBe("cy");
    setShared(false);
    expect(Object.keys(localStorage)).toEqual([]);
    expect(settings().getItem("wardline-language")).toBeNull();
});
