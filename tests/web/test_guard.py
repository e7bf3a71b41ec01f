"""The guard of the desk: who may not, writes nothing; and the command by which the operator makes the first administrator."""

import secrets
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from oligami.journal import entries as e
from oligami.trial import rights
from oligami.trial.commands import RedactBody, SubmitForm
from oligami.trial.refused import Refused
from oligami.web import desk as desk_module
from oligami.web.accounts.models import Account
from oligami.web.desk import Desk

CONTACT = {"contact_date": "2024-06-10", "vital_status": "alive"}


@pytest.fixture
def guarded(bench, desk):
    """A guarded desk of the trial that `desk` opened, with a coordinator at s01, a data manager and an administrator."""
    for person, role, site in (("c", "coordinator", "s01"), ("m", "data_manager", None), ("a", "administrator", None)):
        desk.submit(e.RoleGranted(person=person, role=role, site=site), bench.asked())
    return Desk(desk.journal.trial, using=desk.journal.using, secrets=desk._secrets, guard=rights.against)


def refused(desk, submit, command, who):
    """The rules for which a command is refused; neither the records nor the head nor the read tables changed."""
    before = (list(desk.journal.records()), desk.journal.head(), desk.trial)
    with pytest.raises(Refused) as caught:
        submit(command, who)
    assert (list(desk.journal.records()), desk.journal.head(), desk.trial) == before
    assert caught.value.what == rights.name_of(command, desk.trial)
    assert all(reason.text["ja"] and reason.text["en"] for reason in caught.value.reasons)
    return [reason.rule for reason in caught.value.reasons]


def test_what_a_role_may_is_done_and_what_it_may_not_leaves_no_trace(bench, guarded):
    """At one's own site the desk writes; at another's, in a role one has not, or without any, it writes nothing."""
    coordinator = {"author": "c", "role": "coordinator"}
    subject = guarded.submit(bench.first("s01"), bench.asked(**coordinator)).entries[-1].subject
    follow_up = SubmitForm(subject=subject, form="follow_up", values=CONTACT)
    assert refused(guarded, guarded.submit, bench.first("s02"), bench.asked(**coordinator)) == ["rights.register_first"]
    assert refused(guarded, guarded.submit, bench.second(subject, "s01"), bench.asked(**coordinator)) == ["rights.register_next"]
    manager = bench.asked(author="m", role="data_manager")
    assert refused(guarded, guarded.submit, follow_up, manager) == ["rights.submit_form"]
    assert refused(guarded, guarded.submit, bench.first("s01"), manager) == ["rights.telephone"]
    stranger = bench.asked(author="x", role="investigator")
    assert refused(guarded, guarded.submit, follow_up, stranger) == ["rights.role_not_held"]
    redaction = RedactBody(record=1, texts=["a"], reason="r")
    assert refused(guarded, guarded.redact, redaction, bench.asked(**coordinator)) == ["rights.redact_body"]


def test_a_refused_command_may_be_sent_again_by_one_who_may(bench, guarded):
    """A refusal keeps no answer: once the role is granted the same command id goes through; once revoked, it counts no more."""
    who = bench.asked(author="x", role="coordinator")
    administrator = {"author": "a", "role": "administrator"}
    assert refused(guarded, guarded.submit, bench.first("s02"), who) == ["rights.role_not_held"]
    guarded.submit(e.RoleGranted(person="x", role="coordinator", site="s02"), bench.asked(**administrator))
    assert not guarded.submit(bench.first("s02"), who).repeated
    revoked = e.RoleRevoked(person="x", role="coordinator", site="s02", reason="left")
    guarded.submit(revoked, bench.asked(**administrator))
    later = bench.asked(author="x", role="coordinator")
    assert refused(guarded, guarded.submit, bench.first("s02"), later) == ["rights.role_not_held"]


def test_a_role_revoked_by_another_process_counts_no_more(bench, desk, guarded):
    """The guard asks the trial as it stands in the command's own turn, not as this process last saw it."""
    assert guarded.trial.study.roles
    desk.submit(e.RoleRevoked(person="c", role="coordinator", site="s01", reason="left"), bench.asked())
    with pytest.raises(Refused, match=r"rights\.role_not_held"):
        guarded.submit(bench.first("s01"), bench.asked(author="c", role="coordinator"))


def test_the_pages_desk_is_guarded(monkeypatch, tmp_path, settings_of_secrets):
    """`open_desk` hands out no desk without the rights."""
    made = {}
    monkeypatch.setattr(desk_module, "Desk", lambda trial, **given: made.update(given))
    desk_module.open_desk.cache_clear()
    desk_module.open_desk("a")
    desk_module.open_desk.cache_clear()
    assert made["guard"] is rights.against


@pytest.fixture
def settings_of_secrets(tmp_path):
    """Settings whose folder of secrets is empty."""
    from django.test import override_settings

    with override_settings(OLIGAMI_SECRETS=tmp_path):
        yield


@pytest.fixture
def appoint(database, desk):
    """What the command `appoint` answers, on the trial of the desk."""

    def run(*words, **options):
        out = StringIO()
        call_command("appoint", desk.journal.trial, *words, database=database.owner, stdout=out, **options)
        return out.getvalue()

    return run


@pytest.fixture
def account(database):
    """An account of somebody who holds no role."""
    call_command("migrate", "accounts", database=database.owner, verbosity=0)
    account = Account(username="office", email="office@example.org")
    account.set_unusable_password()
    account.save(using=database.owner)
    return account


def test_the_operator_appoints_the_first_administrator(bench, desk, appoint, account):
    """The grant is recorded as the operator's, in both languages; the administrator then grants through the guarded desk."""
    assert "office is administrator" in appoint("office", "administrator", lang="en")
    *_, record = desk.journal.records()
    assert record.entry == e.RoleGranted(person=account.person, role="administrator")
    assert (record.stamp.author, record.stamp.role) == ("operator", "operator")
    guarded = Desk(desk.journal.trial, using=desk.journal.using, guard=rights.against)
    who = bench.asked(author=account.person, role="administrator")
    guarded.submit(e.RoleGranted(person="x", role="monitor"), who)
    assert ("x", "monitor", None) in guarded.trial.study.roles
    forged = bench.asked(author="operator", role="operator")
    assert refused(guarded, guarded.submit, e.RoleGranted(person="x", role="inspector"), forged) == ["rights.role_not_held"]


def test_the_operator_makes_no_impossible_grant(desk, appoint, account):
    """No account, no such role, no site, a site not opened, a role held already: refused in the language asked for."""
    appoint(account.person, "coordinator", site="s01", lang="ja")
    head = desk.journal.head()
    for words, options, said in (
        (("nobody", "administrator"), {"lang": "en"}, "no account of nobody"),
        (("office", "owner"), {"lang": "en"}, "no role owner"),
        (("office", "investigator"), {"lang": "ja"}, "施設を指定してください"),
        (("office", "investigator"), {"lang": "en", "site": "s99"}, "has not been opened"),
        (("office", "coordinator"), {"lang": "en", "site": "s01"}, "held already"),
        (("office", "administrator"), {"lang": "en"}, "cannot be administrator as well"),
    ):
        with pytest.raises(CommandError, match=said):
            appoint(*words, **options)
    assert desk.journal.head() == head


def test_a_name_that_is_anothers_id_appoints_nobody(appoint, account, database):
    """Whoever takes another's id for a user name does not get the other's role."""
    Account(username=account.person, email=f"{secrets.token_hex(4)}@example.org").save(using=database.owner)
    with pytest.raises(CommandError, match="別々のアカウント"):
        appoint(account.person, "administrator", lang="ja")
