"""The ledger is the trial in rows: posted command by command or rebuilt, it is the same."""

from itertools import groupby, islice

import pytest
from django.db import transaction

from oligami.journal import entries as e
from oligami.journal.store import FileJournal
from oligami.trial.commands import CorrectItems, RedactBody, SubmitForm
from oligami.trial.fold import fold
from oligami.trial.state import Trial
from oligami.web.ledger import models, post
from oligami.web.ledger.rows import STATES, STATUSES

TABLES = (models.Site, models.Subject, models.Registration, models.Form, models.DataQuery, models.Posted)


def rows(alias):
    """All rows of the ledger, without the numbers the database gives them."""
    found = {}
    for table in TABLES:
        found[table.__name__] = sorted(
            ({name: value for name, value in row.items() if name != "id"} for row in table.objects.using(alias).values()),
            key=repr,
        )
    return found


def test_posted_and_rebuilt_ledger_are_the_same_row_for_row(database, simulated):
    """A simulated trial posted command by command has the rows of the ledger rebuilt from its end."""
    trial = Trial()
    commands = groupby(FileJournal(simulated).records(), key=lambda record: record.stamp.command)
    while batch := [list(records) for _, records in islice(commands, 50)]:
        with transaction.atomic(using=database.alias):
            for records in batch:
                before, trial = trial, fold(records, trial)
                post.post(before, trial, trial="jcog2110", using=database.alias)
    posted = rows(database.alias)
    post.rebuild(trial, using=database.alias)
    assert rows(database.alias) == posted
    assert len(posted["Subject"]) == len(trial.subjects) > 20
    assert len(posted["Form"]) == sum(len(subject.forms) for subject in trial.subjects.values()) > 300
    assert len(posted["DataQuery"]) == sum(len(subject.queries) for subject in trial.subjects.values()) > 10
    assert {"submitted", "verified", "signed"} <= {row["state"] for row in posted["Form"]} <= set(STATES)
    assert {row["status"] for row in posted["Subject"]} <= set(STATUSES)
    assert sum(row["subjects"] for row in posted["Site"]) == len(trial.subjects)
    assert sum(row["randomized"] for row in posted["Site"]) == trial.allocated


@pytest.fixture
def fill(bench, desk):
    """How a form is filled."""

    def act(form, values, subject="S-0001"):
        return desk.submit(SubmitForm(subject=subject, form=form, values=values), bench.asked())

    return act


def test_each_act_shows_in_its_row(bench, database, desk, fill):
    """Submission, query, answer, closing, verification, signature, correction and lock move a form's row as they should."""
    from oligami.trial.decide import shown_digest

    def form():
        return models.Form.objects.using(database.alias).get(form="follow_up")

    def say(entry, **who):
        return desk.submit(entry, bench.asked(**who))

    place = {"subject": "S-0001", "form": "follow_up", "occurrence": 1}
    desk.submit(bench.first("s01"), bench.asked())
    fill("follow_up", {"contact_date": "2024-06-10", "vital_status": "alive"})
    assert (form().state, form().site, form().open_queries, form().corrections) == ("submitted", "s01", 0, 0)
    say(e.QueryRaised(query="q1", text="Which day?", **place))
    assert form().open_queries == models.Subject.objects.using(database.alias).get().open_queries == 1
    say(e.QueryAnswered(subject="S-0001", query="q1", text="That one"))
    assert models.DataQuery.objects.using(database.alias).get().status == "answered"
    assert form().open_queries == 1
    say(e.QueryClosed(subject="S-0001", query="q1"))
    assert form().open_queries == 0
    say(e.FormVerified(**place), role="monitor")
    assert form().state == "verified"
    state = desk.trial.subjects["S-0001"].forms["follow_up", 1]
    say(e.FormSigned(meaning="endorsed", shown=shown_digest(state.values), **place))
    assert (form().state, form().verified, form().signed) == ("signed", True, True)
    fix = CorrectItems(new={"contact_date": "2024-06-11"}, reason="typed wrongly", **place)
    changed = desk.submit(fix, bench.asked(seen=desk.trial.head.seq)).records[-1]
    # What was endorsed is no longer what stands there.
    assert (form().state, form().verified, form().signed, form().corrections) == ("submitted", False, False, 1)
    assert (form().seq, form().changed_at) == (changed.seq, changed.stamp.recorded_at)
    say(e.FormLocked(**place))
    assert form().state == "locked"
    say(e.FormUnlocked(reason="a mistake", **place))
    assert form().state == "submitted"


def test_a_subjects_row_tells_where_it_stands(bench, database, desk, fill):
    """Registered, randomized with arm and date, withdrawn, died, annulled: the last word by the order of `STATUSES`."""

    def subject():
        return models.Subject.objects.using(database.alias).get(subject="S-0001")

    desk.submit(bench.first("s01"), bench.asked())
    assert (subject().status, subject().arm) == ("registered", None)
    arm = desk.submit(bench.second("S-0001", "s01"), bench.asked()).entries[-1].arm
    assert (subject().status, subject().arm, str(subject().randomization_date)) == ("randomized", arm, "2024-06-11")
    stages = (
        models.Registration.objects.using(database.alias).order_by("seq").values_list("stage", "registration_date", "annulled")
    )
    assert [(stage, str(day), annulled) for stage, day, annulled in stages] == [
        ("first", "2024-06-10", False),
        ("second", "2024-06-11", False),
    ]
    for scope, status in (("treatment", "randomized"), ("follow_up", "withdrawn")):
        withdrawn = e.ConsentWithdrawn(subject="S-0001", scope=scope, withdrawal_date=stages[1][1])
        desk.submit(withdrawn, bench.asked())
        assert subject().status == status
    site = models.Site.objects.using(database.alias).get(site="s01")
    assert (site.subjects, site.randomized) == (1, 1)
    for stage in ("second", "first"):
        desk.submit(e.RegistrationAnnulled(subject="S-0001", stage=stage, reason="wrong person"), bench.asked())
    assert subject().status == "annulled"
    desk.submit(e.SiteClosed(site="s01", reason="left"), bench.asked())
    site.refresh_from_db()
    assert (site.subjects, site.randomized) == (0, 0)
    assert site.closed_at == desk.trial.head.at
    desk.submit(bench.first("s02"), bench.asked())
    fill("death", {"death_date": "2024-07-01", "cause": "breast_cancer"}, subject="S-0002")
    assert models.Subject.objects.using(database.alias).get(subject="S-0002").status == "died"


@pytest.mark.parametrize(
    "damage", ["DELETE FROM ledger_posted", "UPDATE ledger_posted SET layout = 0", "UPDATE ledger_posted SET seq = 2"]
)
def test_a_ledger_left_behind_is_made_anew_with_the_next_command(bench, database, desk, damage):
    """A ledger that was dropped, of an older layout or left behind is rebuilt in the transaction of the next command."""
    desk.submit(bench.first("s01"), bench.asked())
    database.execute("DELETE FROM ledger_form")
    database.execute(damage)
    desk.submit(bench.first("s02"), bench.asked())
    posted = rows(database.alias)
    assert len(posted["Form"]) == 2
    post.rebuild(desk.trial, using=database.alias)
    assert rows(database.alias) == posted


def test_one_trials_ledger_leaves_the_others_alone(bench, database, desk, jcog):
    """Rebuilding a trial touches no row of another."""
    desk.submit(bench.first("s01"), bench.asked())
    models.Site.objects.using(database.alias).create(
        trial="other", site="s01", name="x", fictitious=True, opened_at=desk.trial.head.at, subjects=9, randomized=9
    )
    post.rebuild(desk.trial, using=database.alias)
    assert models.Site.objects.using(database.alias).get(trial="other").subjects == 9


def test_a_redaction_reaches_the_ledger(bench, database, desk):
    """The text of a query goes from its row with the record's body, and a rebuild gives the same."""
    desk.submit(bench.first("s01"), bench.asked())
    raised = e.QueryRaised(subject="S-0001", query="q1", form="first_registration", occurrence=1, text="Is it Mrs. Sato?")
    record = desk.submit(raised, bench.asked()).records[-1]
    desk.redact(RedactBody(record=record.seq, texts=("Mrs. Sato",), reason="a name"), bench.asked())
    posted = rows(database.alias)
    assert [row["text"] for row in posted["DataQuery"]] == ["[redacted]"]
    post.rebuild(desk.trial, using=database.alias)
    assert rows(database.alias) == posted
