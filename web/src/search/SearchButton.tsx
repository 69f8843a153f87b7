import { lazy, Suspense, type JSX } from "react";
import { create } from "zustand";
import { t } from "../i18n/index.ts";
import { Icon } from "../ui/Icon.tsx";

const SearchDialog = lazy(async () => ({ default: (await import("./SearchDialog.tsx")).SearchDialog }));

/** Whether somebody is looking for something; the keyboard opens it too. */
export const useSearching = create<{ open: boolean }>(() => ({ open: false }));

/** Opens the search over everything. */
export function SearchButton(): JSX.Element {
    const open = useSearching((searching) => searching.open);
    return (
        <>
            <button
                type="button"
                className="icon-button"
                aria-label={t.search.title}
                aria-keyshortcuts="Control+K"
                onClick={() => useSearching.setState({ open: true })}
            >
                <Icon name="search" />
            </button>
            {open && (
                <Suspense fallback={null}>
                    <SearchDialog onClose={() => useSearching.setState({ open: false })} />
                </Suspense>
            )}
        </>
    );
}
