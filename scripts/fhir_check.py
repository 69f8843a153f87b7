"""Reads every resource that the FHIR API of a demo server gives and holds it against the models of fhir.resources (R4):
fhir_check.py URL USER PASSWORD"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from importlib import import_module

url, user, password = sys.argv[1:]
EXTENSION = "https://wardline.org/fhir/StructureDefinition/"
checked, bad = {}, 0


def call(method, path, body=None, token=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | (headers or {})
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(urllib.parse.urljoin(url, path), data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check(resource, where):
    """The model refuses unknown elements, missing ones, wrong types and wrong codes."""
    global bad
    kind = resource["resourceType"]
    checked[kind] = checked.get(kind, 0) + 1
    try:
        model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        model.model_validate(resource)
    except Exception as error:  # any refusal is one
        bad += 1
        print(f"{where}: {kind}/{resource.get('id')}: {error}", file=sys.stderr)
    if kind == "Bundle":
        for entry in resource.get("entry", []):
            check(entry["resource"], where)


def get(path, token, status=200):
    said, answer = call("GET", f"/fhir/R4/{path}", token=token)
    if said != status:
        sys.exit(f"{path}: {said} instead of {status}: {answer}")
    check(answer, path)
    return answer


login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password}
status, answer = call("POST", "/_matrix/client/v3/login", login)
if status != 200:
    sys.exit(f"sign-in: {answer}")
token = answer["access_token"]

get("metadata", None)
for path in [
    "Organization",
    "Location?_include=Location:partof&_count=50",
    "Practitioner",
    "HealthcareService?_include=HealthcareService:location&_include=HealthcareService:organization",
    "PractitionerRole?_include=PractitionerRole:practitioner&_include=PractitionerRole:service&_count=50",
    "CareTeam",
]:
    get(path, token)
patients = get("Patient", token)["entry"]
patient = patients[0]["resource"]
get(f"Patient/{patient['id']}", token)
get(f"Patient/{patient['id']}/$conversation", token)

task = {
    "resourceType": "Task",
    "id": str(uuid.uuid4()),
    "identifier": [{"system": "https://laboratory.example/order", "value": "4711"}],
    "status": "requested",
    "intent": "order",
    "code": {"coding": [{"system": "https://wardline.org/fhir/CodeSystem/request-class", "code": "urgent"}]},
    "for": {"reference": f"Patient/{patient['id']}"},
    "owner": {"reference": "HealthcareService/medical-registrar"},
}
status, answer = call("PUT", f"/fhir/R4/Task/{task['id']}", task, token)
assert status == 201, answer
check(answer, "PUT Task")
words = {"resourceType": "Parameters", "parameter": [{"name": "text", "valueString": "On the phone"}]}
status, answer = call("POST", f"/fhir/R4/Task/{task['id']}/$comment", words, token)
assert status == 200, answer
check(answer, "$comment")
status, answer = call("POST", f"/fhir/R4/Task/{task['id']}/$cancel", {"resourceType": "Parameters"}, token)
assert status == 200, answer
check(answer, "$cancel")
subscription = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "To be checked",
    "criteria": "Task?owner=me",
    "channel": {"type": "rest-hook", "endpoint": "https://board.example/changed"},
}
status, answer = call("POST", "/fhir/R4/Subscription", subscription, token)
assert status == 201, answer
check(answer, "POST Subscription")
get("Subscription", token)
take = {"resourceType": "Parameters"}
status, answer = call("POST", "/fhir/R4/HealthcareService/anaesthetist/$take", take, token)
assert status == 200, answer
get("HealthcareService/anaesthetist/$handover", token)
get("$directory?text=reg", token)
busy = {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": "busy"}]}
status, answer = call("POST", f"/fhir/R4/Practitioner/{user}/$duty", busy, token)
assert status == 200, answer
check(answer, "$duty")
get("Task?_include=Task:patient&_include=Task:requester&_include=Task:owner", token)
get(f"Task/{task['id']}", token)
get(f"Task/{task['id']}/_history", token)
get(f"Task/{task['id']}/_history/1", token)
for path, status in [("Task?colour=red", 400), ("Task/none", 404), ("AuditEvent?patient=x", 403)]:
    get(path, token, status)
get("Patient", None, 401)

print("fhir.resources:", ", ".join(f"{count} {kind}" for kind, count in sorted(checked.items())), f"{bad} bad")
sys.exit(0 if bad == 0 and len(checked) > 10 else 1)
