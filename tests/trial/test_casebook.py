"""Filling and correcting forms: what is asked for, what stays, what is refused."""

import pytest

from oligami.journal import entries as e
from oligami.trial.commands import CorrectItems, SubmitForm


def correct(subject, form, new, reason="misread", occurrence=1, **more):
    """A correction."""
    return CorrectItems(subject=subject, form=form, occurrence=occurrence, new=new, reason=reason, **more)


@pytest.fixture
def registered(bench):
    """A bench with one subject registered."""
    bench.first()
    return bench


@pytest.fixture
def randomized(registered):
    """A bench with one subject randomized."""
    registered.second("S-0001")
    return registered


def test_a_form_is_kept_as_entered(registered):
    """A filled form stands with its values, its visit and the version of the protocol in force."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    state = registered.subject().forms["systemic_therapy", 1]
    assert dict(state.values) == dict(registered.THERAPY)
    assert (state.protocol_version, state.seq, state.changes) == ("1.0", registered.trial.head.seq, ())


def test_a_soft_check_asks_for_a_reason(registered):
    """A soft check is refused without a reason of its own, and stands with it in the record."""
    values = registered.THERAPY | {"therapy_start_date": "2024-06-01"}
    rule = "forms.systemic_therapy.starts_after_registration"
    ask = SubmitForm(subject="S-0001", form="systemic_therapy", values=values)
    assert registered.rules_against(ask) == [rule]
    other = SubmitForm(subject="S-0001", form="systemic_therapy", values=values, reasons={"forms.other": "yes"})
    assert registered.rules_against(other) == [rule]
    (entry,) = registered.fill("S-0001", "systemic_therapy", values, reasons={rule: "began before"}).entries
    assert entry.warnings == [{"check": rule, "reason": "began before"}]


def test_a_reason_of_its_own_goes_before_the_general_one(registered):
    """`*` answers every check that has no reason of its own, and no check whose own reason is given."""
    values = registered.THERAPY | {"therapy_start_date": "2024-06-01", "cdk_agent": None}
    started, named = "forms.systemic_therapy.starts_after_registration", "forms.systemic_therapy.cdk_agent_named"
    reasons = {"*": "confirmed", started: "began before", named: ""}
    entry = registered.fill("S-0001", "systemic_therapy", values, reasons=reasons).entries[0]
    assert {each["check"]: each["reason"] for each in entry.warnings} == {started: "began before", named: "confirmed"}


def test_a_therapy_that_is_not_allowed_needs_a_reason_and_stays(registered):
    """Truth can be entered: a therapy outside the table is kept as given, with the reason and without a data query."""
    values = registered.THERAPY | {"regimen": "PTX_WEEKLY", "cdk_agent": None}
    assert registered.rules_against(SubmitForm(subject="S-0001", form="systemic_therapy", values=values)) == ["therapy.status"]
    reasons = {"therapy.status": "visceral crisis"}
    (entry,) = registered.fill("S-0001", "systemic_therapy", values, reasons=reasons).entries
    assert entry.values["regimen"] == "PTX_WEEKLY"
    assert entry.warnings == [{"check": "therapy.status", "reason": "visceral crisis"}]


def test_a_therapy_with_a_query_raises_it_in_the_same_act(registered):
    """What the study office must be asked is a data query of the same command, in both languages, numbered from 1."""
    form, query = registered.fill("S-0001", "systemic_therapy", registered.THERAPY | {"cdk_agent": "ribociclib"}).entries
    assert isinstance(form, e.FormSubmitted)
    assert isinstance(query, e.QueryRaised)
    assert query.query == "Q-S-0001-001"
    assert "ALLOWED_WITH_QUERY" in query.text
    assert registered.subject().queries[query.query].status == "open"


def test_every_question_is_asked_at_once(registered):
    """Two rules that ask for a query give two data queries."""
    values = registered.THERAPY | {"cdk_agent": "ribociclib", "setting": "recurrence_no_prior_et"}
    _, *queries = registered.fill("S-0001", "systemic_therapy", values).entries
    assert [query.query for query in queries] == ["Q-S-0001-001", "Q-S-0001-002"]


def test_a_raised_query_never_takes_a_number_that_is_taken(registered):
    """A data query raised by hand under the next number is left alone: the system's own takes the next free one."""
    raised = e.QueryRaised(subject="S-0001", query="Q-S-0001-002", form="first_registration", occurrence=1, text="Which clinic?")
    registered.say(raised)
    values = registered.THERAPY | {"cdk_agent": "ribociclib", "setting": "recurrence_no_prior_et"}
    _, *queries = registered.fill("S-0001", "systemic_therapy", values).entries
    assert [query.query for query in queries] == ["Q-S-0001-001", "Q-S-0001-003"]
    assert registered.subject().queries["Q-S-0001-002"].text == "Which clinic?"


def test_nothing_is_judged_with_missing_values(randomized):
    """A therapy or prescription with missing or impossible items is refused for those items alone."""
    values = {key: value for key, value in randomized.RADIOTHERAPY.items() if key not in ("site", "fractions")}
    refused = randomized.rules_against(SubmitForm(subject="S-0001", form="radiotherapy", values=values))
    assert refused == ["forms.radiotherapy.site", "forms.radiotherapy.fractions"]
    wrong = randomized.THERAPY | {"regimen": "AI_CDKK"}
    refused = randomized.refuse(SubmitForm(subject="S-0001", form="systemic_therapy", values=wrong))
    assert [reason.rule for reason in refused.reasons] == ["forms.systemic_therapy.regimen"]
    assert "AI_CDK" in refused.text("ja")


def test_a_dose_outside_the_options_needs_a_reason(randomized):
    """A prescription is judged by the protocol's options; one that is none of them is kept, with a reason."""
    randomized.fill("S-0001", "radiotherapy", randomized.RADIOTHERAPY)
    other = randomized.RADIOTHERAPY | {"total_gy": 24, "fractions": 2}
    assert randomized.rules_against(SubmitForm(subject="S-0001", form="radiotherapy", values=other)) == ["radiotherapy.status"]
    (entry,) = randomized.fill("S-0001", "radiotherapy", other, reasons={"radiotherapy.status": "palliation"}).entries
    assert (entry.occurrence, entry.values["total_gy"]) == (2, 24)


def test_occurrences_count_within_subject_and_form(registered):
    """Repeated forms are numbered from 1 for each subject and form; a form of one filling is corrected, not filled again."""
    registered.first()
    contact = {"contact_date": "2024-07-01", "vital_status": "alive"}
    numbers = [registered.fill("S-0001", "follow_up", contact).entries[0].occurrence for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert registered.fill("S-0002", "follow_up", contact).entries[0].occurrence == 1
    assert [state.occurrence for state in registered.subject().of_form("follow_up")] == [1, 2, 3]
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    again = SubmitForm(subject="S-0001", form="systemic_therapy", values=registered.THERAPY)
    assert registered.rules_against(again) == ["form.filled"]


@pytest.mark.parametrize(
    ("form", "changes", "rule", "near"),
    [
        ("folow_up", {}, "form.unknown", "follow_up"),
        ("follow_up", {"vital_staus": "alive"}, "forms.follow_up", "vital_status"),
        ("follow_up", {"vital_status": "aliv"}, "forms.follow_up.vital_status", "alive"),
    ],
)
def test_a_slip_of_the_pen_gets_a_hint(registered, form, changes, rule, near):
    """An unknown form, item or code is refused with the one that was probably meant, in both languages."""
    values = {"contact_date": "2024-07-01", "vital_status": "alive", **changes}
    refused = registered.refuse(SubmitForm(subject="S-0001", form=form, values=values))
    assert [reason.rule for reason in refused.reasons] == [rule]
    assert near in refused.text("en")
    assert near in refused.text("ja")


def test_form_and_subject_unknown_are_told_together(registered):
    """Both mistakes of one command stand in one refusal."""
    assert registered.rules_against(SubmitForm(subject="S-0009", form="folow_up", values={})) == [
        "form.unknown",
        "subject.unknown",
    ]
    refused = registered.rules_against(correct("S-0009", "folow_up", {}))
    assert refused == ["form.unknown", "subject.unknown"]


def test_a_visit_must_be_one_of_the_forms(registered):
    """A questionnaire at a visit the form does not have is refused with a hint; at its own it is kept."""
    values = {"completed_date": "2024-06-10", "visit": "screening"}
    refused = registered.refuse(SubmitForm(subject="S-0001", form="qlq_c30", values=values, visit="screenin"))
    assert [reason.rule for reason in refused.reasons] == ["form.visit"]
    assert "Did you mean screening?" in refused.text("en")
    registered.fill("S-0001", "qlq_c30", values, visit="screening")
    assert registered.subject().forms["qlq_c30", 1].visit == "screening"


def test_a_form_waits_for_its_registration(registered):
    """A registration's own form is filled by registering, and a form of the second stage after the second registration."""
    own = SubmitForm(subject="S-0001", form="second_registration", values=registered.SECOND)
    assert registered.rules_against(own) == ["form.registration"]
    early = SubmitForm(subject="S-0001", form="radiotherapy", values=registered.RADIOTHERAPY)
    assert "form.too_early" in registered.rules_against(early)


@pytest.mark.parametrize(("scope", "closed"), [("treatment", False), ("follow_up", True), ("use_of_data", True)])
def test_a_withdrawal_closes_what_it_says(registered, scope, closed):
    """The end of treatment leaves the forms open; the end of follow-up or of the use of data closes them."""
    registered.say(
        e.ConsentWithdrawn(subject="S-0001", scope=scope, withdrawal_date=registered.subject().stages["first"].registration_date)
    )
    ask = SubmitForm(subject="S-0001", form="follow_up", values={"contact_date": "2024-07-01", "vital_status": "alive"})
    if closed:
        assert registered.rules_against(ask) == ["consent.withdrawn"]
    else:
        registered.say(ask)


def test_a_correction_keeps_old_and_new(registered):
    """Every changed item stands with its old and new value and the reason; the form's history holds who and when."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    (entry,) = registered.say(correct("S-0001", "systemic_therapy", {"cdk_agent": "abemaciclib"}), role="coordinator").entries
    assert (entry.old, entry.new, entry.reason) == ({"cdk_agent": "palbociclib"}, {"cdk_agent": "abemaciclib"}, "misread")
    (change,) = registered.subject().forms["systemic_therapy", 1].changes
    assert (change.seq, change.role, change.old) == (registered.trial.head.seq, "coordinator", {"cdk_agent": "palbociclib"})


def test_a_removed_value_is_gone(registered):
    """None removes a value: it is missing afterwards, and its old value stays in the record."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    (entry,) = registered.say(correct("S-0001", "systemic_therapy", {"therapy_start_date": None})).entries
    assert (entry.old, entry.new) == ({"therapy_start_date": "2024-06-12"}, {"therapy_start_date": None})
    assert "therapy_start_date" not in registered.subject().values("systemic_therapy")


def test_a_correction_says_all_that_is_wrong_with_it(registered):
    """No reason, a locked form, a stale page and a bad value are one refusal."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    shown = registered.trial.head.seq
    registered.say(correct("S-0001", "systemic_therapy", {"cdk_agent": "abemaciclib"}))
    registered.say(e.FormLocked(subject="S-0001", form="systemic_therapy", occurrence=1))
    bad = correct("S-0001", "systemic_therapy", {"menopause": "no idea"}, reason=" ")
    refused = registered.refuse(bad, seen=shown)
    assert [reason.rule for reason in refused.reasons] == [
        "correction.reason",
        "form.locked",
        "form.changed_since",
        "forms.systemic_therapy.menopause",
    ]
    assert "cdk_agent: palbociclib → abemaciclib" in refused.text("ja")


def test_a_correction_says_what_its_author_saw(registered):
    """Who has not seen what is saved cannot correct it: there would be nothing to compare with."""
    registered.fill("S-0001", "follow_up", {"contact_date": "2024-06-10", "vital_status": "alive"})
    correction = CorrectItems(subject="S-0001", form="follow_up", occurrence=1, new={"remarks": "well"}, reason="heard since")
    assert [reason.rule for reason in registered.refuse(correction, seen=None).reasons] == ["correction.seen"]


def test_a_correction_must_change_something(registered):
    """The saved value again is no correction, nor is one of a form that was never filled."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    assert registered.rules_against(correct("S-0001", "systemic_therapy", {"menopause": "postmenopausal"})) == [
        "correction.nothing"
    ]
    assert registered.rules_against(correct("S-0001", "systemic_therapy", {}, occurrence=2)) == ["form.not_filled"]


def test_a_hard_check_across_forms_holds_for_corrections_too(registered):
    """A date that was right may not be corrected to one that another form makes impossible."""
    registered.fill("S-0001", "death", {"death_date": "2024-08-01", "cause": "unknown"})
    rules = registered.rules_against(correct("S-0001", "death", {"death_date": "2024-05-01"}))
    assert rules == ["forms.death.after_registration"]


def test_a_correction_answers_soft_checks_with_its_reason(registered):
    """The reason of a correction answers the soft checks that fire, unless one has a reason of its own."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    (entry,) = registered.say(correct("S-0001", "systemic_therapy", {"therapy_start_date": "2024-06-01"})).entries
    assert entry.warnings == [{"check": "forms.systemic_therapy.starts_after_registration", "reason": "misread"}]


def test_a_removed_value_is_not_judged_any_more(registered):
    """A therapy is judged on its values as corrected: without its agent it cannot be told, and the study office is asked."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY | {"cdk_agent": "ribociclib"})
    entry, query = registered.say(correct("S-0001", "systemic_therapy", {"cdk_agent": None})).entries
    assert [each["check"] for each in entry.warnings] == ["forms.systemic_therapy.cdk_agent_named"]
    assert query.query == "Q-S-0001-002"
    assert "UNDETERMINED" in query.text


def test_a_correction_that_needs_the_study_office_asks_it(registered):
    """A query cannot be avoided by entering something else first; one that was asked before is not asked again."""
    registered.fill("S-0001", "systemic_therapy", registered.THERAPY)
    entry, query = registered.say(correct("S-0001", "systemic_therapy", {"cdk_agent": "ribociclib"})).entries
    assert isinstance(entry, e.ItemsCorrected)
    assert (query.query, query.form, query.occurrence) == ("Q-S-0001-001", "systemic_therapy", 1)
    assert len(registered.say(correct("S-0001", "systemic_therapy", {"therapy_start_date": "2024-06-13"})).entries) == 1


def test_a_corrected_birth_date_changes_the_age_and_is_not_kept(registered):
    """What is derived from corrected items is derived again; what names a person still stays out."""
    (entry,) = registered.say(correct("S-0001", "first_registration", {"birth_date": "1958-03-15"})).entries
    assert (entry.old, entry.new) == ({"age_years": 56}, {"age_years": 66})
    assert "1958" not in repr(registered.records[-1])


def test_a_derived_value_stays_when_it_cannot_be_derived_again(registered):
    """A corrected registration date alone leaves the age: the birth date is not there to derive it from."""
    (entry,) = registered.say(correct("S-0001", "first_registration", {"registration_date": "2024-06-09"})).entries
    assert set(entry.new) == {"registration_date"}
    assert registered.subject().values("first_registration")["age_years"] == 56


def test_a_correction_of_another_form_leaves_the_factors(randomized):
    """Only items behind the balancing factors touch them."""
    (entry,) = randomized.say(correct("S-0001", "second_registration", {"courses_given": 2})).entries
    assert entry.factors is None


def test_first_registration_and_second_keep_their_names_apart(randomized):
    """Both registrations have a date: the second's never stands for the first's in a rule across forms."""
    randomized.fill("S-0001", "death", {"death_date": "2024-06-10", "cause": "unknown"})
    assert randomized.subject().values("death")["death_date"] == "2024-06-10"
