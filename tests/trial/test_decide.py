"""Every command: accepted once, refused with its reasons, and never without a record."""

from dataclasses import replace
from datetime import date, timedelta
from typing import get_args

import pytest

from oligami.journal import entries as e
from oligami.protocol.digest import with_digest
from oligami.trial.commands import ActivateProtocol, Command, CorrectItems, RedactBody, Register, SubmitForm
from oligami.trial.decide import decide, shown_digest
from oligami.trial.draws import commitment

DAY = date(2024, 6, 10)
AHEAD = date(2024, 6, 20)
NEXT_SECRET = bytes(range(1, 33))
FORM = {"subject": "S-0001", "form": "follow_up", "occurrence": 1}
CONTACT = {"contact_date": "2024-06-10", "vital_status": "alive", "remarks": "well"}
NO_FORM = {"subject": "S-0001", "form": "follow_up", "occurrence": 7}
NOBODY = {"subject": "S-0009", "form": "follow_up", "occurrence": 1}


@pytest.fixture
def ready(bench):
    """A trial with one of everything: a subject randomized, a form filled, a query open, a cut, a role, a paused stage."""
    bench.first()
    bench.second("S-0001")
    bench.fill("S-0001", "follow_up", CONTACT)
    bench.say(e.QueryRaised(**FORM, query="q1", text="Which day?"))
    bench.say(e.QueryRaised(**FORM, query="q2", text="Which clinic?"))
    bench.say(e.QueryClosed(subject="S-0001", query="q2"))
    bench.say(e.CutTaken(cut="spring", through=3, up_to=DAY, purpose="monitoring"))
    bench.say(e.RoleGranted(person="p1", role="coordinator", site="s01"))
    bench.say(e.SiteOpened(site="s09", name="Hospital nine"))
    bench.say(e.SiteClosed(site="s09", reason="left"))
    bench.say(e.AccrualPaused(stage="second", reason="supply"))
    bench.fill("S-0001", "follow_up", CONTACT)
    bench.say(e.FormLocked(subject="S-0001", form="follow_up", occurrence=2))
    bench.first()
    bench.say(ActivateProtocol(protocol=with_digest(replace(bench.protocol, version="1.1")), per_site=True))
    return bench


def contradictory(protocol):
    """The protocol with a rule of allocation that cannot be: the better arm is the less likely one."""
    return replace(protocol, allocation=replace(protocol.allocation, p_best=0.2))


def test_activation_commits_the_secret_in_the_same_act(ready):
    """A commitment that comes with the activation is one record after it, under the same command, from the next draw on."""
    second = replace(ready.protocol, version="2.0", digest="2" * 64)
    receipt = ready.say(ActivateProtocol(protocol=second, commitment=commitment(NEXT_SECRET)))
    activated, committed = receipt.entries
    assert isinstance(activated, e.ProtocolActivated)
    assert committed == e.SecretCommitted(commitment=commitment(NEXT_SECRET), from_k=ready.trial.allocated + 1)
    assert len({record.stamp.command for record in receipt.records}) == 1


def cases(bench):
    """For each kind of command one that is carried out, and some that are refused with the rules that say why."""
    signed = e.FormSigned(**FORM, meaning="endorsed", shown=shown_digest(bench.subject().values("follow_up")))
    second = replace(bench.protocol, version="2.0", digest="2" * 64)
    return {
        ActivateProtocol: (
            ActivateProtocol(protocol=second, reason="amendment 1"),
            [
                (ActivateProtocol(protocol=bench.protocol), ["protocol.again"]),
                (ActivateProtocol(protocol=replace(bench.protocol, digest="3" * 64)), ["protocol.frozen"]),
                (ActivateProtocol(protocol=contradictory(second), commitment="ABC"), ["protocol.allocation", "secret.form"]),
            ],
        ),
        Register: (
            Register(stage="first", site="s01", values=bench.FIRST),
            [(Register(stage="first", site="s09", values=bench.FIRST), ["site.closed"])],
        ),
        SubmitForm: (
            SubmitForm(subject="S-0001", form="follow_up", values=CONTACT),
            [(SubmitForm(subject="S-0009", form="follow_up", values=CONTACT), ["subject.unknown"])],
        ),
        CorrectItems: (
            CorrectItems(**FORM, new={"remarks": "better"}, reason="heard since"),
            [(CorrectItems(**FORM, new={"remarks": "better"}, reason=""), ["correction.reason"])],
        ),
        e.ProtocolAdopted: (
            e.ProtocolAdopted(site="s01", version="1.1", from_date=AHEAD, reason="the committee approved"),
            [
                (e.ProtocolAdopted(site="s77", version="1.1", from_date=date(2024, 6, 1)), ["site.unknown", "adoption.past"]),
                (e.ProtocolAdopted(version="1.0", from_date=AHEAD), ["adoption.whole_trial"]),
            ],
        ),
        e.RecordRevised: (
            e.RecordRevised(changes={"central_contact.0.name": "Study office"}, reason="moved"),
            [(e.RecordRevised(changes={}, reason=""), ["record.nothing", "reason.missing"])],
        ),
        e.SecretCommitted: (
            e.SecretCommitted(commitment=commitment(NEXT_SECRET), from_k=2),
            [
                (e.SecretCommitted(commitment="ABC", from_k=1), ["secret.form", "secret.from_k"]),
                (e.SecretCommitted(commitment=commitment(bench.SECRET), from_k=2), ["secret.again"]),
            ],
        ),
        e.SecretOpened: (
            e.SecretOpened(commitment=commitment(bench.SECRET), secret=bench.SECRET.hex()),
            [
                (e.SecretOpened(commitment="0" * 64, secret=bench.SECRET.hex()), ["secret.unknown"]),
                (e.SecretOpened(commitment=commitment(bench.SECRET), secret="no"), ["secret.form"]),
                (e.SecretOpened(commitment=commitment(bench.SECRET), secret=NEXT_SECRET.hex()), ["secret.other"]),
            ],
        ),
        e.SiteOpened: (e.SiteOpened(site="s03", name="Third"), [(e.SiteOpened(site="s01", name="First"), ["site.again"])]),
        e.SiteClosed: (
            e.SiteClosed(site="s02", reason="left"),
            [
                (e.SiteClosed(site="s77", reason=" "), ["site.unknown", "reason.missing"]),
                (e.SiteClosed(site="s09", reason="left"), ["site.again"]),
            ],
        ),
        e.RoleGranted: (
            e.RoleGranted(person="p2", role="monitor"),
            [
                (e.RoleGranted(person="p1", role="coordinator", site="s01"), ["role.again"]),
                (e.RoleGranted(person="p2", role="coordinator", site="s77"), ["site.unknown"]),
            ],
        ),
        e.RoleRevoked: (
            e.RoleRevoked(person="p1", role="coordinator", site="s01"),
            [(e.RoleRevoked(person="p1", role="monitor"), ["role.none"])],
        ),
        e.AccrualPaused: (
            e.AccrualPaused(reason="review"),
            [
                (e.AccrualPaused(stage="frist", reason=""), ["stage.unknown", "reason.missing"]),
                (e.AccrualPaused(stage="second", reason="again"), ["accrual.paused"]),
            ],
        ),
        e.AccrualResumed: (
            e.AccrualResumed(stage="second", reason="supply is back"),
            [(e.AccrualResumed(reason=""), ["accrual.running", "reason.missing"])],
        ),
        e.CutTaken: (
            e.CutTaken(cut="autumn", through=5, up_to=DAY, purpose="monitoring"),
            [(e.CutTaken(cut="spring", through=9999, up_to=DAY, purpose="monitoring"), ["cut.again", "cut.through"])],
        ),
        e.MonitoringDecided: (
            e.MonitoringDecided(cut="spring", decision="continue"),
            [(e.MonitoringDecided(cut="winter", decision="continue"), ["cut.unknown"])],
        ),
        e.HeadPublished: (
            e.HeadPublished(record=bench.trial.head.seq, seal=bench.trial.head.seal, where="by e-mail"),
            [
                (e.HeadPublished(record=9999, seal="0" * 64, where="by e-mail"), ["head.record"]),
                (e.HeadPublished(record=bench.trial.head.seq, seal="0" * 64, where="by e-mail"), ["head.seal"]),
            ],
        ),
        e.ExportMade: (
            e.ExportMade(what="tables", purpose="committee", recipient="chair", digest="0" * 64),
            [(e.ExportMade(what="tables", purpose=" ", recipient="", digest="0" * 64), ["export.incomplete"] * 2)],
        ),
        e.ConsentGiven: (
            e.ConsentGiven(subject="S-0001", document="2.0", consent_date=DAY),
            [
                (e.ConsentGiven(subject="S-0009", document="2.0", consent_date=DAY), ["subject.unknown"]),
                (e.ConsentGiven(subject="S-0001", document=" ", consent_date=AHEAD), ["date.ahead", "consent.document"]),
            ],
        ),
        e.AllocationMarkedInError: (
            e.AllocationMarkedInError(subject="S-0001", k=1, reason="randomized twice"),
            [(e.AllocationMarkedInError(subject="S-0001", k=2, reason=""), ["allocation.unknown", "reason.missing"])],
        ),
        e.QueryRaised: (
            e.QueryRaised(**FORM, query="q3", item="contact_date", text="Which day?"),
            [
                (e.QueryRaised(**FORM, query="q1", item="contct_date", text=" "), ["query.again", "query.text", "item.unknown"]),
                (e.QueryRaised(**NO_FORM, query="q3", text="Which day?"), ["form.not_filled"]),
                (e.QueryRaised(**NOBODY, query="q3", text="Which day?"), ["subject.unknown"]),
            ],
        ),
        e.QueryAnswered: (
            e.QueryAnswered(subject="S-0001", query="q1", text="Monday"),
            [
                (e.QueryAnswered(subject="S-0001", query="q2", text=""), ["query.closed", "query.text"]),
                (e.QueryAnswered(subject="S-0001", query="q7", text="Monday"), ["query.unknown"]),
            ],
        ),
        e.QueryClosed: (
            e.QueryClosed(subject="S-0001", query="q1"),
            [(e.QueryClosed(subject="S-0001", query="q2"), ["query.closed"])],
        ),
        e.FormVerified: (e.FormVerified(**FORM), [(e.FormVerified(**NO_FORM), ["form.not_filled"])]),
        e.FormSigned: (signed, [(replace(signed, shown="0" * 64), ["signature.shown"])]),
        e.FormLocked: (
            e.FormLocked(**FORM),
            [(e.FormLocked(subject="S-0001", form="follow_up", occurrence=2), ["form.locked"])],
        ),
        e.FormUnlocked: (
            e.FormUnlocked(subject="S-0001", form="follow_up", occurrence=2, reason="a late result"),
            [(e.FormUnlocked(**FORM, reason=""), ["form.unlocked", "reason.missing"])],
        ),
        e.SafetyReported: (
            e.SafetyReported(**FORM, report="first", category="serious", aware_date=DAY, recipients=("chair",)),
            [(e.SafetyReported(**FORM, report="first", category="serious", aware_date=AHEAD), ["date.ahead"])],
        ),
        e.DeviationGraded: (
            e.DeviationGraded(subject="S-0001", rule="schedule.ct", grade="deviation", text="CT a week late"),
            [
                (
                    e.DeviationGraded(subject="S-0001", rule="schedule.ct", grade="bad", text="", form="surgery"),
                    ["deviation.grade", "form.not_filled", "deviation.text"],
                )
            ],
        ),
        e.ConsentWithdrawn: (
            e.ConsentWithdrawn(subject="S-0001", scope="treatment", withdrawal_date=DAY),
            [(e.ConsentWithdrawn(subject="S-0001", scope="all", withdrawal_date=AHEAD), ["date.ahead", "consent.scope"])],
        ),
        e.RegistrationAnnulled: (
            e.RegistrationAnnulled(subject="S-0002", stage="first", reason="entered twice"),
            [(e.RegistrationAnnulled(subject="S-0002", stage="second", reason=""), ["stage.none", "reason.missing"])],
        ),
    }


def all_commands():
    """Every class of the union of commands."""
    return [kind for part in get_args(Command) for kind in (get_args(part) or (part,))]


@pytest.mark.parametrize("kind", all_commands(), ids=lambda kind: kind.__name__)
def test_every_command_leaves_a_record_or_a_reason(ready, kind):
    """Each kind of command is refused with all its reasons and leaves nothing, or is carried out and leaves records of its own."""
    accepted, refused = cases(ready)[kind]
    assert refused
    for command, rules in refused:
        assert ready.rules_against(command) == rules
    before = ready.trial.head.seq
    receipt = ready.say(accepted, author="investigator-8", role="data_manager", caller="investigator s01")
    assert len(receipt.records) >= 1
    assert [record.seq for record in receipt.records] == list(range(before + 1, ready.trial.head.seq + 1))
    for record in receipt.records:
        assert (record.stamp.author, record.stamp.role) == ("investigator-8", "data_manager")
        assert (record.stamp.caller, record.stamp.recorded_at.utcoffset()) == ("investigator s01", timedelta(0))
    if not isinstance(accepted, ActivateProtocol | Register | SubmitForm | CorrectItems):
        assert receipt.entries == (accepted,)


@pytest.mark.parametrize(
    "command",
    [
        Register(stage="first", site="s01", values={}),
        SubmitForm(subject="S-0001", form="follow_up", values={}),
        CorrectItems(**FORM, new={}, reason="r"),
        e.SiteOpened(site="s01", name="Hospital"),
        e.SecretCommitted(commitment="0" * 64),
        e.QueryClosed(subject="S-0001", query="q1"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_is_said_before_a_protocol_is_in_force(make_bench, jcog, command):
    """In an empty journal every command but the activation is refused."""
    assert make_bench(jcog).rules_against(command) == ["protocol.none"]


@pytest.mark.parametrize(
    "entry",
    [
        e.Registered(subject="S-0001", stage="first", site="s01", registration_date=DAY, protocol_version="1.0"),
        e.FormSubmitted(subject="S-0001", form="follow_up", occurrence=1, values={}, protocol_version="1.0"),
        e.BodyRedacted(record=1, reason="r", remainder={}),
        RedactBody(record=1, texts=("x",), reason="r"),
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_what_is_the_systems_to_say_is_no_command(ready, entry):
    """A verdict, an arm, a form's record or a redaction cannot be slipped in as a command."""
    before = ready.journal.head()
    with pytest.raises(TypeError, match="is no command"):
        decide(entry, ready.trial, ready.stamp())
    assert ready.journal.head() == before


def test_another_trials_protocol_is_refused(ready, tiny):
    """A journal belongs to one trial."""
    assert ready.rules_against(ActivateProtocol(protocol=tiny)) == ["protocol.other_trial"]


def test_an_amendment_is_in_force_from_its_record_on(ready):
    """What is filled after an amendment names the new version; what was filled before keeps its own."""
    ready.say(ActivateProtocol(protocol=replace(ready.protocol, version="2.0", digest="2" * 64), reason="amendment 1"))
    ready.fill("S-0001", "follow_up", CONTACT)
    forms = ready.subject().of_form("follow_up")
    assert [form.protocol_version for form in forms] == ["1.0", "1.0", "2.0"]
    assert list(ready.trial.study.versions) == ["1.0", "1.1", "2.0"]


def test_a_signature_holds_for_what_was_shown(ready):
    """A form that changed after it was shown is not signed, and a later change ends a signature."""
    shown = ready.subject().forms["follow_up", 1].seq
    sign = e.FormSigned(**FORM, meaning="endorsed", shown=shown_digest(ready.subject().values("follow_up")))
    ready.say(sign, seen=shown)
    assert ready.subject().forms["follow_up", 1].is_signed
    ready.say(CorrectItems(**FORM, new={"remarks": "better"}, reason="heard since"))
    assert not ready.subject().forms["follow_up", 1].is_signed
    assert ready.rules_against(sign, seen=shown) == ["form.changed_since", "signature.shown"]


def test_a_locked_form_takes_no_correction_until_it_is_unlocked(ready):
    """Lock and unlock are recorded acts; between them the values stand."""
    fix = CorrectItems(subject="S-0001", form="follow_up", occurrence=2, new={"remarks": "better"}, reason="heard since")
    assert ready.rules_against(fix) == ["form.locked"]
    ready.say(e.FormUnlocked(subject="S-0001", form="follow_up", occurrence=2, reason="a late result"))
    ready.say(fix)
    assert ready.subject().values("follow_up", 2)["remarks"] == "better"


def test_a_secret_is_opened_once(ready):
    """An opened secret stands open; opening it again is refused."""
    opening = e.SecretOpened(commitment=commitment(ready.SECRET), secret=ready.SECRET.hex())
    ready.say(opening)
    assert ready.trial.commitment(1).opened == ready.SECRET.hex()
    assert ready.rules_against(opening) == ["secret.opened"]


def test_a_new_secret_takes_over_from_the_next_draw(make_bench, jcog):
    """After a rotation the old secret draws nothing more, and the earlier draws still belong to it."""
    bench = make_bench(jcog).open()
    one, two = bench.first(), bench.first()
    bench.second(one)
    bench.say(e.SecretCommitted(commitment=commitment(NEXT_SECRET), from_k=2))
    ask = Register(stage="second", site="s01", subject=two, values=bench.SECOND)
    assert bench.rules_against(ask) == ["randomization.secret_absent"]
    after = make_bench(jcog, secret=NEXT_SECRET, journal=bench.journal)
    after.said = bench.said
    assert after.say(ask).entries[-1].k == 2
    assert [after.trial.commitment(k).commitment for k in (1, 2)] == [commitment(bench.SECRET), commitment(NEXT_SECRET)]


def test_refusals_name_the_subject_and_never_an_identity(ready):
    """A refusal can be read alone: it names what was asked and of whom, and no birth date."""
    refused = ready.refuse(e.QueryClosed(subject="S-0001", query="q2"))
    assert refused.text("en").splitlines()[0] == "Closing of a data query (S-0001) refused:"
    assert refused.text("ja").splitlines()[0] == "問合せの終了（S-0001）はできません:"
    bad = ready.refuse(Register(stage="first", site="s01", values={**ready.FIRST, "birth_date": "1968-33-15"}))
    assert "1968" not in bad.text("en") + bad.text("ja")
