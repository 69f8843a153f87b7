import { expect, it } from "vitest";
import { kindIn } from "./kind.ts";

it("takes the kind from the profile, and whom nobody knows for an outsider", () => {
    expect(kindIn({ displayname: "Ann" })).toBe("staff");
    expect(kindIn({ "org.wardline.kind": "service" })).toBe("bot");
    expect(kindIn({ "org.wardline.kind": "patient" })).toBe("patient");
    expect(kindIn({ "org.wardline.kind": "something new" })).toBe("outsider");
});
