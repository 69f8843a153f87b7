import { expect, test } from "vitest";
import { clerk } from "./clerk-cy.ts";

test("the clerk's lines are told in Welsh, also those within others", () => {
    expect(clerk("Nobody holds Clinical pharmacist now. Asking Dev Patel (Site manager).")).toBe(
        "Nid oes neb yn rôl Clinical pharmacist nawr. Yn gofyn i Dev Patel (Site manager).",
    );
    expect(clerk("Megan Evans opened a patient's conversation by break-glass. Asking Dev Patel.")).toMatch(
        /^Agorodd Megan Evans sgwrs claf .* Yn gofyn i Dev Patel\.$/,
    );
    expect(clerk("Whoever holds Ward doctor cannot be reached on any device.")).toMatch(/^Ni ellir cyrraedd/);
    expect(clerk("Dr Osei asks Dr Rahman to do it.")).toBe("Mae Dr Osei yn gofyn i Dr Rahman ei wneud.");
    expect(clerk("Nobody took it up: it is Dr Osei's again.")).toMatch(/^Ni chymerodd neb ef/);
    expect(clerk("No answer in 5 minutes: asking Dr Osei again.")).toMatch(/^Dim ateb ymhen 5 munud/);
    expect(clerk("A line of tomorrow")).toBe("A line of tomorrow");
});
