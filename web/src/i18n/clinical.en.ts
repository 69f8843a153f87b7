/** The words of the clinical screens: roles and their holders, handover, the directory, access to patients. */
function plural(count: number, one: string, many: string): string {
    return `${count} ${count === 1 ? one : many}`;
}

function list(names: readonly string[]): string {
    return new Intl.ListFormat("en-GB").format(names);
}

/** How far a clock is off, in words: `3 min 5 s`. */
function offBy(millis: number): string {
    const seconds = Math.round(Math.abs(millis) / 1000);
    const minutes = Math.floor(seconds / 60);
    if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

export const clinicalRequests = {
    one: "Request",
    gone: "This request is not available. It may be over, or about a patient of another team.",
    what: "What is needed",
    stands: "Where it stands",
    details: "Details",
    more: "More",
    view: "Whose requests",
    views: { mine: "Mine", team: "My team's" },
    team: "My team's",
    emptyTeam: "Nothing is open in the conversations that you belong to.",
    noPatient: "About no patient",
    raisedAt: "Raised",
    due: "Due",
    dueBy: (time: string) => `Due by ${time}`,
    owner: "Owner",
    askedNow: "Asked now",
    helpers: "Coming too",
    playbook: "Playbook",
    noAnswer: "no answer",
    chainComment: (who: string, words: string) => `${who}: “${words}”`,
    chainNotNow: (step: number) => `Step ${step} passed over: not at this time`,
    chainPassedOn: (who: string, to?: string) =>
        to === undefined ? `Passed on by ${who}` : `Passed on by ${who} to ${to}`,
    chainDelegated: (who: string, to?: string) =>
        to === undefined ? `Delegated by ${who}` : `Delegated by ${who} to ${to}`,
    chainReopened: (who: string, asked?: string) =>
        asked === undefined ? `Opened again by ${who}` : `Opened again by ${who}, asking ${asked}`,
    chainHandedOver: (to?: string) =>
        to === undefined ? "The role was handed over" : `The role was handed over to ${to}`,
    device: (id: string) => `Device ${id}`,
    deviceClock: (time: string, off: number) =>
        `Its clock showed ${time} (${offBy(off)} ${off > 0 ? "ahead" : "behind"})`,
    wrongClock: (off: number) =>
        `The clock of this device is ${offBy(off)} ${off > 0 ? "ahead of" : "behind"} the server. ` +
        "What you do is recorded with the server's time; correct the clock of the device.",
    tooLate: (who: string) => `${who} accepted this before you. You need not do anything.`,
    takenTitle: "Already accepted",
    takenClose: "I understand",
    commentLabel: "What do you want to add?",
    commentHint: "Everybody concerned can read it in the request. Do not write the patient's name.",
    commentMissing: "Write what you want to add",
    commentSend: "Add comment",
    passOn: {
        reassign: "Another person is asked instead, and the clock starts again for them.",
        delegate: "Another person does it for you. You go on answering for it.",
    },
    passOnTo: "To whom?",
    passOnMissing: "Choose a person",
    cancelBody: "Take this request back? Those who were asked are told that it is not needed any more.",
    cancelConfirm: "Cancel request",
};

export const clinicalPatients = {
    flags: {
        deceased: "Deceased",
        discharged: "Has left hospital",
        replaced: "Record joined to another",
        restricted: "Restricted record",
    },
    closed: "The patient has left hospital. This conversation can be read; no new request can be raised here.",
    deceased: "This patient has died.",
    ended: "Two records of this patient were joined. Nothing more is written here.",
    goesOn: "Go to the patient's conversation",
    otherHistory: "Read what was written there",
};

export const clinical = {
    findPatient: {
        title: "Find a patient",
        twice: "Name the patient twice, as on the wristband: by the NHS number, and by the date of birth or the surname.",
        number: "NHS number",
        second: "Second identifier (one of the two)",
        born: "Date of birth",
        family: "Surname",
        needNumber: "Enter the ten digits of the NHS number. Check each of them",
        needSecond: "Enter the date of birth or the surname",
        open: "Open conversation",
    },
    breakGlass: {
        title: "You are not in this patient's team",
        body: "Or the two identifiers do not belong together. If you must see this patient now, say why, and their conversation is opened to you.",
        follows: "Your name, the time and your reason are recorded, and the privacy officer is told at once.",
        reason: "Why must you see this patient?",
        needReason: "Say why",
        open: "Open and record",
        noMatch:
            "These do not belong to one patient. Check both. The attempt was recorded; nothing was opened.",
        tooMany: "Too many attempts. Wait some minutes, or call switchboard.",
        failed: (words: string) => `The conversation was not opened: ${words}.`,
        offline: "The conversation was not opened: no connection. Try again.",
    },
    access: {
        title: "Who looked at this record",
        refused: "Only the privacy officer can see who looked at a record. That you tried was recorded.",
        none: "Nobody has looked at this record.",
        count: (count: number) => `${plural(count, "look", "looks")}, latest first`,
        kind: {
            read: "opened the record",
            listed: "had the patient in a list",
            "break-glass": "opened the conversation from outside the team",
        },
        denied: "refused",
        reason: (words: string) => `Reason: ${words}`,
    },
    directory: {
        search: "Find a role, person, ward or team",
        example: "Who covers Nightingale ward now?",
        personHint: "Name or job",
        change: "Change",
        nothing: (text: string) => `Nothing in the directory fits “${text}”.`,
        nobody: (text: string) => `Nobody in the directory fits “${text}”.`,
        kept: "No connection. This is what is kept on this device.",
        covers: (ward: string) => `Who covers ${ward} now`,
        coveredByNone: "No role covers this ward. Ask switchboard.",
        roles: "Roles",
        people: "People",
        holds: (roles: readonly string[]) => `Holds: ${list(roles)}`,
        duty: { busy: "Busy", off: "Off duty" },
        coveredBy: (who: string) => `${who} covers and is asked instead`,
        uncovered: "Nobody covers",
    },
    role: {
        title: "Role",
        open: (name: string) => `${name}: more about this role`,
        offered: (count: number) => plural(count, "role is offered to you", "roles are offered to you"),
        gone: "This role is not in the directory any more.",
        now: "Who holds it now",
        by: {
            "sign-on": "Signed on",
            rota: "By the rota",
            deputy: "Deputy: stands in because nobody holds the role",
        },
        silent: {
            unreachable: "Cannot be reached: none of their devices is connected",
            muted: "Cannot be reached: all of their devices are muted",
        },
        fallback: (role: string) => `If nobody holds it: ${role} is asked`,
        covers: "Wards that it covers",
        take: "Take this role",
        takeBody: (role: string) => `From now on you are asked as ${role}.`,
        longer: "Hold it longer",
        longerBody: (role: string) => `Until when do you hold ${role}?`,
        until: "Until",
        untilHint: "Empty: to the end of the shift",
        handOver: "Hand over",
        handOverBody: "You hold the role until your colleague accepts.",
        handOverTo: "To whom?",
        needPerson: "Choose a colleague",
        sendOffer: "Offer the role",
        withdraw: (name: string) => `Take back the offer to ${name}`,
        release: "Put it down",
        releaseTitle: (role: string) => `Put down ${role}?`,
        releaseBody:
            "If nobody else is on the rota the role is vacant, and that is an alarm. Hand it over if you can.",
        offer: (role: string) => `${role} is offered to you`,
        offeredToYou: (from: string) => `${from} offers you this role`,
        offeredTo: (to: string) => `Offered to ${to}, not accepted yet`,
        readList: "Read what is open and take over",
        acceptOffer: "Accept the role",
        declineOffer: "Decline",
        failed: (words: string) => `That was not saved: ${words}. Nothing has changed.`,
        failedOffline: "That was not saved: no connection. Nothing has changed; try again.",
    },
    shifts: {
        title: "Shifts of the coming week",
        none: "The rota has no shift in the coming week.",
        always: "Always",
        times: (from: string, until: string) => `${from} to ${until}`,
    },
    team: {
        title: "Teams",
        one: "Team",
        gone: "This team is not in the directory any more.",
        who: "Who belongs to it",
        members: (people: number, roles: number) =>
            `${plural(people, "person", "people")}, ${plural(roles, "role", "roles")}`,
    },
    noise: {
        title: "How often this team is interrupted",
        what: "Every request that makes a sound is an interruption. Urgent ones always do; information never does. Requests for action are silent once the team has had its budget for the hour.",
        period: "Period",
        days: (days: number) => (days === 1 ? "24 hours" : `${days} days`),
        total: "Interruptions",
        most: "Most in one hour",
        budget: "Budget for an hour",
        noBudget: "No limit",
        quiet: "Made no sound (over budget)",
        hoursOver: "Hours over budget",
        byClass: "By class",
        byReason: "By reason",
        byHour: "By hour of the day",
        reasons: { asked: "Asked", again: "Asked again", reminded: "Reminded" },
    },
    handover: {
        title: "Handover list",
        of: (role: string) => `Handover: ${role}`,
        refused: "Only whoever holds the role, and whoever it is offered to, can read its handover list.",
        print: "Print",
        layout: "Order",
        layouts: { ipass: "I-PASS", sbar: "SBAR" },
        count: (count: number) => plural(count, "open request", "open requests"),
        asOf: (time: string) => `as of ${time}`,
        printedBy: (name: string) => `printed by ${name}`,
        nothing: "Nothing is open. There is nothing to hand over.",
        noPatient: "About no patient",
        severity: {
            urgent: "Something urgent is open",
            waiting: "Something waits for an answer",
            "in-hand": "Everything is in somebody's hands",
        },
        ipass: {
            severity: "Illness severity",
            summary: "Patient summary",
            actions: "Action list",
            awareness: "Situation awareness",
            synthesis: "Synthesis by receiver",
            synthesisHint: "Say back what you heard, and ask.",
        },
        wordsMissing: "The words of a request cannot be read on this device yet.",
        read: "I have read this and take it over",
        left: (count: number) =>
            `${plural(count, "card is", "cards are")} not ticked yet. Read each and tick it.`,
        ready: "Everything is read.",
        accept: "Accept the handover list",
        takeOver: "Take over the role and everything on the list",
        changed: "The list has changed meanwhile. What is new or different is not ticked: read it again.",
        acceptedBy: (name: string, time: string) => `Accepted by ${name}${time && `, ${time}`}`,
        signedOver: "Handed over by (name, signature, time): ________________________________________",
        signedTaken: "Taken over by (name, signature, time): ________________________________________",
        confidential: "Confidential patient information. Put it into confidential waste after the shift.",
    },
};
