"""The data centre by its pages: data queries, bulk acts, sites, accrual, cuts, the review, heads; each with who may not."""

import csv
import io
import json
import secrets
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from oligami.analysis.accrual import describe_accrual
from oligami.data.cut import Cut
from oligami.data.derive import derive
from oligami.journal import entries as e
from oligami.trial.commands import CorrectItems, SubmitForm
from oligami.trial.draws import commitment
from oligami.web.centre.accruing import describe_progress, planned, randomization_lag
from oligami.web.centre.prediction import SiteSoFar, predict
from oligami.web.desk import Desk

WARNED = {"contact_date": "2024-06-11", "vital_status": "alive", "clinical_progression": "yes"}
PLAIN = {"contact_date": "2024-06-11", "vital_status": "alive"}


def command():
    """A new command id."""
    return secrets.token_hex(16)


def follow_up(site, subject, values=PLAIN, **more):
    """Fill a follow-up form."""
    return site.submit(SubmitForm(subject=subject, form="follow_up", values=values, reasons={"*": "as told"}, **more))


def head(site):
    """The number of the newest record."""
    return site.desk.journal.head().seq


def table(response):
    """The rows of a CSV answer, by column."""
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def at(site, instant, entry, **asked):
    """Carry out a command at an instant of our choice."""
    desk = Desk(site.trial_id, secrets={commitment(site.bench.SECRET): site.bench.SECRET}, clock=lambda: instant)
    return desk.submit(entry, site.bench.asked(**asked))


@pytest.fixture(autouse=True)
def _contexts(monkeypatch):
    """Let answers carry the context of their page."""
    from django.template.base import Template
    from django.test.utils import instrumented_test_render

    monkeypatch.setattr(Template, "_render", instrumented_test_render)


@pytest.fixture
def subject(site, bench):
    """A registered subject of s01 with a follow-up form that fired a soft check."""
    site.bench = bench
    number = site.register()
    follow_up(site, number, WARNED)
    return number


# ---------------------------------------------------------------- data queries


def test_a_query_goes_round(site, subject):
    """Raised with a text to begin with, answered at the site, closed by the side that asked."""
    centre, nurse = site.client_for("data_manager"), site.client_for("coordinator")
    address = site.url(f"subjects/{subject}/forms/follow_up/1/query/")
    page = centre.get(address, {"item": "clinical_progression_date"})
    assert "Clinical progression: date" in page.context["text"] or "progression" in page.context["text"]
    sent = {"item": "clinical_progression_date", "text": page.context["text"], "command": command()}
    for _ in range(2):  # a double click
        assert centre.post(address, sent).status_code == 302
    assert [query.status for query in site.trial.subjects[subject].queries.values()] == ["open"]
    query = site.url(f"subjects/{subject}/queries/Q001/")
    assert "Q001" in nurse.get(site.url("queries/")).content.decode()
    assert nurse.post(query, {"act": "answer", "text": "=no date yet", "command": command()}).status_code == 302
    assert nurse.post(query, {"act": "close", "command": command()}).status_code == 403
    assert centre.post(query, {"act": "answer", "text": "x", "command": command()}).status_code == 403
    (row,) = table(centre.get(site.url("queries/"), {"as": "csv"}))
    assert (row["status"], row["answer"]) == ("answered", "'=no date yet")
    (told,) = json.loads(centre.get(site.url("queries/"), {"as": "json"}).content)
    assert told["answer"] == "=no date yet"
    assert centre.post(query, {"act": "close", "command": command()}).status_code == 302
    assert site.trial.subjects[subject].queries["Q001"].status == "closed"
    assert centre.post(query, {"act": "close", "command": command()}).status_code == 409


def test_who_may_not_is_told_why(site, subject):
    """A coordinator raises no data query; the page says which role is needed, and nothing is written."""
    nurse, before = site.client_for("coordinator"), head(site)
    for path in (f"subjects/{subject}/forms/follow_up/1/query/", "queries/warned/", "centre/", "overdue/", "cuts/", "heads/"):
        answer = nurse.get(site.url(path))
        assert answer.status_code == 403, path
        assert "needs the role" in answer.content.decode()
    assert nurse.post(site.url("queries/close/"), {"chosen": f"{subject}|Q001", "command": command()}).status_code == 403
    assert head(site) == before


def test_another_sites_query_is_not_there(site, subject):
    """A coordinator of s02 sees nothing of s01: not in the list, not by address, not by a program's list."""
    site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, text="only at s01"))
    other = site.client_for("coordinator", "s02")
    assert "only at s01" not in other.get(site.url("queries/"), {"status": "all"}).content.decode()
    assert table(other.get(site.url("queries/"), {"as": "csv", "site": "s01", "status": "all"})) == []
    for number in (subject, "S-0999"):
        assert other.get(site.url(f"subjects/{number}/queries/Q001/")).status_code == 404


def test_a_hundred_queries_at_once(site, bench, subject):
    """A hundred warnings become data queries in one sending, and are closed in one; sent again, nothing happens twice."""
    desk = site.desk  # one for all: each desk folds the trial anew
    for _ in range(99):
        said = SubmitForm(subject=subject, form="follow_up", values=WARNED, reasons={"*": "as told"})
        desk.submit(said, bench.asked())
    centre = site.client_for("data_manager")
    page = centre.get(site.url("queries/warned/"))
    keys = [each.key for each in page.context["shown"]]
    assert (page.context["total"], len(keys)) == (100, 100)
    assert len(table(centre.get(site.url("queries/warned/"), {"as": "csv"}))) == 100
    sent = {"chosen": keys, "command": command()}
    begin = time.perf_counter()
    assert centre.post(site.url("queries/warned/"), sent).status_code == 302
    print(f"100 data queries raised in {time.perf_counter() - begin:.2f} s")
    after = head(site)
    assert centre.post(site.url("queries/warned/"), sent).status_code == 302
    assert head(site) == after
    raised = [f"{each.id}|{query}" for each in site.trial.subjects.values() for query in each.queries]
    assert len(raised) == 100
    sent = {"chosen": raised, "command": command()}
    for _ in range(2):
        assert centre.post(site.url("queries/close/"), sent).status_code == 302
    assert head(site) == after + 100
    assert all(query.status == "closed" for each in site.trial.subjects.values() for query in each.queries.values())


def test_a_bulk_act_needs_something_chosen(site, subject):
    """Nothing ticked, or more than fit: a sentence, and nothing written."""
    centre, before = site.client_for("data_manager"), head(site)
    for chosen in ([], [f"{subject}|Q{n:03d}" for n in range(201)]):
        answer = centre.post(site.url("queries/close/"), {"chosen": chosen, "command": command()}, follow=True)
        assert "note error" in answer.content.decode()
    assert head(site) == before


# ---------------------------------------------------------------- forms in bulk


def test_forms_are_verified_locked_and_unlocked_in_bulk(site, subject):
    """The monitor verifies, the data manager locks and unlocks with a reason; each refusal is told form by form."""
    keys = [f"{subject}|follow_up|1", f"{subject}|first_registration|1"]
    monitor, centre = site.client_for("monitor"), site.client_for("data_manager")

    def act(client, name, **more):
        return client.post(site.url("forms/"), {"act": name, "chosen": keys, "command": command(), **more}, follow=True)

    assert "2 forms: done" in act(monitor, "verify_form").content.decode()
    assert act(monitor, "lock_form").status_code == 403
    assert act(centre, "verify_form").status_code == 403
    assert "2 forms: done" in act(centre, "lock_form").content.decode()
    assert act(centre, "lock_form").content.decode().count("locked already") == 2
    assert act(centre, "unlock_form").content.decode().count("A reason is due") == 2
    assert "2 forms: done" in act(centre, "unlock_form", reason="to correct").content.decode()
    states = table(centre.get(site.url("forms/"), {"as": "csv"}))
    assert {(row["verified"], row["locked"]) for row in states} == {("True", "False")}


# ---------------------------------------------------------------- sites and accrual


def test_a_site_opens_and_closes(site, bench):
    """The data manager opens and closes sites and pauses accrual, each with what it needs; the coordinator does not."""
    centre = site.client_for("data_manager")
    opened = {"site": "s09", "name": "Hospital s09", "fictitious": "1", "command": command()}
    for _ in range(2):
        assert centre.post(site.url("sites/open_site/"), opened).status_code == 302
    assert site.trial.study.sites["s09"].fictitious
    for wrong in (
        {"site": "", "name": "x"},
        {"site": "a b", "name": "x"},
        {"site": "s10", "name": " "},
        {"site": "s01", "name": "x"},
    ):
        assert centre.post(site.url("sites/open_site/"), {**wrong, "command": command()}).status_code == 409
    refused = centre.post(site.url("sites/close_site/"), {"site": "s09", "reason": " ", "command": command()})
    assert refused.status_code == 409
    assert "A reason is due" in refused.content.decode()
    assert centre.post(site.url("sites/close_site/"), {"site": "s09", "reason": "left", "command": command()}).status_code == 302
    assert site.trial.study.sites["s09"].closed_at is not None
    assert (
        centre.post(site.url("sites/pause_accrual/"), {"stage": "first", "reason": "r", "command": command()}).status_code == 302
    )
    assert site.trial.study.paused == {"first"}
    assert "Accrual is paused" in centre.get(site.url("sites/")).content.decode()
    assert (
        centre.post(site.url("sites/resume_accrual/"), {"stage": "first", "reason": "r", "command": command()}).status_code == 302
    )
    assert site.trial.study.paused == frozenset()
    nurse = site.client_for("coordinator")
    for act in ("open_site", "close_site", "pause_accrual", "resume_accrual"):
        assert nurse.post(site.url(f"sites/{act}/"), {"site": "s01", "reason": "r", "command": command()}).status_code == 403
    assert centre.get(site.url("sites/drop_site/")).status_code == 400


def test_the_list_of_sites_says_what_each_may_know(site, subject):
    """The centre sees every site with its figures; a coordinator her own; an administrator the sites without their work."""
    site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, text="why"))
    rows = {row["site"]: row for row in table(site.client_for("data_manager").get(site.url("sites/"), {"as": "csv"}))}
    assert rows.keys() == {"s01", "s02", "s03"}
    mine = rows["s01"]
    assert (mine["subjects"], mine["open_queries"], mine["forms"], mine["corrections_per_form"]) == ("1", "1", "2", "0.0")
    assert mine["last_registration"] == "2024-06-10"
    (row,) = table(site.client_for("coordinator").get(site.url("sites/"), {"as": "csv"}))
    assert row["site"] == "s01"
    told = table(site.client_for("administrator").get(site.url("sites/"), {"as": "csv"}))
    assert {(row["subjects"], row["open_queries"], row["overdue"]) for row in told} == {("0", "", "")}


def test_accrual_counts_what_the_trial_counts(site, bench):
    """Registered and randomized by month equal the folded trial's, and the plan's line is that of the reports."""
    numbers = [site.register("s01"), site.register("s02"), site.register("s03")]
    site.randomize(numbers[0], "s01")
    site.submit(e.RegistrationAnnulled(subject=numbers[2], stage="first", reason="entered twice"))
    trial, today = site.trial, date(2024, 7, 15)
    progress = describe_progress(trial, today, None)
    protocol = trial.protocol
    datasets = derive(trial, Cut(through=trial.head.seq, up_to=today), software_version="0")
    report = describe_accrual(datasets, protocol)
    mine = [(m.day, m.registered, m.randomized, m.registered_planned, m.randomized_planned) for m in progress.months]
    theirs = [(m.day, m.registered, m.randomized, m.registered_planned, m.randomized_planned) for m in report.months]
    assert mine == theirs
    assert (progress.plan_end, progress.lag_days) == (report.planned_end, report.randomization_lag_days)
    assert planned(protocol, date(2030, 1, 1), 10, randomization_lag(protocol)) == 10
    client = site.client_for("trial_statistician")
    page = client.get(site.url("accrual/")).content.decode()
    assert "<svg" in page
    assert "style=" not in page
    assert not any(arm.title.en in page for arm in protocol.trial.arm)
    last = [row for row in table(client.get(site.url("accrual/"), {"as": "csv"})) if row["registered"]][-1]
    assert (last["registered"], last["randomized"]) == ("2", "1")


def test_a_site_sees_its_own_accrual_alone(site, bench):
    """A coordinator sees counts of her site, neither the trial's plan nor its prediction."""
    site.register("s01")
    site.register("s02")
    rows = table(site.client_for("coordinator").get(site.url("accrual/"), {"as": "csv"}))
    assert rows[-1]["registered"] == "1"
    assert {row["registered_planned"] for row in rows} == {""}
    assert {row["registered_median"] for row in rows} == {""}


def test_the_band_holds_what_the_model_says():
    """Equal sites at one a month: the median goes on at that pace, the band widens, and closed sites bring nothing."""
    sites = [SiteSoFar(subjects=12, days=365.0, is_open=True) for _ in range(10)]
    near, far = predict(sites, [30.0, 365.0])
    assert near.median in (9, 10)
    assert 118 <= far.median <= 121
    # A Poisson of mean 120 has 90% limits 102 and 138; the uncertain rate widens them (Var = 120 + 120).
    assert 90 <= far.low < 102
    assert 138 < far.high <= 150
    halved = [SiteSoFar(subjects=12, days=365.0, is_open=number < 5) for number in range(10)]
    assert 58 <= predict(halved, [365.0])[0].median <= 62
    assert predict([], [30.0]) == ()
    assert predict([SiteSoFar(subjects=0, days=90.0, is_open=True)], [30.0]) == ()
    assert predict([SiteSoFar(subjects=5, days=90.0, is_open=False)], [30.0]) == ()


def test_what_is_overdue_is_listed_by_site(site, subject, settings_at):
    """Half a year on the site's forms are overdue; the list names them, the leaders get counts without subjects."""
    with settings_at(datetime(2025, 1, 10, 1, 0, tzinfo=UTC)):
        rows = table(site.client_for("data_manager").get(site.url("overdue/"), {"as": "csv"}))
        assert rows
        assert {(row["site"], row["subject"]) for row in rows} == {("s01", subject)}
        assert all(int(row["days_overdue"]) > 0 for row in rows)
        chair = site.client_for("study_chair")
        page = chair.get(site.url("overdue/")).content.decode()
        assert subject not in page
        assert "s01" in page
        assert table(chair.get(site.url("overdue/"), {"as": "csv"})) == []


@pytest.fixture
def settings_at():
    """Let the clock stand elsewhere."""
    from django.test import override_settings

    return lambda instant: override_settings(OLIGAMI_REHEARSAL_AT=instant)


def test_the_first_page_counts(site, subject):
    """The cards of the data centre say what the lists behind them hold; without the right to a list there is no link."""
    site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, text="why"))
    page = site.client_for("data_manager").get(site.url("centre/"))
    figures = {card.title.en: card.figure for card in page.context["cards"]}
    assert (figures["Registered"], figures["Open sites"], figures["Open data queries"], figures["Unsigned forms"]) == (
        "1",
        "3",
        "1",
        "1",
    )
    assert figures["Warnings not asked about"] == "1"
    cards = site.client_for("study_chair").get(site.url("centre/")).context["cards"]
    assert {card.title.en: bool(card.address) for card in cards}["Open data queries"] is False


# ---------------------------------------------------------------- cuts, review, heads


def test_a_cut_lists_what_was_not_in_order(site, subject):
    """A cut is of all that is recorded; later signing or locking changes nothing of what was loose at it."""
    centre = site.client_for("data_manager")
    through = head(site)
    sent = {"cut": "dmc-1", "up_to": "2024-06-11", "purpose": "first look", "through": str(through), "command": command()}
    for _ in range(2):
        assert centre.post(site.url("cuts/"), sent).status_code == 302
    assert site.trial.study.cuts == {"dmc-1": (through, date(2024, 6, 11), "first look")}
    site.submit(e.FormLocked(subject=subject, form="follow_up", occurrence=1))
    site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, text="why"))
    page = centre.get(site.url("cuts/1/"))
    assert page.context["counts"] == {"unsigned": 1, "unlocked": 2, "open_queries": 0}
    rows = table(centre.get(site.url("cuts/1/"), {"as": "csv"}))
    assert {(row["form"], row["unsigned"]) for row in rows} == {("first_registration", "True"), ("follow_up", "False")}
    chair = site.client_for("study_chair").get(site.url("cuts/1/"))
    assert chair.context["counts"]["unlocked"] == 2
    assert subject not in chair.content.decode()
    for wrong in ({"cut": "a b"}, {"up_to": "soon"}, {"up_to": "2031-01-01"}, {"purpose": ""}, {"cut": "dmc-1"}):
        assert centre.post(site.url("cuts/"), {**sent, "cut": "dmc-2", **wrong, "command": command()}).status_code == 409
    assert centre.get(site.url("cuts/2/")).status_code == 404


def test_the_committee_alone_decides(site, bench):
    """Only the safety committee decides, in its words; a release must be said twice."""
    site.submit(e.CutTaken(cut="dmc-1", through=1, up_to=date(2024, 6, 1), purpose="look"))
    centre, committee = site.client_for("data_manager"), site.client_for("safety_committee")
    sent = {"decision": "continue", "text": "no concern"}
    assert centre.post(site.url("cuts/1/"), {**sent, "command": command()}).status_code == 403
    assert committee.post(site.url("cuts/1/"), {**sent, "command": command()}).status_code == 302
    assert site.trial.study.decisions == (("dmc-1", "continue", "no concern"),)
    assert committee.post(site.url("cuts/1/"), {"decision": "go on", "command": command()}).status_code == 409
    assert committee.post(site.url("cuts/1/"), {"decision": "release", "command": command()}).status_code == 409
    assert committee.post(site.url("cuts/1/"), {"decision": "release", "sure": "1", "command": command()}).status_code == 302
    assert site.trial.study.decisions[-1][1] == "release"
    assert "no concern" in committee.get(site.url("cuts/1/")).content.decode()
    assert (
        committee.post(site.url("cuts/"), {"cut": "x", "up_to": "2024-06-01", "purpose": "p", "command": command()}).status_code
        == 403
    )


def test_the_review_finds_what_was_seeded(site, bench, subject):
    """Each view finds its pattern: late, after a query, before a cut, many by one, at night, in heaps; and no more."""
    client, other = site.client_for("data_manager"), site.client_for("coordinator", "s02")
    day = datetime(2024, 8, 1, 2, 0, tzinfo=UTC)  # 11:00 in Japan
    site.submit(e.QueryRaised(subject=subject, query="Q001", form="follow_up", occurrence=1, item="remarks", text="why"))

    def correct(instant, text, item="remarks", occurrence=1):
        said = CorrectItems(
            subject=subject, form="follow_up", occurrence=occurrence, new={item: text}, reason="r", reasons={"*": "r"}
        )
        at(site, instant, said, author="c-many", seen=head(site))

    correct(day, "late, after the query")
    for minute in range(15):
        filled = SubmitForm(subject=subject, form="follow_up", values=PLAIN | {"contact_date": "2024-07-31"}, reasons={"*": "r"})
        at(site, day + timedelta(hours=1, minutes=minute), filled)
    for number in range(10):
        correct(day + timedelta(days=1, minutes=number), f"no {number}", occurrence=2 + number)
    correct(day + timedelta(days=1, hours=14), "at four in the night", occurrence=2)
    at(site, day + timedelta(days=5), e.CutTaken(cut="c1", through=head(site), up_to=date(2024, 7, 1), purpose="p"))
    counts = {view.id: count for view, count in client.get(site.url("review/")).context["views"]}
    assert counts == {"late": 1, "query": 1, "cut": 12, "person": 10, "night": 1, "mass": 15}
    (late,) = table(client.get(site.url("review/"), {"view": "late", "as": "csv"}))
    assert (late["subject"], late["items"], late["author"]) == (subject, "remarks", "c-many")
    assert "late, after" not in client.get(site.url("review/"), {"view": "late"}).content.decode()
    assert {count for _, count in other.get(site.url("review/")).context["views"]} == {0}


def test_a_head_is_published_as_it_is(site, bench):
    """The head that is shown is the one recorded; another seal than the record's is refused, and who may not is told."""
    centre = site.client_for("data_manager")
    standing = site.desk.journal.head()
    assert f"{standing.seq}:{standing.seal}" in centre.get(site.url("heads/")).content.decode().replace("\n", "")
    site.register()
    sent = {"head": f"{standing.seq}:{standing.seal}", "where": "registry office"}
    assert centre.post(site.url("heads/"), {**sent, "command": command()}).status_code == 302
    assert site.trial.study.published == ((standing.seq, standing.seal, "registry office"),)
    for wrong in ({"head": f"{standing.seq}:{'0' * 64}"}, {"head": "x"}, {"head": "99999:00"}, {"where": " "}):
        assert centre.post(site.url("heads/"), {**sent, **wrong, "command": command()}).status_code == 409
    assert site.client_for("study_chair").post(site.url("heads/"), {**sent, "command": command()}).status_code == 403
    assert site.desk.journal.verify().ok
