"""Registration and randomization: what is written, what is refused, and with which reasons."""

import dataclasses
from datetime import timedelta

import pytest

from oligami.journal import entries as e
from oligami.trial.commands import ActivateProtocol, CorrectItems, Register
from oligami.trial.draws import commitment, draw


def names(receipt):
    """The kinds of entries of a receipt, in order."""
    return [type(entry).__name__ for entry in receipt.entries]


def test_a_first_registration_is_one_act(bench):
    """Consent, form and registration are written together, under one command, and the subject gets the first number."""
    receipt = bench.say(Register(stage="first", site="s01", values=bench.FIRST))
    assert names(receipt) == ["ConsentGiven", "FormSubmitted", "Registered"]
    assert {record.stamp.command for record in receipt.records} == {receipt.records[0].stamp.command}
    assert list(bench.trial.subjects) == ["S-0001"]
    assert bench.subject().is_registered("first")


def test_what_names_a_person_never_enters_the_journal(bench):
    """The birth date decides the age and is gone: the age is kept, the date is nowhere in any record."""
    bench.first()
    values = bench.subject().values("first_registration")
    assert values["age_years"] == 56
    assert "birth_date" not in values
    assert "1968-03-15" not in repr(bench.records)


def test_the_verdict_is_recorded_with_its_evidence(bench, jcog):
    """Every criterion stands in the registration's record, met, with its reason in both languages."""
    bench.first()
    registered = next(record.entry for record in bench.records if isinstance(record.entry, e.Registered))
    assert [each["rule"] for each in registered.evidence] == [each.id for each in jcog.stage("first").criterion]
    assert {each["verdict"] for each in registered.evidence} == {"met"}
    assert all(each["reason"]["en"] and each["reason"]["ja"] for each in registered.evidence)


@pytest.mark.parametrize(
    ("changes", "verdict", "not_met", "unknown"),
    [
        ({"fdg_pet": "not_done"}, "ineligible", ("1R-I3",), ()),
        ({"er": "unknown"}, "pending", (), ("1R-I2",)),
        ({"fdg_pet": "not_done", "er": "unknown"}, "ineligible", ("1R-I3",), ("1R-I2",)),
    ],
)
def test_an_unmet_verdict_is_recorded_and_gives_no_number(bench, changes, verdict, not_met, unknown):
    """Ineligible and pending are written with what was judged; no subject comes into being and no number is used up."""
    receipt = bench.say(Register(stage="first", site="s01", values=bench.FIRST | changes))
    (entry,) = receipt.entries
    assert isinstance(entry, e.RegistrationRefused)
    assert (entry.subject, entry.verdict, tuple(entry.not_met), tuple(entry.unknown)) == (None, verdict, not_met, unknown)
    assert entry.values["age_years"] == 56
    assert "birth_date" not in entry.values
    assert {each["rule"] for each in entry.evidence if each["verdict"] != "met"} == {*not_met, *unknown}
    assert bench.trial.refusals[-1].verdict == verdict
    assert not bench.trial.subjects
    assert bench.first() == "S-0001"
    assert bench.first() == "S-0002"


def test_all_reasons_come_at_once(bench):
    """A closed site, paused accrual, a bad value, a missing item and a date ahead stand in one refusal."""
    bench.say(e.SiteClosed(site="s02", reason="left the trial"))
    bench.say(e.AccrualPaused(reason="safety review"))
    bench.say(e.AccrualPaused(stage="first", reason="safety review"))
    values = {**bench.FIRST, "sex": "femal", "e3_body_temperature_c": 365, "registration_date": "2024-06-20"}
    del values["er"]
    refused = bench.refuse(Register(stage="first", site="s02", values=values))
    said = [reason.rule for reason in refused.reasons]
    assert {"site.closed", "accrual.paused", "registration.date_ahead"} <= set(said)
    assert {"forms.first_registration.sex", "forms.first_registration.er"} <= set(said)
    assert "forms.first_registration.e3_body_temperature_c" in said
    assert said.count("accrual.paused") == 2  # the whole trial, and the stage
    assert "First registration is paused" in refused.text("en")


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (Register(stage="third", site="s01", values={}), "stage.unknown"),
        (Register(stage="first", site="s99", values={}), "site.unknown"),
        (Register(stage="first", site="s01", values={}, subject="S-0001"), "stage.first"),
        (Register(stage="second", site="s01", values={}, subject="S-0009"), "subject.unknown"),
        (Register(stage="second", site="s01", values={}), "subject.unknown"),
    ],
)
def test_a_registration_that_has_no_place_is_refused(bench, command, rule):
    """An unknown stage, site or subject, and a number given beforehand, are refused by name."""
    bench.first()
    assert rule in bench.rules_against(command)


def test_randomization_is_one_act(bench, jcog):
    """Form, registration and arm are one append; the arm follows from the committed draw and stands with its evidence."""
    subject = bench.first()
    receipt = bench.second(subject)
    assert names(receipt) == ["FormSubmitted", "Registered", "Randomized"]
    drawn = receipt.entries[-1]
    assert drawn.u == draw(bench.SECRET, jcog.digest, "jcog2110", 1)
    assert drawn.arm == ("A" if drawn.u < drawn.probability["A"] else "B")
    assert dict(drawn.factors) == {
        "institution": "s01",
        "subtype": "luminal",
        "lesion_count_class": "2-3",
        "disease_presentation": "recurrent",
    }
    assert bench.subject().allocation.arm == drawn.arm
    assert bench.trial.allocated == 1


def test_the_institution_is_the_site_of_the_second_registration(bench):
    """A subject who moved is balanced and followed at the site of the second registration."""
    subject = bench.first(site="s01")
    drawn = bench.second(subject, site="s02").entries[-1]
    assert drawn.factors["institution"] == "s02"
    assert bench.subject().site == "s02"
    assert bench.subject().stages["first"].site == "s01"


def test_a_trial_of_one_stage_randomizes_at_registration(tiny_bench):
    """The small trial draws at its only registration, in blocks, with no code of its own."""
    receipt = tiny_bench.say(Register(stage="entry", site="s01", values=tiny_bench.TINY_ENTRY))
    assert names(receipt) == ["FormSubmitted", "Registered", "Randomized"]
    drawn = receipt.entries[-1]
    assert drawn.method == "permuted_blocks"
    assert drawn.factors == {"loudness_class": "faint"} or drawn.factors == {"loudness_class": "loud"}
    assert drawn.detail["position"] == 1


def test_a_factor_without_a_value_is_refused(tiny_bench):
    """An eligible subject whose balancing factor is unknown cannot be randomized; the factor is named."""
    values = {key: value for key, value in tiny_bench.TINY_ENTRY.items() if key != "loudness"}
    refused = tiny_bench.refuse(Register(stage="entry", site="s01", values=values))
    assert [reason.rule for reason in refused.reasons] == ["randomization.factor_unknown"]
    assert "loudness_class" in refused.text("en")


def test_an_unmet_second_registration_is_recorded_for_its_subject(bench):
    """A second registration with a new metastasis is refused in writing, and nothing is drawn."""
    subject = bench.first()
    (entry,) = bench.second(subject, new_lesion="yes", overall_response="PD").entries
    assert isinstance(entry, e.RegistrationRefused)
    assert (entry.subject, entry.verdict) == (subject, "ineligible")
    assert bench.trial.allocated == 0
    assert bench.subject().seq == bench.trial.head.seq
    assert names(bench.second(subject))[-1] == "Randomized"


def test_the_stages_keep_their_order(bench):
    """A second registration needs a first that stands, comes once, and never lies before the first."""
    subject = bench.first()
    early = Register(stage="second", site="s01", subject=subject, values=bench.SECOND | {"registration_date": "2024-06-01"})
    assert "registration.date_order" in bench.rules_against(early)
    bench.second(subject)
    again = Register(stage="second", site="s01", subject=subject, values=bench.SECOND)
    assert bench.rules_against(again) == ["stage.again"]
    other = bench.first()
    bench.say(e.RegistrationAnnulled(subject=other, stage="first", reason="entered twice"))
    too_early = Register(stage="second", site="s01", subject=other, values=bench.SECOND)
    assert bench.rules_against(too_early) == ["stage.order"]


def test_the_order_of_dates_follows_a_corrected_date(bench):
    """A first registration date that was mistyped and corrected does not bar the second."""
    subject = bench.first(registration_date="2024-06-11")
    seen = bench.subject().seq
    new = {"registration_date": "2024-06-10"}
    fix = CorrectItems(subject=subject, form="first_registration", occurrence=1, new=new, reason="mistyped")
    bench.say(fix, seen=seen)
    assert names(bench.second(subject, registration_date="2024-06-10"))[-1] == "Randomized"


@pytest.mark.parametrize("scope", ["treatment", "follow_up", "use_of_data"])
def test_no_registration_after_a_withdrawal(bench, scope):
    """Whatever its scope, a withdrawal of consent ends the way to randomization, and the refusal says when it was."""
    subject = bench.first()
    bench.say(e.ConsentWithdrawn(subject=subject, scope=scope, withdrawal_date=bench.subject().stages["first"].registration_date))
    refused = bench.refuse(Register(stage="second", site="s01", subject=subject, values=bench.SECOND))
    assert [reason.rule for reason in refused.reasons] == ["consent.withdrawn"]
    assert "2024-06-10" in refused.text("ja")


def test_no_randomization_at_a_closed_site(bench):
    """A site that closed meanwhile randomizes nobody; another may take the subject over."""
    subject = bench.first()
    bench.say(e.SiteClosed(site="s01", reason="left the trial"))
    assert bench.rules_against(Register(stage="second", site="s01", subject=subject, values=bench.SECOND)) == ["site.closed"]
    assert names(bench.second(subject, site="s02"))[-1] == "Randomized"


def test_a_paused_stage_pauses_that_stage_alone(bench):
    """With second registrations paused first ones go on; resumed, both do."""
    bench.say(e.AccrualPaused(stage="second", reason="drug supply"))
    subject = bench.first()
    assert bench.rules_against(Register(stage="second", site="s01", subject=subject, values=bench.SECOND)) == ["accrual.paused"]
    bench.say(e.AccrualResumed(stage="second", reason="supply is back"))
    assert names(bench.second(subject))[-1] == "Randomized"


@pytest.mark.parametrize("proceed", [True, False])
def test_the_last_place(make_bench, limited, proceed):
    """A full second stage ends first registrations; who waits may come or not, as the protocol says."""
    bench = make_bench(limited(5, 1, waiting_may_proceed=proceed)).open()
    lucky, waiting = bench.first(), bench.first()
    bench.second(lucky)
    assert bench.rules_against(Register(stage="first", site="s01", values=bench.FIRST)) == ["accrual.closed"]
    late = Register(stage="second", site="s01", subject=waiting, values=bench.SECOND)
    if proceed:
        assert names(bench.say(late))[-1] == "Randomized"
    else:
        assert bench.rules_against(late) == ["accrual.closed"]


def test_a_full_first_stage_closes_itself_alone(make_bench, limited):
    """At the limit of first registrations nobody new comes, and those in the trial go on."""
    bench = make_bench(limited(1, None)).open()
    subject = bench.first()
    refused = bench.refuse(Register(stage="first", site="s01", values=bench.FIRST))
    assert [reason.rule for reason in refused.reasons] == ["accrual.closed"]
    assert "1" in refused.text("en")
    assert names(bench.second(subject))[-1] == "Randomized"


def test_an_annulled_registration_frees_its_place_but_not_its_number(make_bench, limited):
    """An annulled first registration leaves the count; the next subject gets a number of their own."""
    bench = make_bench(limited(1, None)).open()
    bench.say(e.RegistrationAnnulled(subject=bench.first(), stage="first", reason="wrong person"))
    assert bench.first() == "S-0002"


def test_the_counter_of_draws_never_goes_back(bench):
    """An allocation marked in error leaves the tallies and keeps its number; the next draw is a new one."""
    one, two = bench.first(), bench.first()
    first = bench.second(one).entries[-1]
    bench.say(e.AllocationMarkedInError(subject=one, k=1, reason="randomized twice"))
    assert bench.subject(one).allocation is None
    second = bench.second(two).entries[-1]
    assert (first.k, second.k) == (1, 2)
    assert all(sum(counts.values()) == 0 for counts in second.tally.values())


@pytest.mark.parametrize("rule", ["corrected", "as_drawn"])
def test_later_tallies_use_the_factors_the_protocol_names(make_bench, jcog, rule):
    """A corrected item behind a factor moves the subject in later tallies, or does not; the factors as drawn stay."""
    protocol = dataclasses.replace(jcog, allocation=dataclasses.replace(jcog.allocation, tally_factors=rule))
    bench = make_bench(protocol).open()
    one, two = bench.first(de_novo_stage_iv="yes"), bench.first()
    drawn = bench.second(one).entries[-1]
    seen = bench.subject(one).forms["first_registration", 1].seq
    new = {"de_novo_stage_iv": "no"}
    fix = CorrectItems(subject=one, form="first_registration", occurrence=1, new=new, reason="misread")
    (corrected,) = bench.say(fix, seen=seen).entries
    assert drawn.factors["disease_presentation"] == "de_novo"
    assert corrected.factors == {**drawn.factors, "disease_presentation": "recurrent"}
    allocation = bench.subject(one).allocation
    assert (allocation.arm, allocation.factors_drawn) == (drawn.arm, drawn.factors)
    later = bench.second(two).entries[-1]
    assert sum(later.tally["disease_presentation"].values()) == (1 if rule == "corrected" else 0)
    assert sum(later.tally["subtype"].values()) == 1


def test_a_correction_that_leaves_a_factor_unknown_keeps_the_level(bench):
    """A tally cannot count what is not known: the last known level stays."""
    subject = bench.first()
    bench.second(subject)
    fix = CorrectItems(
        subject=subject, form="first_registration", occurrence=1, new={"er": "unknown", "pgr": "unknown"}, reason="lost"
    )
    (entry,) = bench.say(fix).entries
    assert entry.factors is None
    assert bench.subject().allocation.factors["subtype"] == "luminal"


def test_no_arm_without_the_committed_secret(make_bench, jcog):
    """Without a commitment, with another secret than the one committed to, or after it was opened, nothing is drawn."""
    bare = make_bench(jcog)
    bare.say(ActivateProtocol(protocol=jcog))
    bare.say(e.SiteOpened(site="s01", name="Hospital"))
    subject = bare.first()
    ask = Register(stage="second", site="s01", subject=subject, values=bare.SECOND)
    assert bare.rules_against(ask) == ["randomization.no_secret"]
    for secret in (None, bytes(32)):
        bench = make_bench(jcog, secret=secret).open()
        bench.first()
        assert bench.rules_against(ask) == ["randomization.secret_absent"]
    bench = make_bench(jcog).open()
    bench.first()
    bench.say(e.SecretOpened(commitment=commitment(bench.SECRET), secret=bench.SECRET.hex()))
    assert bench.rules_against(ask) == ["randomization.secret_opened"]


def test_a_stale_page_is_refused_with_a_comparison(bench):
    """A registration on a page older than a correction names each item that changed, from what to what, by whom."""
    subject = bench.first()
    shown = bench.subject().seq
    fix = CorrectItems(
        subject=subject, form="first_registration", occurrence=1, new={"metastasis_biopsy": "not_done"}, reason="misread"
    )
    bench.say(fix, seen=shown, role="data_manager")
    ask = Register(stage="second", site="s01", subject=subject, values=bench.SECOND)
    refused = bench.refuse(ask, seen=shown)
    assert [reason.rule for reason in refused.reasons] == ["form.changed_since"]
    assert "metastasis_biopsy: done → not_done" in refused.text("en")
    assert "data_manager" in refused.text("ja")
    assert names(bench.say(ask, seen=bench.subject().seq))[-1] == "Randomized"


def test_any_word_about_the_subject_makes_a_page_stale(bench):
    """Whatever was said of the subject since, though no item changed, the author looks again before an arm is drawn."""
    subject = bench.first()
    shown = bench.subject().seq
    bench.say(e.QueryRaised(subject=subject, query="q1", form="first_registration", occurrence=1, text="Please check"))
    ask = Register(stage="second", site="s01", subject=subject, values=bench.SECOND)
    assert bench.rules_against(ask, seen=shown) == ["subject.changed_since"]


def test_a_soft_check_of_a_registration_needs_a_reason(bench):
    """A soft check that fires is refused until its reason is given, which then stands with the form."""
    subject = bench.first()
    ask = Register(stage="second", site="s01", subject=subject, values=bench.SECOND | {"courses_given": 9})
    rule = "forms.second_registration.courses_given_near_planned"
    assert bench.rules_against(ask) == [rule]
    assert bench.rules_against(dataclasses.replace(ask, reasons={rule: "  "})) == [rule]
    entry = bench.say(dataclasses.replace(ask, reasons={rule: "weekly schedule"})).entries[0]
    assert entry.warnings == [{"check": rule, "reason": "weekly schedule"}]


def test_a_form_that_leaves_the_date_open_cannot_register(make_bench, tiny):
    """A protocol whose form does not demand the date still registers nobody without one."""
    form = tiny.form("entry")
    items = tuple(dataclasses.replace(item, required=False) for item in form.item)
    forms = tuple(dataclasses.replace(each, item=items) if each.id == "entry" else each for each in tiny.forms)
    bench = make_bench(dataclasses.replace(tiny, forms=forms, digest="f" * 64)).open()
    values = {key: value for key, value in bench.TINY_ENTRY.items() if key not in ("registration_date", "birth_date")}
    rules = bench.rules_against(Register(stage="entry", site="s01", values=values | {"age_years": 50}))
    assert rules == ["registration.date_missing"]


def test_a_clock_that_went_back_records_nothing(bench):
    """An instant before the newest record is refused, together with what else stands against the command."""
    bench.first()
    back = bench.trial.head.at - timedelta(seconds=1)
    rules = bench.rules_against(Register(stage="first", site="s99", values=bench.FIRST), recorded_at=back)
    assert rules == ["clock.back", "site.unknown"]
