"""Worklist, subjects, subject, history and the past, as people of each role get them."""

import csv
import hashlib
import io
import json
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from oligami.journal import entries as e
from oligami.protocol.load import load_protocol
from oligami.trial.commands import CorrectItems, Register, SubmitForm
from oligami.trial.decide import shown_digest
from oligami.trial.fold import fold
from oligami.trial.past import fold_some
from oligami.web.worklist import tasks
from oligami.web.worklist.calendar import Day, calendar_of
from oligami.web.worklist.lists import csv_text

SERIOUS = {
    "term": "other",
    "term_other": "fall",
    "grade": 3,
    "start_date": "2024-06-11",
    "serious": "yes",
    "serious_hospitalization": "yes",
    "aware_date": "2024-06-11",
}


@pytest.fixture
def busy(site, bench):
    """A site with subjects at two hospitals on whom every kind of task waits, seen in July; with their numbers."""
    settings.OLIGAMI_REHEARSAL_AT = datetime(2024, 7, 20, 1, 0, tzinfo=UTC)
    mine, second, foreign = site.register("s01"), site.register("s01"), site.register("s02")
    desk = site.desk

    def say(command, **more):
        desk.submit(command, bench.asked(**more))

    say(SubmitForm(subject=mine, form="adverse_event", values=SERIOUS, reasons={"*": "checked"}))
    say(
        SubmitForm(
            subject=mine, form="follow_up", values={"contact_date": "2024-05-01", "vital_status": "alive"}, reasons={"*": "=cmd"}
        )
    )
    say(e.QueryRaised(subject=mine, query="Q-1", form="follow_up", occurrence=1, item="contact_date", text="Which day?"))
    say(e.QueryRaised(subject=mine, query="Q-2", form="follow_up", occurrence=1, text="And who?"))
    say(e.QueryAnswered(subject=mine, query="Q-2", text="The family."))
    correction = CorrectItems(
        subject=mine,
        form="follow_up",
        occurrence=1,
        new={"contact_date": "2024-05-02"},
        reason="typing error",
        reasons={"*": "checked"},
    )
    say(correction, seen=desk.trial.head.seq)
    therapy = {
        "menopause": "postmenopausal",
        "setting": "de_novo",
        "regimen": "AI_CDK",
        "cdk_agent": "palbociclib",
        "therapy_start_date": "2024-04-22",
    }
    say(SubmitForm(subject=second, form="systemic_therapy", values=therapy, reasons={"*": "checked"}))
    scan = {
        "assessment_date": "2024-07-15",
        "lesion_sizes": [{"lesion_id": "L1", "status": "measured", "size_mm": 18}],
        "new_lesion": "no",
        "overall_response": "SD",
    }
    say(SubmitForm(subject=second, form="response_evaluation", values=scan, visit="week12", reasons={"*": "checked"}))
    return site, mine, second, foreign


def rows_of(client, site, query=""):
    return json.loads(client.get(site.url(f"work.json{query}")).content)["rows"]


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("investigator", {"report", "fill", "answer", "register", "sign"}),
        ("coordinator", {"report", "fill", "answer"}),
        ("data_manager", {"close"}),
        ("monitor", {"close", "verify"}),
        ("inspector", None),
    ],
)
def test_every_row_leads_to_where_it_is_done(busy, role, kinds):
    """Each role sees its own tasks, and each row's link answers; who does nothing himself sees what waits for others."""
    site, mine, *_ = busy
    client = site.client_for(role)
    rows = rows_of(client, site)
    found = {row["kind"] for row in rows}
    assert found >= kinds if kinds is not None else {"report", "fill", "sign"} <= found
    if kinds is not None and role in ("data_manager", "monitor"):
        assert found.isdisjoint({"answer", "sign"})
    for address in {row["address"] for row in rows}:
        path = address.removeprefix("http://testserver")
        assert client.get(path).status_code == 200, path
    page = client.get(site.url("work/")).content.decode()
    assert page.count("<h1>") == 1
    assert mine in page


def test_worklist_is_sorted_by_urgency(busy):
    """The report that is late comes first, what is upcoming last."""
    site, mine, *_ = busy
    rows = rows_of(site.client_for("investigator"), site)
    assert (rows[0]["kind"], rows[0]["state"], rows[0]["subject"]) == ("report", "overdue", mine)
    states = [row["state"] for row in rows]
    assert "upcoming" not in states[: len(states) - states.count("upcoming")]


def test_worklist_filters_and_partial(busy):
    """Kind, state and site choose rows; htmx gets the rows alone; a choice that does not exist is refused."""
    site, *_ = busy
    client = site.client_for("data_manager")
    everything = rows_of(client, site, "?whose=all")
    only = rows_of(client, site, "?whose=all&kind=sign&site=s02")
    assert only == [row for row in everything if row["kind"] == "sign" and row["site"] == "s02"]
    assert only
    part = client.get(site.url("work/?whose=all"), headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert b"<table" in part.content
    assert "HX-Request" in part.headers["Vary"]
    for query in ("kind=nothing", "state=done", "site=s99", "page=0", "page=2", "page=x", "whose=theirs"):
        assert client.get(site.url(f"work/?{query}")).status_code == 400, query
    # A site that is others' is refused like one that does not exist.
    assert site.client_for("coordinator").get(site.url("work/?site=s02")).status_code == 400


def test_foreign_sites_stay_unseen(busy):
    """Lists hold one's own site only; a foreign subject is not found, with all that belongs to it."""
    site, mine, _, foreign = busy
    client = site.client_for("coordinator")
    assert {row["site"] for row in rows_of(client, site, "?whose=all")} == {"s01"}
    subjects = json.loads(client.get(site.url("subjects.json")).content)["rows"]
    assert mine in {row["subject"] for row in subjects}
    assert foreign not in {row["subject"] for row in subjects}
    assert foreign not in client.get(site.url("work.ics")).content.decode()
    for page in ("", "history/", "at/2024-07-20/", "at/?day=2024-07-20"):
        assert client.get(site.url(f"subjects/{foreign}/{page}")).status_code == 404, page
        assert client.get(site.url(f"subjects/S-9999/{page}")).status_code == 404, page
    taken = client.post(site.url(f"subjects/{foreign}/history/take/"), {"command": secrets.token_hex(16), "purpose": "x"})
    assert taken.status_code == 404


def test_calendar_names_nobody(busy):
    """The calendar holds number and form of what is due, in lines of 75 octets at most, and no identifier or text."""
    site, mine, *_ = busy
    response = site.client_for("coordinator", lang="ja").get(site.url("work.ics"))
    text = response.content.decode()
    assert response.headers["Content-Type"].startswith("text/calendar")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    unfolded = text.replace("\r\n ", "")
    assert f"SUMMARY:{mine} " in unfolded
    assert "Which day" not in unfolded
    assert "1968" not in unfolded
    uids = re.findall(r"UID:(.*)", unfolded)
    assert len(uids) == len(set(uids)) == unfolded.count("BEGIN:VEVENT")


def test_calendar_folds_and_escapes():
    """A long line of full-width signs is folded between signs; commas and line ends are escaped."""
    day = Day(uid="u", on=datetime(2024, 6, 1, tzinfo=UTC).date(), summary="調査票," * 30 + "\n終", address="http://x/")
    text = calendar_of([day], name="n", now=datetime(2024, 6, 1, tzinfo=UTC))
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "SUMMARY:" + "調査票\\," * 30 + "\\n終" in text.replace("\r\n ", "")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_csv_holds_no_formula(sign):
    """A cell that a spreadsheet would carry out begins with an apostrophe; every other cell stays as it is."""
    text = csv_text(("a", "b"), [{"a": f"{sign}SUM(1)", "b": f"1{sign}2"}])
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert rows[1] == [f"'{sign}SUM(1)", f"1{sign}2"]


def test_subjects_are_filtered(busy):
    """Site, status, stage and number choose subjects; the file holds the same rows."""
    site, mine, second, foreign = busy
    site.randomize(second)
    client = site.client_for("data_manager")

    def numbers(query):
        return {row["subject"] for row in json.loads(client.get(site.url(f"subjects.json{query}")).content)["rows"]}

    assert numbers("") == {mine, second, foreign}
    assert numbers("?site=s02") == {foreign}
    assert numbers("?status=randomized") == numbers("?stage=second") == {second}
    assert numbers(f"?number={mine.lower()}") == {mine}
    assert len(client.get(site.url("subjects.csv")).content.decode().splitlines()) == 4
    for query in ("status=gone", "stage=third", "number=%00", "number=" + "9" * 40):
        assert client.get(site.url(f"subjects/?{query}")).status_code == 400, query


def test_subject_page(busy):
    """Timeline with its twin table, casebook and acts stand on every role's page; what is not permitted says why."""
    site, mine, *_ = busy
    for role in ("investigator", "coordinator", "data_manager", "monitor", "inspector"):
        for lang, overdue in (("ja", "期限超過"), ("en", "overdue")):
            response = site.client_for(role, lang=lang).get(site.url(f"subjects/{mine}/"))
            page = response.content.decode()
            assert response.status_code == 200, role
            assert page.count("<h1>") == 1
            assert page.index('class="timeline"') < page.index("<caption>")
            assert "style=" not in page
            assert overdue in page
            closed = re.findall(r'disabled aria-describedby="(why-\d+)"', page)
            assert closed, role
            assert all(re.search(rf'id="{number}" class="why"><li>[^<]+', page) for number in closed)


def test_every_cell_of_the_casebook_answers(busy):
    """All links of the casebook lead to a page."""
    site, mine, second, _ = busy
    client = site.client_for("investigator")
    for subject in (mine, second):
        page = client.get(site.url(f"subjects/{subject}/")).content.decode()
        links = set(re.findall(r'<a class="cell [^"]*" href="([^"]+)"', page))
        assert len(links) > 5
        for link in links:
            assert client.get(link.replace("&amp;", "&")).status_code == 200, link


def test_states_of_the_casebook(busy):
    """A cell says queried, locked, signed or entered in words."""
    site, mine, *_ = busy
    client = site.client_for("data_manager")

    def cell(form):
        page = client.get(site.url(f"subjects/{mine}/")).content.decode()
        return re.search(rf'class="cell is-(\w+)" href="[^"]*/forms/{form}/1/"', page)[1]

    assert (cell("follow_up"), cell("adverse_event")) == ("queried", "entered")
    site.submit(e.FormVerified(subject=mine, form="adverse_event", occurrence=1))
    assert cell("adverse_event") == "verified"
    site.submit(e.FormLocked(subject=mine, form="adverse_event", occurrence=1))
    assert cell("adverse_event") == "locked"


def test_history_tells_old_new_and_why(busy):
    """The history of an item has its old and new value, the reason, who and in which role."""
    site, mine, *_ = busy
    page = (
        site.client_for("coordinator")
        .get(site.url(f"subjects/{mine}/history/?form=follow_up&item=contact_date"))
        .content.decode()
    )
    assert "typing error" in page
    assert page.count("/at/?record=") == 2  # entered and corrected
    assert site.client_for("coordinator").get(site.url(f"subjects/{mine}/history/?form=none")).status_code == 400


def test_history_hides_the_evidence_of_the_allocation(busy):
    """The site sees the arm of its subject; tallies, probabilities and draws are for those who may see them."""
    site, _, second, _ = busy
    randomized = next(entry for entry in site.randomize(second).entries if isinstance(entry, e.Randomized))
    for role, shown in (("investigator", False), ("coordinator", False), ("data_manager", False), ("inspector", True)):
        client = site.client_for(role)
        page = client.get(site.url(f"subjects/{second}/history/")).content.decode()
        assert f"{randomized.arm}: " in page
        assert (str(randomized.u) in page) == shown, role
        assert ("tally" in page) == shown, role
        taken = client.post(site.url(f"subjects/{second}/history/take/"), {"command": secrets.token_hex(16), "purpose": "audit"})
        assert (str(randomized.u) in taken.content.decode()) == shown, role


def test_taken_history_is_complete_defused_and_recorded(busy):
    """The file has a row for every record of the subject, no formula, and leaves a record with its digest."""
    site, mine, *_ = busy
    client = site.client_for("coordinator")
    before = site.trial.study.exports
    url, command = site.url(f"subjects/{mine}/history/take/"), secrets.token_hex(16)
    response = client.post(url, {"command": command, "purpose": "source check"})
    assert response.status_code == 200
    rows = list(csv.DictReader(io.StringIO(response.content.decode().removeprefix("\ufeff"), newline="")))
    records = [record for record in site.desk.journal.records() if getattr(record.entry, "subject", None) == mine]
    assert [int(row["record"]) for row in rows] == [record.seq for record in records]
    assert any(row["why"] == "'=cmd" for row in rows)
    assert site.trial.study.exports == before + 1
    left = [record.entry for record in site.desk.journal.records() if isinstance(record.entry, e.ExportMade)][-1]
    assert left.digest == hashlib.sha256(response.content).hexdigest()
    assert left.recipient == site.person("coordinator").person
    # The same sending again writes nothing more; a sending without purpose or command is refused and writes nothing.
    client.post(url, {"command": command, "purpose": "source check"})
    assert client.post(url, {"command": "x", "purpose": "y"}).status_code == 400
    assert client.post(url, {"command": secrets.token_hex(16), "purpose": " "}).status_code == 409
    assert client.get(url).status_code == 405
    assert site.trial.study.exports == before + 1


def test_monitor_may_not_take(busy):
    """Who may see a history but not take data gets the sentence why, and no file."""
    site, mine, *_ = busy
    client = site.client_for("monitor")
    assert "Taking data out needs the role" in client.get(site.url(f"subjects/{mine}/history/")).content.decode()
    taken = client.post(site.url(f"subjects/{mine}/history/take/"), {"command": secrets.token_hex(16), "purpose": "x"})
    assert taken.status_code == 403


def test_past_is_the_fold_of_what_was_recorded_then(busy):
    """Folding a subject's records and the trial's own gives the subject that the whole journal gives, then and now."""
    site, mine, second, _ = busy
    site.randomize(second)
    records = list(site.desk.journal.records())
    for subject in (mine, second):
        own = site.desk.journal.of_subject(subject, with_trial=True)
        for through in (len(records) // 3, len(records) // 2, len(records) - 1, len(records)):
            whole = fold(records[:through])
            part = fold_some(record for record in own if record.seq <= through)
            assert part.subjects.get(subject) == whole.subjects.get(subject)
            assert part.study == whole.study
        assert part.subjects[subject].forms


def test_past_page(busy):
    """A day shows the record at its end, clearly as the past, with values as they stood; before, there is nobody."""
    site, mine, *_ = busy
    client = site.client_for("coordinator")
    today = client.get(site.url(f"subjects/{mine}/at/2024-07-20/?form=follow_up"))
    assert today.status_code == 200
    assert "2024-05-02" in today.content.decode()
    assert "This is the past" in today.content.decode()
    entered = next(
        r for r in site.desk.journal.of_subject(mine) if isinstance(r.entry, e.FormSubmitted) and r.entry.form == "follow_up"
    )
    went = client.get(site.url(f"subjects/{mine}/at/?record={entered.seq}"))
    assert went.status_code == 302
    then = client.get(f"{went.headers['Location']}&form=follow_up").content.decode()
    opened = then[then.index('id="opened"') : then.index("</dl>", then.index('id="opened"'))]
    assert "2024-05-01" in opened
    assert "2024-05-02" not in opened
    assert "form_new" not in then
    assert "/forms/follow_up/new/" not in then
    assert "was not in the trial" in client.get(site.url(f"subjects/{mine}/at/2024-07-19/")).content.decode()
    for path, status in (
        ("at/2024-07-21/", 400),
        ("at/2024-13-01/", 404),
        ("at/yesterday/", 404),
        ("at/2024-07-20/?record=x", 400),
        ("at/2024-07-20/?form=nothing", 404),
        ("at/2024-07-20/?form=follow_up&occurrence=%00", 404),
        ("at/?record=999999", 404),
        ("at/?day=", 404),
    ):
        assert client.get(site.url(f"subjects/{mine}/{path}")).status_code == status, path


def test_nobody_signed_in_sees_nothing(busy):
    """Every address leads to the log-in first."""
    site, mine, *_ = busy
    client = site.client_for(None)
    for path in (
        "work/",
        "work.csv",
        "work.json",
        "work.ics",
        "subjects/",
        "subjects.csv",
        f"subjects/{mine}/",
        f"subjects/{mine}/history/",
    ):
        response = client.get(site.url(path))
        assert response.status_code == 302, path
        assert "/login/" in response.headers["Location"]


def test_what_is_kept_is_of_the_very_state(busy, bench):
    """After a word about a subject its list is computed anew, and others' is not."""
    site, mine, second, _ = busy
    desk = site.desk
    day = datetime(2024, 7, 20, tzinfo=UTC).date()
    first, other = (tasks.dues_of(desk.trial, desk.trial.subjects[name], day) for name in (mine, second))
    digest = shown_digest(desk.trial.subjects[mine].values("adverse_event"))
    signed = e.FormSigned(subject=mine, form="adverse_event", occurrence=1, meaning="endorsed", shown=digest)
    desk.submit(signed, bench.asked())
    after = desk.trial
    assert tasks.dues_of(after, after.subjects[second], day) is other
    assert tasks.dues_of(after, after.subjects[mine], day) is not first


def test_another_trial_by_the_same_pages(tmp_path, bench):
    """A trial of one registration, without response, radiotherapy or adverse events, has the same pages."""
    tiny = load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")
    with bench.load(Path(__file__).with_name("site.py")).new_site(tmp_path, tiny) as site:
        values = {"registration_date": "2024-06-10", "age_years": 40, "sex": "male", "tinnitus": "yes", "loudness": 50}
        register = Register(
            stage="entry", site="s01", values=values | {"last_ear_surgery_date": "none"}, reasons={"*": "checked"}
        )
        receipt = site.submit(register)
        subject = next(entry.subject for entry in receipt.entries if isinstance(entry, e.Registered))
        settings.OLIGAMI_REHEARSAL_AT = datetime(2024, 9, 5, 1, 0, tzinfo=UTC)
        client = site.client_for("coordinator")
        rows = rows_of(client, site)
        assert [(row["kind"], row["state"]) for row in rows] == [("fill", "due")]
        for path in ("work/", "work.ics", "subjects/", f"subjects/{subject}/", f"subjects/{subject}/history/"):
            assert client.get(site.url(path)).status_code == 200, path
        assert client.get(site.url(f"subjects/{subject}/at/2024-09-05/?form=entry")).status_code == 200
        assert client.get(rows[0]["address"].removeprefix("http://testserver")).status_code == 200
