/** The words of the clinical screens in Welsh. */
import type { Catalogue } from "./index.ts";
import type { clinical, clinicalPatients, clinicalRequests } from "./clinical.en.ts";

function plural(count: number, one: string, many: string): string {
    return count === 1 ? `1 ${one}` : `${count} o ${many}`;
}

/** How far a clock is off, in words: `3 mun 5 e`. */
function offBy(millis: number): string {
    const seconds = Math.round(Math.abs(millis) / 1000);
    const minutes = Math.floor(seconds / 60);
    if (minutes >= 60) return `${Math.floor(minutes / 60)} awr ${minutes % 60} mun`;
    return minutes > 0 ? `${minutes} mun ${seconds % 60} e` : `${seconds} e`;
}

export const requests: typeof clinicalRequests = {
    one: "Cais",
    gone: "Nid yw'r cais hwn ar gael. Efallai ei fod ar ben, neu'n ymwneud â chlaf tîm arall.",
    what: "Yr hyn sydd ei angen",
    stands: "Sut mae pethau'n sefyll",
    details: "Manylion",
    more: "Mwy",
    view: "Ceisiadau pwy",
    views: { mine: "Fy rhai i", team: "Rhai fy nhîm" },
    team: "Rhai fy nhîm",
    emptyTeam: "Nid oes dim ar agor yn y sgyrsiau rydych yn perthyn iddynt.",
    noPatient: "Heb glaf",
    raisedAt: "Codwyd",
    due: "Erbyn pryd",
    dueBy: (time) => `I'w wneud erbyn ${time}`,
    owner: "Perchennog",
    askedNow: "Gofynnir nawr i",
    helpers: "Yn dod hefyd",
    playbook: "Llyfr camau",
    noAnswer: "dim ateb",
    chainComment: (who, words) => `${who}: “${words}”`,
    chainNotNow: (step) => `Aethpwyd heibio i gam ${step}: nid ar yr adeg hon`,
    chainPassedOn: (who, to) =>
        to === undefined ? `Trosglwyddwyd gan ${who}` : `Trosglwyddwyd gan ${who} i ${to}`,
    chainDelegated: (who, to) =>
        to === undefined ? `Dirprwywyd gan ${who}` : `Dirprwywyd gan ${who} i ${to}`,
    chainReopened: (who, asked) =>
        asked === undefined ? `Ailagorwyd gan ${who}` : `Ailagorwyd gan ${who}, yn gofyn i ${asked}`,
    chainHandedOver: (to) => (to === undefined ? "Trosglwyddwyd y rôl" : `Trosglwyddwyd y rôl i ${to}`),
    device: (id) => `Dyfais ${id}`,
    deviceClock: (time, off) =>
        `Dangosai ei chloc ${time} (${offBy(off)} ${off > 0 ? "ar y blaen" : "ar ei hôl hi"})`,
    wrongClock: (off) =>
        `Mae cloc y ddyfais hon ${offBy(off)} ${off > 0 ? "ar y blaen i'r" : "y tu ôl i'r"} gweinydd. ` +
        "Cofnodir yr hyn a wnewch gydag amser y gweinydd; cywirwch gloc y ddyfais.",
    tooLate: (who) => `Derbyniodd ${who} hwn o'ch blaen. Nid oes angen i chi wneud dim.`,
    takenTitle: "Wedi'i dderbyn eisoes",
    takenClose: "Rwy'n deall",
    commentLabel: "Beth hoffech ei ychwanegu?",
    commentHint: "Gall pawb sy'n ymwneud â'r cais ei ddarllen. Peidiwch ag ysgrifennu enw'r claf.",
    commentMissing: "Ysgrifennwch yr hyn rydych am ei ychwanegu",
    commentSend: "Ychwanegu sylw",
    passOn: {
        reassign: "Gofynnir i rywun arall yn lle hynny, ac mae'r cloc yn dechrau eto.",
        delegate: "Mae rhywun arall yn ei wneud ar eich rhan. Chi sy'n dal i ateb drosto.",
    },
    passOnTo: "I bwy?",
    passOnMissing: "Dewiswch rywun",
    cancelBody: "Tynnu'r cais hwn yn ôl? Dywedir wrth y rhai y gofynnwyd iddynt nad oes ei angen mwyach.",
    cancelConfirm: "Canslo'r cais",
};

export const patients: typeof clinicalPatients = {
    flags: {
        deceased: "Wedi marw",
        discharged: "Wedi gadael yr ysbyty",
        replaced: "Cofnod wedi'i uno ag un arall",
        restricted: "Cofnod cyfyngedig",
    },
    closed: "Mae'r claf wedi gadael yr ysbyty. Gellir darllen y sgwrs hon; ni ellir codi cais newydd yma.",
    deceased: "Mae'r claf hwn wedi marw.",
    ended: "Unwyd dau gofnod y claf hwn. Nid ysgrifennir dim mwy yma.",
    goesOn: "Mynd i sgwrs y claf",
    otherHistory: "Darllen yr hyn a ysgrifennwyd yno",
};

export const clinicalCy: typeof clinical = {
    findPatient: {
        title: "Dod o hyd i glaf",
        twice: "Enwch y claf ddwywaith, fel ar y band garddwrn: yn ôl y rhif GIG, a'r dyddiad geni neu'r cyfenw.",
        number: "Rhif GIG",
        second: "Ail ddynodydd (un o'r ddau)",
        born: "Dyddiad geni",
        family: "Cyfenw",
        needNumber: "Rhowch ddeg digid y rhif GIG. Gwiriwch bob un",
        needSecond: "Rhowch y dyddiad geni neu'r cyfenw",
        open: "Agor y sgwrs",
    },
    breakGlass: {
        title: "Nid ydych yn nhîm y claf hwn",
        body: "Neu nid yw'r ddau ddynodydd yn perthyn i'w gilydd. Os oes rhaid i chi weld y claf hwn nawr, dywedwch pam, ac agorir y sgwrs i chi.",
        follows: "Cofnodir eich enw, yr amser a'ch rheswm, a dywedir wrth y swyddog preifatrwydd ar unwaith.",
        reason: "Pam mae'n rhaid i chi weld y claf hwn?",
        needReason: "Dywedwch pam",
        open: "Agor a chofnodi",
        noMatch:
            "Nid yw'r rhain yn perthyn i un claf. Gwiriwch y ddau. Cofnodwyd yr ymgais; nid agorwyd dim.",
        tooMany: "Gormod o ymgeisiau. Arhoswch rai munudau, neu ffoniwch y switsfwrdd.",
        failed: (words) => `Nid agorwyd y sgwrs: ${words}.`,
        offline: "Nid agorwyd y sgwrs: dim cysylltiad. Rhowch gynnig arall arni.",
    },
    access: {
        title: "Pwy edrychodd ar y cofnod hwn",
        refused:
            "Dim ond y swyddog preifatrwydd a all weld pwy edrychodd ar gofnod. Cofnodwyd eich bod wedi ceisio.",
        none: "Nid oes neb wedi edrych ar y cofnod hwn.",
        count: (count) => `${plural(count, "edrychiad", "edrychiadau")}, y diweddaraf yn gyntaf`,
        kind: {
            read: "wedi agor y cofnod",
            listed: "wedi gweld y claf mewn rhestr",
            "break-glass": "wedi agor y sgwrs o'r tu allan i'r tîm",
        },
        denied: "gwrthodwyd",
        reason: (words) => `Rheswm: ${words}`,
    },
    directory: {
        search: "Dod o hyd i rôl, rhywun, ward neu dîm",
        example: "Pwy sy'n gofalu am ward Nightingale nawr?",
        personHint: "Enw neu swydd",
        change: "Newid",
        nothing: (text) => `Nid oes dim yn y cyfeiriadur yn cyfateb i “${text}”.`,
        nobody: (text) => `Nid oes neb yn y cyfeiriadur yn cyfateb i “${text}”.`,
        kept: "Dim cysylltiad. Dyma'r hyn a gedwir ar y ddyfais hon.",
        covers: (ward) => `Pwy sy'n gofalu am ${ward} nawr`,
        coveredByNone: "Nid oes rôl yn gofalu am y ward hon. Gofynnwch i'r switsfwrdd.",
        roles: "Rolau",
        people: "Pobl",
        holds: (roles) => `Yn dal: ${roles.join(", ")}`,
        duty: { busy: "Prysur", off: "Ddim ar ddyletswydd" },
        coveredBy: (who) => `${who} sy'n cyflenwi, a gofynnir iddynt hwy yn lle hynny`,
        uncovered: "Nid oes neb yn cyflenwi",
    },
    role: {
        title: "Rôl",
        open: (name) => `${name}: mwy am y rôl hon`,
        offered: (count) => plural(count, "rôl yn cael ei chynnig i chi", "rolau yn cael eu cynnig i chi"),
        gone: "Nid yw'r rôl hon yn y cyfeiriadur mwyach.",
        now: "Pwy sy'n ei dal nawr",
        by: {
            "sign-on": "Wedi mewngofnodi i'r rôl",
            rota: "Yn ôl y rota",
            deputy: "Dirprwy: yn sefyll i mewn gan nad oes neb yn dal y rôl",
        },
        silent: {
            unreachable: "Ni ellir ei gyrraedd: nid oes yr un o'i ddyfeisiau wedi'i chysylltu",
            muted: "Ni ellir ei gyrraedd: mae ei holl ddyfeisiau wedi'u tawelu",
        },
        fallback: (role) => `Os nad oes neb yn ei dal: gofynnir i ${role}`,
        covers: "Y wardiau y mae'n gofalu amdanynt",
        take: "Cymryd y rôl hon",
        takeBody: (role) => `O hyn ymlaen gofynnir i chi fel ${role}.`,
        longer: "Ei dal yn hwy",
        longerBody: (role) => `Tan pryd rydych yn dal ${role}?`,
        until: "Tan",
        untilHint: "Gwag: hyd ddiwedd y sifft",
        handOver: "Trosglwyddo",
        handOverBody: "Rydych yn dal y rôl nes bod eich cydweithiwr yn derbyn.",
        handOverTo: "I bwy?",
        needPerson: "Dewiswch gydweithiwr",
        sendOffer: "Cynnig y rôl",
        withdraw: (name) => `Tynnu'r cynnig i ${name} yn ôl`,
        release: "Ei rhoi i lawr",
        releaseTitle: (role) => `Rhoi ${role} i lawr?`,
        releaseBody:
            "Os nad oes neb arall ar y rota mae'r rôl yn wag, ac mae hynny'n larwm. Trosglwyddwch hi os gallwch.",
        offer: (role) => `Cynigir ${role} i chi`,
        offeredToYou: (from) => `Mae ${from} yn cynnig y rôl hon i chi`,
        offeredTo: (to) => `Wedi'i chynnig i ${to}, heb ei derbyn eto`,
        readList: "Darllen yr hyn sydd ar agor a'i gymryd drosodd",
        acceptOffer: "Derbyn y rôl",
        declineOffer: "Gwrthod",
        failed: (words) => `Ni chadwyd hynny: ${words}. Nid oes dim wedi newid.`,
        failedOffline: "Ni chadwyd hynny: dim cysylltiad. Nid oes dim wedi newid; rhowch gynnig arall arni.",
    },
    shifts: {
        title: "Sifftiau'r wythnos i ddod",
        none: "Nid oes sifft ar y rota yn yr wythnos i ddod.",
        always: "Bob amser",
        times: (from, until) => `${from} i ${until}`,
    },
    team: {
        title: "Timau",
        one: "Tîm",
        gone: "Nid yw'r tîm hwn yn y cyfeiriadur mwyach.",
        who: "Pwy sy'n perthyn iddo",
        members: (people, roles) => `${plural(people, "person", "bobl")}, ${plural(roles, "rôl", "rolau")}`,
    },
    noise: {
        title: "Pa mor aml y torrir ar draws y tîm hwn",
        what: "Mae pob cais sy'n gwneud sŵn yn torri ar draws. Mae rhai brys bob amser yn gwneud hynny; nid yw gwybodaeth byth. Mae ceisiadau am weithred yn dawel unwaith y bydd y tîm wedi cael ei gyllideb am yr awr.",
        period: "Cyfnod",
        days: (days) => (days === 1 ? "24 awr" : `${days} diwrnod`),
        total: "Wedi torri ar draws",
        most: "Y mwyaf mewn awr",
        budget: "Cyllideb am awr",
        noBudget: "Dim terfyn",
        quiet: "Heb sŵn (dros y gyllideb)",
        hoursOver: "Oriau dros y gyllideb",
        byClass: "Yn ôl dosbarth",
        byReason: "Yn ôl rheswm",
        byHour: "Yn ôl awr y dydd",
        reasons: { asked: "Gofynnwyd", again: "Gofynnwyd eto", reminded: "Atgoffwyd" },
    },
    handover: {
        title: "Rhestr drosglwyddo",
        of: (role) => `Trosglwyddo: ${role}`,
        refused:
            "Dim ond pwy bynnag sy'n dal y rôl, a phwy bynnag y cynigir hi iddo, a all ddarllen ei rhestr drosglwyddo.",
        print: "Argraffu",
        layout: "Trefn",
        layouts: { ipass: "I-PASS", sbar: "SBAR" },
        count: (count) => plural(count, "cais agored", "geisiadau agored"),
        asOf: (time) => `fel yr oedd am ${time}`,
        printedBy: (name) => `argraffwyd gan ${name}`,
        nothing: "Nid oes dim ar agor. Nid oes dim i'w drosglwyddo.",
        noPatient: "Heb glaf",
        severity: {
            urgent: "Mae rhywbeth brys ar agor",
            waiting: "Mae rhywbeth yn aros am ateb",
            "in-hand": "Mae popeth yn nwylo rhywun",
        },
        ipass: {
            severity: "Difrifoldeb y salwch",
            summary: "Crynodeb o'r claf",
            actions: "Rhestr gweithredu",
            awareness: "Ymwybyddiaeth o'r sefyllfa",
            synthesis: "Crynhoi gan y derbynnydd",
            synthesisHint: "Dywedwch yn ôl yr hyn a glywsoch, a holwch.",
        },
        wordsMissing: "Ni ellir darllen geiriau un cais ar y ddyfais hon eto.",
        read: "Rwyf wedi darllen hwn ac yn ei gymryd drosodd",
        left: (count) =>
            `Heb ei dicio eto: ${plural(count, "cerdyn", "gardiau")}. Darllenwch bob un a'i dicio.`,
        ready: "Mae popeth wedi'i ddarllen.",
        accept: "Derbyn y rhestr drosglwyddo",
        takeOver: "Cymryd y rôl a phopeth ar y rhestr drosodd",
        changed:
            "Mae'r rhestr wedi newid yn y cyfamser. Nid yw'r hyn sy'n newydd neu'n wahanol wedi'i dicio: darllenwch ef eto.",
        acceptedBy: (name, time) => `Derbyniwyd gan ${name}${time && `, ${time}`}`,
        signedOver: "Trosglwyddwyd gan (enw, llofnod, amser): ________________________________________",
        signedTaken: "Cymerwyd drosodd gan (enw, llofnod, amser): ________________________________________",
        confidential:
            "Gwybodaeth gyfrinachol am gleifion. Rhowch hi mewn gwastraff cyfrinachol ar ôl y sifft.",
    },
};

export const actionNames: Pick<
    Catalogue["requests"]["actionName"],
    "reopen" | "reassign" | "delegate" | "comment"
> = {
    reopen: "Ailagor",
    reassign: "Trosglwyddo",
    delegate: "Dirprwyo",
    comment: "Sylw",
};
