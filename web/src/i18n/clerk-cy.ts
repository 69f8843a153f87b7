/** The clerk's lines in Welsh. The server writes them in English, in the open and for everybody: `clinical`, `announce.rs`. */

type Say = (...parts: string[]) => string;

/** `in 5 minutes`, of a line, in Welsh. */
function waited(words: string): string {
    const [, count, unit] = /^in (\d+) (second|minute)s?$/.exec(words) ?? [];
    if (count === undefined) return "mewn pryd";
    return `ymhen ${count} ${unit === "second" ? "eiliad" : "munud"}`;
}

/** That requests are still open though the patient has gone, in Welsh. */
function stillOpen(words: string): string {
    const [, count] = /^ (One|\d+) requests? (?:is|are) still open/.exec(words) ?? [];
    if (count === undefined) return "";
    const many = count === "One" ? "Mae un cais" : `Mae ${count} cais`;
    return ` ${many} yn dal ar agor: cwblhewch neu canslwch.`;
}

const lines: readonly [RegExp, Say][] = [
    [/^(.+) wrote a comment\.$/, (who) => `Ysgrifennodd ${who} sylw.`],
    [
        /^(.+) is off duty and nobody covers\. Please ring switchboard\.$/,
        (who) => `Nid yw ${who} ar ddyletswydd ac nid oes neb yn cyflenwi. Ffoniwch y switsfwrdd.`,
    ],
    [
        /^(.+) is off duty and nobody covers\.$/,
        (who) => `Nid yw ${who} ar ddyletswydd ac nid oes neb yn cyflenwi.`,
    ],
    [
        /^Nobody holds (.+) now, so nobody could be asked\. Please ring switchboard\.$/,
        (role) => `Nid oes neb yn rôl ${role} nawr, felly ni ellid gofyn i neb. Ffoniwch y switsfwrdd.`,
    ],
    [/^Nobody holds (.+) now\.$/, (role) => `Nid oes neb yn rôl ${role} nawr.`],
    [
        /^Whoever holds (.+) cannot be reached on any device\.$/,
        (role) => `Ni ellir cyrraedd pwy bynnag sydd yn rôl ${role} ar unrhyw ddyfais.`,
    ],
    [
        /^(.+) opened a patient's conversation by break-glass\.$/,
        (who) => `Agorodd ${who} sgwrs claf o'r tu allan i'r tîm gofal, gan roi rheswm.`,
    ],
    [/^(.+) is not asked at this time\.$/, (who) => `Ni ofynnir i ${who} ar yr adeg hon.`],
    [
        /^Whoever is behind (.+) already knows of this request\.$/,
        (role) => `Mae pwy bynnag sydd y tu ôl i ${role} eisoes yn gwybod am y cais hwn.`,
    ],
    [
        /^(.+) passed it on: now asking (.+)\.$/,
        (who, next) => `Trosglwyddodd ${who} ef: yn gofyn i ${next} nawr.`,
    ],
    [/^(.+) asks (.+) to do it\.$/, (who, next) => `Mae ${who} yn gofyn i ${next} ei wneud.`],
    [/^Nobody took it up: it is (.+)'s again\.$/, (who) => `Ni chymerodd neb ef: mae gyda ${who} eto.`],
    // A request of the server itself: what it is about, and who is asked.
    [/^(.+\.) Asking (.+)\.$/, (what, who) => `${clerk(what)} Yn gofyn i ${who}.`],
    [
        /^(.+) reopened the request: asking (.+)\.$/,
        (who, next) => `Ailagorodd ${who} y cais: yn gofyn i ${next}.`,
    ],
    [
        /^(.+) was handed over: now asking (.+)\.$/,
        (role, next) => `Trosglwyddwyd ${role}: yn gofyn i ${next} nawr.`,
    ],
    [
        /^No answer (.+): asking (.+) again\.$/,
        (time, who) => `Dim ateb ${waited(time)}: yn gofyn i ${who} eto.`,
    ],
    [
        /^No answer (.+): also asking (.+)\.$/,
        (time, who) => `Dim ateb ${waited(time)}: yn gofyn i ${who} hefyd.`,
    ],
    [/^Urgent request: asking (.+)\.$/, (who) => `Cais brys: yn gofyn i ${who}.`],
    [/^Request: asking (.+)\.$/, (who) => `Cais: yn gofyn i ${who}.`],
    [/^For information: telling (.+)\.$/, (who) => `Er gwybodaeth: yn dweud wrth ${who}.`],
    [/^Also asking (.+)\.$/, (who) => `Yn gofyn i ${who} hefyd.`],
    [/^Still waiting for (.+)\.$/, (who) => `Yn dal i aros am ${who}.`],
    [/^Delivered to (.+)\.$/, (who) => `Wedi cyrraedd ${who}.`],
    [/^Seen by (.+)\.$/, (who) => `Gwelwyd gan ${who}.`],
    [/^(.+) accepted\.$/, (who) => `Derbyniodd ${who}.`],
    [/^(.+) declined\.$/, (who) => `Gwrthododd ${who}.`],
    [/^(.+) is on the way\.$/, (who) => `Mae ${who} ar y ffordd.`],
    [/^(.+) has arrived\.$/, (who) => `Mae ${who} wedi cyrraedd.`],
    [/^(.+) has completed the request\.$/, (who) => `Mae ${who} wedi cwblhau'r cais.`],
    [
        /^This has ended by itself: nobody need act\.$/,
        () => "Mae hyn wedi dod i ben ohono'i hun: nid oes angen i neb weithredu.",
    ],
    [
        /^Two records of this patient were joined\. This conversation goes on in another room\.$/,
        () => "Unwyd dau gofnod y claf hwn. Mae'r sgwrs hon yn parhau mewn ystafell arall.",
    ],
    [
        /^Two records of this patient were joined\. What was said of the other can still be read there\.$/,
        () => "Unwyd dau gofnod y claf hwn. Gellir dal i ddarllen yno yr hyn a ddywedwyd am y llall.",
    ],
    [/^The patient has died\.(.*)$/, (rest) => `Mae'r claf wedi marw.${stillOpen(rest)}`],
    [
        /^Discharged: this conversation is closed\.(.*)$/,
        (rest) => `Rhyddhawyd: mae'r sgwrs hon wedi cau.${stillOpen(rest)}`,
    ],
    [/^In hospital: this conversation is open\.$/, () => "Yn yr ysbyty: mae'r sgwrs hon ar agor."],
    [/^(.+) cancelled the request\.$/, (who) => `Canslodd ${who} y cais.`],
    [/^(.+) ended the call\.$/, (who) => `Daeth ${who} â'r alwad i ben.`],
    // A crash call begins with its own title, which the hospital gave it.
    [/^(.+): asking (.+)\.$/, (title, who) => `${title}: yn gofyn i ${who}.`],
];

/** The line in Welsh; as it came when it is none of those that we know. */
export function clerk(line: string): string {
    if (line.startsWith("DRILL. ")) return `YMARFER. ${clerk(line.slice("DRILL. ".length))}`;
    for (const [form, say] of lines) {
        const parts = form.exec(line);
        if (parts) return say(...parts.slice(1));
    }
    return line;
}
