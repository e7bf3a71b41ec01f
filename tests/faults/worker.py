"""A server process of the kill drill: registers in a loop and says, for each command, `ask ID`, then `told ID SEQ SEAL SUBJECT`.

Arguments: address of the database, site.
"""

import os
import secrets
import sys
import time
from pathlib import Path

import django

_address, _site = sys.argv[1:]
os.environ["DJANGO_SETTINGS_MODULE"] = "oligami.web.settings"
os.environ["OLIGAMI_SECRET_KEY"] = secrets.token_urlsafe(48)
os.environ["DATABASE_URL"] = _address
django.setup()
sys.path.insert(0, str(Path(__file__).parents[1] / "web"))

import bench  # noqa: E402 - Django wants to be set up before its parts are imported

from oligami.web.desk import Desk  # noqa: E402

_desk = Desk("jcog2110")
print("ready", flush=True)
while True:
    _asked = bench.asked()
    print("ask", _asked.command, flush=True)
    _record = _desk.submit(bench.first(_site), _asked).records[-1]
    assert _record.entry is not None
    print("told", _record.stamp.command, _record.seq, _record.seal, _record.entry.subject, flush=True)
    time.sleep(0.005)  # SQLite's waiting is not fair: who asks without a pause keeps the other processes out
