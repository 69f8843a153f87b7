"""Reads every resource that the FHIR API of a demo server gives and holds it against the models of fhir.resources (R4) and
against what UK Core fixes: fhir_check.py URL STAFF.JSON"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from importlib import import_module

url, staff = sys.argv[1:]
PASSWORDS = {person["user"]: person["password"] for person in json.load(open(staff, encoding="utf-8"))}
WARDLINE = "https://wardline.org/fhir/"
EXTENSION = WARDLINE + "StructureDefinition/"
UK_CORE = "https://fhir.hl7.org.uk/"
checked, bad = {}, 0

# What UK Core fixes, as HL7 UK publishes it (github.com/NHSDigital/FHIR-R4-UKCORE-STAGING-MAIN, folders structuredefinitions and
# codesystems): the profiles that there are of the types that are served ...
PROFILES = {
    f"{UK_CORE}StructureDefinition/UKCore-{kind}"
    for kind in (
        "CareTeam HealthcareService Location Organization Patient Practitioner PractitionerRole Task".split()
    )
}
# ... the systems that identifiers of these types may have there (Location has its hospital's own codes) ...
SYSTEMS = {
    "Organization": {"https://fhir.nhs.uk/Id/ods-organization-code", "https://fhir.nhs.uk/Id/ods-site-code"},
    "Patient": {"https://fhir.nhs.uk/Id/nhs-number", None},
    "Practitioner": {
        "https://fhir.nhs.uk/Id/sds-user-id",
        "https://fhir.hl7.org.uk/Id/gmc-number",
        "https://fhir.hl7.org.uk/Id/gmp-number",
        "https://fhir.hl7.org.uk/Id/nmc-number",
        "https://fhir.hl7.org.uk/Id/gphc-number",
        "https://fhir.hl7.org.uk/Id/hcpc-number",
    },
}
# ... and the one extension, with its required binding: code and display as CodeSystem-UKCore-NHSNumberVerificationStatusEngland has
# them, which are those of the NHS Data Dictionary (NHS NUMBER STATUS INDICATOR CODE).
STATUS = f"{UK_CORE}StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
STATUS_SYSTEM = f"{UK_CORE}CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
STATUSES = {
    "01": "Number present and verified",
    "02": "Number present but not traced",
    "03": "Trace required",
    "04": "Trace attempted - No match or multiple match found",
    "05": "Trace needs to be resolved - (NHS number or patient detail conflict)",
    "06": "Trace in progress",
    "07": "Number not present and trace not required",
    "08": "Trace postponed (baby under six weeks old)",
}


def call(method, path, body=None, token=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | (headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(urllib.parse.urljoin(url, path), data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def wrong(where, resource, problem):
    global bad
    bad += 1
    print(f"{where}: {resource['resourceType']}/{resource.get('id')}: {problem}", file=sys.stderr)


def uk_core(resource, where):
    """Profiles, identifier systems and the status of NHS numbers are those of UK Core."""
    kind = resource["resourceType"]
    for profile in resource.get("meta", {}).get("profile", []):
        if profile not in PROFILES or not profile.endswith(f"-{kind}"):
            wrong(where, resource, f"{profile} is no profile of UK Core for it")
    if kind in SYSTEMS and not resource.get("meta", {}).get("profile"):
        wrong(where, resource, "names no profile")
    for identifier in resource.get("identifier", []) if kind in SYSTEMS else []:
        if identifier.get("system") not in SYSTEMS[kind]:
            wrong(where, resource, f"identifier system {identifier.get('system')}")
        if identifier.get("system") == "https://fhir.nhs.uk/Id/nhs-number":
            said = [it["valueCodeableConcept"]["coding"][0] for it in identifier["extension"] if it["url"] == STATUS]
            fits = [it for it in said if it["system"] == STATUS_SYSTEM and STATUSES.get(it["code"]) == it["display"]]
            if len(said) != 1 or said != fits:
                wrong(where, resource, f"status of the NHS number: {said}")


def urls(value):
    """Every URL of an extension, and every code system, in a resource."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "extension":
                yield from ((it["url"], "valueString" in it or len(it) > 1) for it in inner)
            yield from urls(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from urls(inner)


def check(resource, where):
    """The model refuses unknown elements, missing ones, wrong types and wrong codes."""
    kind = resource["resourceType"]
    checked[kind] = checked.get(kind, 0) + 1
    try:
        model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        model.model_validate(resource)
    except Exception as error:  # any refusal is one
        wrong(where, resource, error)
    for extension, has_content in urls(resource):
        if not has_content:
            wrong(where, resource, f"extension {extension} says nothing")
    uk_core(resource, where)
    if kind == "Bundle":
        for entry in resource.get("entry", []):
            check(entry["resource"], where)


def get(path, token, status=200):
    said, answer = call("GET", f"/fhir/R4/{path}", token=token)
    if said != status:
        sys.exit(f"{path}: {said} instead of {status}: {answer}")
    check(answer, path)
    return answer


def do(method, path, body, token, status=200, headers=None):
    said, answer = call(method, f"/fhir/R4/{path}", body, token, headers)
    if said != status:
        sys.exit(f"{method} {path}: {said} instead of {status}: {answer}")
    if answer:
        check(answer, f"{method} {path}")
    return answer


def sign_in(user):
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": PASSWORDS[user],
    }
    status, answer = call("POST", "/_matrix/client/v3/login", login)
    if status != 200:
        sys.exit(f"sign-in of {user}: {answer}")
    return answer["access_token"]


def parameters(**given):
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString", dict: "valueReference"}
    listed = [(name, it) for name, its in given.items() for it in (its if isinstance(its, list) else [its])]
    made = [{"name": name.replace("_", "-"), kinds[type(it)]: it} for name, it in listed]
    return {"resourceType": "Parameters"} | ({"parameter": made} if made else {})


def own(name, **value):
    return {"url": EXTENSION + name, **value}


nurse, manager, officer = sign_in("grace.adeyemi"), sign_in("dev.patel"), sign_in("megan.evans")

# The directory.
get("metadata", None)
for path in [
    "Organization",
    "Location?_include=Location:partof&_include=Location:organization&_count=50",
    "Practitioner",
    "HealthcareService?_include=HealthcareService:location&_include=HealthcareService:organization",
    "PractitionerRole?_include=PractitionerRole:practitioner&_include=PractitionerRole:service&_count=50",
    "CareTeam?_include=CareTeam:participant",
    "CareTeam/outreach-team/$noise",
    "$directory?text=reg",
]:
    get(path, nurse)
do("PUT", "Organization/x9r", get("Organization/x9r", nurse), nurse, 403)

# Patients and who looked at them.
patients = get("Patient", nurse)["entry"]
patient = patients[0]["resource"]["id"]
assert any("security" in entry["resource"]["meta"] for entry in patients), "one is restricted"
get(f"Patient/{patient}", nurse)
get(f"Patient/{patient}/$conversation", nurse)
born = {"name": "birthdate", "valueDate": patients[0]["resource"]["birthDate"]}
number = patients[0]["resource"]["identifier"][0]["value"]
glass = parameters(nhs_number=number, reason="To be checked")
glass["parameter"].append(born)
do("POST", "Patient/$break-glass", glass, officer)
get(f"AuditEvent?patient=Patient/{patient}", officer)

# A request, from raised to completed, with its history. Nobody of the rota holds this role, whatever the time.
do("POST", "HealthcareService/anaesthetist/$take", parameters(), officer)
task = {
    "resourceType": "Task",
    "id": str(uuid.uuid4()),
    "identifier": [{"system": "https://laboratory.example/order", "value": "4711"}],
    "status": "requested",
    "intent": "order",
    "code": {"coding": [{"system": WARDLINE + "CodeSystem/request-class", "code": "urgent"}]},
    "for": {"reference": f"Patient/{patient}"},
    "owner": {"reference": "HealthcareService/anaesthetist"},
}
do("PUT", f"Task/{task['id']}", task, nurse, 201)
do("POST", f"Task/{task['id']}/$comment", parameters(text="On the phone"), nurse)
get("HealthcareService/anaesthetist/$handover", officer)
for name in ["delivered", "seen", "accept", "on-my-way", "arrived", "complete"]:
    do("POST", f"Task/{task['id']}/${name}", parameters(), officer)
do("POST", f"Task/{task['id']}/$accept", parameters(), officer, 409)
do("POST", f"Task/{task['id']}/$cancel", parameters(), nurse, 409)
do("POST", f"Task/{task['id']}/$reopen", parameters(), nurse)
for element, whom in [
    ("owner", "CareTeam/outreach-team"),
    ("location", "Location/nightingale"),
    ("owner", "Practitioner/megan.evans"),
]:
    other = {key: value for key, value in task.items() if key not in ("identifier", "owner")}
    other |= {"id": str(uuid.uuid4()), element: {"reference": whom}}
    do("PUT", f"Task/{other['id']}", other, nurse, 201)
get("Task?_include=Task:patient&_include=Task:requester&_include=Task:owner", nurse)
get(f"Task/{task['id']}", nurse)
get(f"Task/{task['id']}/_history", nurse)
get(f"Task/{task['id']}/_history/1", nurse)

# Roles and the rota.
offered = {"reference": "Practitioner/grace.adeyemi"}
do("POST", "HealthcareService/anaesthetist/$offer", parameters(to=offered), officer)
do("POST", "HealthcareService/anaesthetist/$handover-code", parameters(), officer)
get("HealthcareService/anaesthetist/$handover", nurse)
do("POST", "Practitioner/megan.evans/$duty", {"resourceType": "Parameters", "parameter": [
    {"name": "status", "valueCode": "off"},
    {"name": "covered-by", "valueReference": {"reference": "Practitioner/grace.adeyemi"}},
]}, officer, 409)
do("POST", "Practitioner/grace.adeyemi/$duty", {"resourceType": "Parameters", "parameter": [
    {"name": "status", "valueCode": "busy"},
    {"name": "quiet-from", "valueTime": "22:00:00"},
    {"name": "quiet-until", "valueTime": "06:00:00"},
]}, nurse)
do("POST", "Practitioner/grace.adeyemi/$device-check", {"resourceType": "Parameters", "parameter": [
    {"name": "failed", "valueCode": "sound"},
]}, nurse)
shift = {
    "resourceType": "PractitionerRole",
    "practitioner": {"reference": "Practitioner/priya.raman"},
    "healthcareService": [{"reference": "HealthcareService/anaesthetist"}],
    "code": [{"coding": [{"system": WARDLINE + "CodeSystem/shift-rank", "code": "deputy"}]}],
    "period": {"start": "2099-01-15T08:00:00Z", "end": "2099-01-15T20:00:00Z"},
}
made = do("POST", "PractitionerRole", shift, manager, 201)
do("POST", "PractitionerRole", shift | {"period": {"start": "2099-01-15T08:00:00Z"}}, manager, 400)
do("DELETE", f"PractitionerRole/{made['id']}", None, manager, 204)

# Calls, their boards, answers and reports.
crash, broadcast = str(uuid.uuid4()), str(uuid.uuid4())
kind = WARDLINE + "CodeSystem/call-kind"
do("PUT", f"CommunicationRequest/{crash}", {
    "resourceType": "CommunicationRequest",
    "status": "active",
    "category": [{"coding": [{"system": kind, "code": "crash-call"}]}],
    "subject": {"reference": f"Patient/{patient}"},
    "extension": [own("call-playbook", valueString="crash-call-2222"), own("call-drill", valueBoolean=True)],
}, nurse, 201)
recipients = ["Organization/x9r", "CareTeam/outreach-team", "HealthcareService/medical-registrar", "Location/barts"]
do("PUT", f"CommunicationRequest/{broadcast}", {
    "resourceType": "CommunicationRequest",
    "status": "active",
    "category": [{"coding": [{"system": kind, "code": "broadcast"}], "text": "Exercise <b>Ash</b>"}],
    "payload": [{"contentString": "Report to the emergency department."}],
    "recipient": [{"reference": it} for it in recipients],
}, manager, 201)
do("POST", "CommunicationRequest/$reach", parameters(recipient=[{"reference": it} for it in recipients]), manager)
get("CommunicationRequest/$options", manager)
for name, given in [("seen", {}), ("answer", {"answer": "coming", "minutes": 5})]:
    said, answer = call("POST", f"/fhir/R4/CommunicationRequest/{broadcast}/${name}", parameters(**given), nurse)
    check(answer, f"${name}")
options = next(
    it for it in get(f"CommunicationRequest/{broadcast}", nurse)["extension"] if it["url"] == EXTENSION + "call-reply"
)
reply = next(it["valueCode"] for it in options["extension"] if it["url"] == "code")
do("POST", f"CommunicationRequest/{broadcast}/$answer", parameters(answer=reply), nurse)
do("POST", f"CommunicationRequest/{broadcast}/$again", parameters(), manager)
for ident, reader in [(crash, nurse), (broadcast, manager)]:
    get(f"CommunicationRequest/{ident}", reader)
    get(f"CommunicationRequest/{ident}/$board", reader)
    get(f"CommunicationRequest/{ident}/$report", reader)
    get(f"Communication?based-on=CommunicationRequest/{ident}", reader)
    do("POST", f"CommunicationRequest/{ident}/$end", parameters(), reader)
    get(f"CommunicationRequest/{ident}/$report", reader)
get("CommunicationRequest", nurse)

# Being told of changes.
do("POST", "Subscription", {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "To be checked",
    "criteria": "Task?owner=me",
    "end": "2099-01-01T00:00:00Z",
    "channel": {"type": "rest-hook", "endpoint": "https://board.example/changed"},
}, nurse, 201)
get("Subscription", nurse)

# Refusals.
for path, status in [
    ("Task?colour=red", 400),
    ("Task/none", 404),
    (f"AuditEvent?patient={patient}", 403),
    ("Observation", 404),
    ("Location?_include=Location:colour", 400),
]:
    get(path, nurse, status)
get("Patient", None, 401)
do("POST", "Task", {"resourceType": "Task"}, nurse, 400)

EXPECTED = set(
    "AuditEvent Bundle CapabilityStatement CareTeam Communication CommunicationRequest Composition HealthcareService List "
    "Location OperationOutcome Organization Parameters Patient Practitioner PractitionerRole Subscription Task".split()
)
print("fhir.resources:", ", ".join(f"{count} {kind}" for kind, count in sorted(checked.items())), f"{bad} bad")
if missing := EXPECTED - checked.keys():
    sys.exit(f"none was seen of: {', '.join(sorted(missing))}")
sys.exit(0 if bad == 0 else 1)
