"""Plays the checks of this folder against a running server: run.py URL SHARED_SECRET [PART OF A TITLE]

The server has open registration with the dummy stage, a shared secret, presence on and no rate limits. The checks
are those that conformance suites make of a server that does not federate, in our own words.
"""

import concurrent.futures
import sys
import traceback

import accounts, devices, history, members, media, notify, relations, rooms, spaces, state, syncing, version12  # noqa: E401,F401
from people import CHECKS, House, Wrong


def play(house, title, function):
    try:
        function(house)
        return None
    except Wrong as wrong:
        where = [frame for frame in traceback.extract_tb(wrong.__traceback__) if "people.py" not in frame.filename]
        return f"{title}\n    {where[-1].filename.rsplit('/', 1)[-1]}:{where[-1].lineno}: {wrong}"
    except Exception:  # noqa: BLE001
        return f"{title}\n{traceback.format_exc()}"


def main():
    house = House(sys.argv[1], sys.argv[2])
    wanted = [entry for entry in CHECKS if all(part in entry[1] for part in sys.argv[3:])]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        verdicts = list(pool.map(lambda entry: play(house, entry[0] + ": " + entry[1], entry[2]), wanted))
    bad = [verdict for verdict in verdicts if verdict]
    print("\n".join(bad))
    print(f"{len(verdicts) - len(bad)} passed, {len(bad)} failed")
    sys.exit(1 if bad or not verdicts else 0)


main()
