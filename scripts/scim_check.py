"""Runs scim2-tester, a third party's checks of RFC 7643 and RFC 7644, against a server: scim_check.py URL TOKEN"""

import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

GOOD = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED)

url, token = sys.argv[1:]
http = Client(base_url=url, headers={"Authorization": f"Bearer {token}"})
results = check_server(SyncSCIMClient(http))
counts = {}
for result in results:
    counts[result.status] = counts.get(result.status, 0) + 1
    if result.status not in GOOD:
        print(result.status.name, result.title, result.resource_type or "", result.reason, file=sys.stderr)
print("scim2-tester:", ", ".join(f"{count} {status.name.lower()}" for status, count in counts.items()))
bad = sum(count for status, count in counts.items() if status not in GOOD)
sys.exit(0 if bad == 0 and counts.get(Status.SUCCESS, 0) > 50 else 1)
