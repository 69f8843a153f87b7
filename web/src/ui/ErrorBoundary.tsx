import { Component, type ReactNode } from "react";
import { t } from "../i18n/index.ts";
import { report } from "../session/error-report.ts";

/** Keeps one broken screen from taking the others down. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
    override state = { failed: false };

    static getDerivedStateFromError(): { failed: boolean } {
        return { failed: true };
    }

    override componentDidCatch(error: unknown): void {
        report(error);
    }

    override render(): ReactNode {
        if (!this.state.failed) return this.props.children;
        return (
            <div className="notice notice--warning" role="alert">
                <p>{t.app.somethingWrong}</p>
                <button type="button" className="button" onClick={() => this.setState({ failed: false })}>
                    {t.app.reload}
                </button>
            </div>
        );
    }
}
