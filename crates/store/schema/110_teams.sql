-- Teams of staff: whom a step of a playbook may ask together, and whom a crash call calls.

-- A team (FHIR CareTeam without a patient).
CREATE TABLE care_teams (
  id     TEXT PRIMARY KEY,                      -- FHIR id
  name   TEXT NOT NULL,
  source TEXT                                   -- what provisions it, such as scim; NULL if it is kept here
) STRICT;

-- Who is in a team: a person, or whoever holds a role at the moment.
CREATE TABLE care_team_members (
  team TEXT NOT NULL REFERENCES care_teams (id),
  kind TEXT NOT NULL,                           -- person or role
  id   TEXT NOT NULL,                           -- of the practitioner or the role
  PRIMARY KEY (team, kind, id)
) STRICT;
CREATE INDEX care_team_members_by_member ON care_team_members (kind, id);
