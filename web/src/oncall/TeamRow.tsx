import type { JSX } from "react";
import { Link } from "wouter";
import { t } from "../i18n/index.ts";
import { pagePath } from "../paths.ts";
import { Icon } from "../ui/Icon.tsx";
import type { Team } from "./team.ts";

/** The way to one team, with how many belong to it. */
export function TeamRow({ team }: { team: Team }): JSX.Element {
    return (
        <li>
            <Link className="row" href={pagePath("on-call", "team", team.id)}>
                <span className="row__main">
                    <span className="row__title">{team.name}</span>
                    <span className="row__sub">{t.team.members(team.people.length, team.roles.length)}</span>
                </span>
                <Icon name="next" size={18} />
            </Link>
        </li>
    );
}
