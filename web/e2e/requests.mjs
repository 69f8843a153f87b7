// What tests of the clinical screens do with them.

/** Asks the medical registrar for something about the open patient. */
export async function ask(window, requestClass, words, minutes = 60) {
    const { page } = window;
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Ask" });
    const role = dialog.getByLabel("To", { exact: true });
    await role.selectOption({
        label: await role.getByRole("option", { name: /^Medical registrar/ }).textContent(),
    });
    await dialog.getByRole("radio", { name: requestClass }).check();
    await dialog.getByLabel("Needed in (minutes)").fill(String(minutes));
    await dialog.getByLabel("Situation", { exact: true }).fill(words);
    await dialog.getByRole("button", { name: "Send request" }).click();
}

export function button(window, name) {
    return window.page.getByRole("button", { name, exact: true });
}

/** The page beside the list. */
export function beside(window, name) {
    return window.page.getByRole("region", { name, exact: true });
}

/** Chooses a colleague as one types. */
export async function pick(scope, label, text, name) {
    await scope.getByLabel(label).fill(text);
    await scope.getByRole("button", { name: new RegExp(name) }).click();
}
