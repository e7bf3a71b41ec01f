"""A site takes away its own data: all of it, nothing of others, and a program that tells whether it is what the system holds."""

import csv
import hashlib
import io
import secrets
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from oligami.journal import entries as e
from oligami.trial.commands import CorrectItems, RedactBody, SubmitForm
from oligami.web.centre.parcel import VERIFIER

SHIPPED = Path(__file__).parents[2] / "docs" / "reference" / "verify_journal.py"
OWN, FOREIGN = "told at the first hospital", "told at the second hospital"
FOLLOW_UP = {"contact_date": "2024-06-11", "vital_status": "alive"}


def command():
    """A new command id."""
    return secrets.token_hex(16)


@pytest.fixture
def lived(site):
    """A trial with two randomized subjects at two sites: forms, a correction, a data query, a lock."""
    site.own, site.foreign = site.register("s01"), site.register("s02")
    for subject, at, text in ((site.own, "s01", OWN), (site.foreign, "s02", FOREIGN)):
        site.randomize(subject, at)
        site.submit(SubmitForm(subject=subject, form="follow_up", values=FOLLOW_UP | {"remarks": text}))
        site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, text=f"=why {text}"))
    seen = site.desk.journal.head().seq
    site.submit(
        CorrectItems(subject=site.own, form="follow_up", occurrence=1, new={"remarks": f"{OWN}, again"}, reason="misheard"),
        seen=seen,
    )
    site.submit(e.FormLocked(subject=site.own, form="follow_up", occurrence=1))
    return site


def taken(site, client, at="s01", **more):
    """Take the data of a site and return the archive's bytes and the address of its page."""
    sent = {"site": at, "purpose": "archive of the site", "recipient": "the site", "command": command(), **more}
    answer = client.post(site.url("take/"), sent)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    address = answer.headers["Location"]
    file = client.get(f"{address}file/")
    assert file.status_code == 200
    return b"".join(file.streaming_content), address


def verify(folder, data, *words):
    """Run the verifier that lies in the archive over its chain; only Python's own library is at hand."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    run = [sys.executable, "-I", "-S", "verify_journal.py", *words, "journal.jsonl"]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)


def rows(data, name):
    """The rows of a table of the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))


def everything(data):
    """All bytes of all files of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"\n".join(archive.read(name) for name in archive.namelist())


def test_the_copy_is_whole_and_the_sites_alone(lived):
    """Values, old and new, queries and audit trail of the site are there; of the other site not one value, nor how arms were drawn."""
    data, _ = taken(lived, lived.client_for("investigator"))
    (form,) = rows(data, "forms/follow_up.csv")
    assert (form["subject"], form["remarks"], form["locked"]) == (lived.own, f"{OWN}, again", "True")
    (query,) = rows(data, "queries.csv")
    assert query["text"] == f"'=why {OWN}"
    audit = rows(data, "audit.csv")
    (corrected,) = [row for row in audit if row["entry"] == "ItemsCorrected"]
    assert (corrected["old"], corrected["new"], corrected["why"]) == (OWN, f"{OWN}, again", "misheard")
    assert corrected["at_utc"].endswith("Z")
    assert corrected["at_local"].endswith("+09:00")
    told = everything(data)
    assert FOREIGN.encode() not in told
    for word in (b'"tally"', b'"imbalance"', b'"probability"', b'"u":', b'"k":', b'"factors"', b'"algorithm_version"'):
        assert word not in told
    drawn = next(subject for subject in lived.trial.subjects.values() if subject.id == lived.own).allocation
    assert {row["arm"] for row in rows(data, "subjects.csv") if row["stage"] == drawn.stage} == {drawn.arm}
    # Every record about the site's subject is in the audit trail.
    own = {record.seq for record in lived.desk.journal.of_subject(lived.own)}
    assert own <= {int(row["record"]) for row in audit}


def test_the_copy_verifies_and_a_changed_byte_is_found(lived, tmp_path):
    """The program in the archive checks the whole chain; any changed byte of it, the site's or another's, breaks it."""
    data, address = taken(lived, lived.client_for("investigator"))
    through = lived.desk.journal.head().seq - 1
    held = verify(tmp_path, data, "--partial")
    assert (held.returncode, held.stdout.split(" has ")[0]) == (0, f"holds: record {through}")
    assert verify(tmp_path, data).returncode == 2  # left out bodies are no whole journal
    chain = tmp_path / "journal.jsonl"
    good = chain.read_bytes()
    assert len(good.splitlines()) == through
    for at in (good.index(OWN.encode()), good.index(b'"author"') + 12, len(good) - 30, good.index(b'{"body":null') + 40):
        chain.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        run = [sys.executable, "-I", "-S", "verify_journal.py", "--partial", "journal.jsonl"]
        assert subprocess.run(run, cwd=tmp_path, capture_output=True, check=False).returncode == 2
    page = lived.client_for("investigator").get(address).content.decode()
    assert hashlib.sha256(data).hexdigest() in page


def test_the_export_is_recorded_once_with_its_digest(lived):
    """One record says who took what, why, for whom, and the digest of the very file; sent twice it stays one."""
    client, twice = lived.client_for("coordinator"), command()
    data, address = taken(lived, client, command=twice)
    again, same = taken(lived, client, command=twice)
    assert (again, same) == (data, address)
    assert lived.trial.study.exports == 1
    *_, record = lived.desk.journal.records()
    assert record.entry.digest == hashlib.sha256(data).hexdigest()
    assert (record.entry.purpose, record.entry.recipient) == ("archive of the site", "the site")
    assert (record.stamp.author, record.stamp.role) == ("p-coordinator-s01", "coordinator")
    assert "archive of the site" in client.get(lived.url("take/")).content.decode()


def test_without_purpose_or_recipient_nothing_leaves(lived):
    """Both are asked for; without them the page says so, and no record is written."""
    client, before = lived.client_for("coordinator"), lived.desk.journal.head()
    answer = client.post(lived.url("take/"), {"site": "s01", "purpose": " ", "recipient": "", "command": command()})
    assert answer.status_code == 409
    assert "names the purpose" in answer.content.decode()
    assert "names the recipient" in answer.content.decode()
    assert lived.desk.journal.head() == before


def test_nobody_takes_what_he_may_not_see(lived):
    """Another site is not among one's own; who sees no forms takes none here; another's copy cannot be fetched."""
    client, other = lived.client_for("coordinator"), lived.client_for("coordinator", "s02")
    sent = {"purpose": "p", "recipient": "r"}
    assert client.post(lived.url("take/"), {**sent, "site": "s02", "command": command()}).status_code == 409
    for role in ("monitor", "trial_statistician", "committee_statistician", "study_chair"):
        answer = lived.client_for(role).post(lived.url("take/"), {**sent, "site": "s01", "command": command()})
        assert answer.status_code == 403, role
    _, address = taken(lived, client)
    for path in (address, f"{address}file/"):
        assert other.get(path).status_code == 404
        own = client.get(path)
        assert own.status_code == 200
        own.close()
    assert client.get(lived.url("take/1/")).status_code == 404
    assert client.get(lived.url(f"take/{10**30}/")).status_code == 404


def test_the_inspector_gets_the_draws_too(lived, tmp_path):
    """Who may see how arms were drawn gets those bodies of the site, still not another site's; the chain holds."""
    data, _ = taken(lived, lived.client_for("inspector"))
    told = everything(data)
    assert told.count(b'"type":"Randomized"') == 1
    assert FOREIGN.encode() not in told
    assert verify(tmp_path, data, "--partial").returncode == 0


def test_a_redacted_text_is_in_no_copy(lived, bench, tmp_path):
    """After a text was removed the copy holds what is left; an older copy can no longer be fetched, and the page says why."""
    client = lived.client_for("coordinator")
    _, address = taken(lived, client)
    filled = next(r.seq for r in lived.desk.journal.of_subject(lived.own) if getattr(r.entry, "form", "") == "follow_up")
    lived.desk.redact(RedactBody(record=filled, texts=[OWN], reason="names a person"), bench.asked())
    refused = client.get(f"{address}file/")
    assert refused.status_code == 409
    assert "take the data anew" in refused.content.decode()
    data, _ = taken(lived, client)
    assert rows(data, "forms/follow_up.csv")[0]["remarks"] == f"{OWN}, again"
    assert verify(tmp_path, data, "--partial").returncode == 0
    (entered,) = [row for row in rows(data, "audit.csv") if row["entry"] == "FormSubmitted" and row["item"] == "remarks"]
    assert entered["new"] in ("", "[redacted]")


def test_the_shipped_program_is_the_documented_one():
    """The verifier in the archive is that of the reference, byte for byte."""
    assert VERIFIER.read_bytes() == SHIPPED.read_bytes()
