"""An amendment site by site: which version rules where and when, what is judged by it, and what it would mean beforehand."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from oligami.journal import entries as e
from oligami.journal.codec import encode
from oligami.journal.store import MemoryJournal
from oligami.protocol.digest import with_digest
from oligami.protocol.load import load_protocol
from oligami.trial.adoption import usage_of, versions_by_site
from oligami.trial.commands import ActivateProtocol, CorrectItems, Register, SubmitForm
from oligami.trial.consent import reconsents
from oligami.trial.fold import fold
from oligami.trial.impact import impact, rehearse
from oligami.trial.recheck import recheck

DAY = date(2024, 6, 10)  # the day on which the trials here begin, by the trial's own clock
LATER = date(2024, 6, 20)
CONTACT = {"contact_date": "2024-06-10", "vital_status": "alive"}


@pytest.fixture(scope="module")
def amended():
    """The first amendment of the small trial."""
    return load_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.1")


@pytest.fixture
def bench(tiny_bench, amended):
    """The small trial with its amendment approved, and adopted by site s01 from ten days on; a subject at each site before."""
    ask(tiny_bench, "s01")
    ask(tiny_bench, "s02")
    tiny_bench.say(ActivateProtocol(protocol=amended, per_site=True, reason="amendment 1"))
    tiny_bench.say(e.ProtocolAdopted(site="s01", version="1.1", from_date=LATER))
    return tiny_bench


def ask(bench, site, *, version=None, **changes):
    """Ask for a registration."""
    values = {**bench.TINY_ENTRY, **changes}
    return bench.say(Register(stage="entry", site=site, values=values, version=version))


def go_on(bench, day):
    """Let the trial's clock come to the morning of a day."""
    bench.said = max(bench.said, (day - DAY).days * 24 * 60)
    return bench


def versions(receipt):
    """The protocol versions that the records of a command name."""
    return [entry.protocol_version for entry in receipt.entries if hasattr(entry, "protocol_version")]


def check(bench):
    """Hold that every decision comes out the same again, draws included, and that the fold does not depend on its steps."""
    found, _ = recheck(bench.records, secrets=[bench.SECRET])
    assert [difference.text.en for difference in found.differences] == []
    assert found.draws_checked == found.allocations
    assert fold(bench.records) == bench.trial


def test_a_site_is_ruled_by_what_it_adopted_from_its_date_on(bench):
    """Until its date site s01 is under 1.0, from it under 1.1; site s02 stays under 1.0; every decision is redone under its own."""
    assert versions(ask(bench, "s01")) == ["1.0", "1.0"]
    go_on(bench, LATER)
    asked = {"registration_date": "2024-06-20", "birth_date": "1941-01-01"}  # 83 years: out under 1.1, in under 1.0
    (refused,) = ask(bench, "s01", hearing_aid="no", **asked).entries
    assert isinstance(refused, e.RegistrationRefused)
    assert (refused.protocol_version, refused.not_met) == ("1.1", ("T-1",))
    assert versions(ask(bench, "s02", **asked)) == ["1.0", "1.0"]
    assert versions(ask(bench, "s01", hearing_aid="no", registration_date="2024-06-20")) == ["1.1", "1.1"]
    assert [subject.stages["entry"].protocol_version for subject in bench.trial.subjects.values()] == [
        "1.0",
        "1.0",
        "1.0",
        "1.0",
        "1.1",
    ]
    check(bench)


def test_the_items_asked_are_those_of_the_ruling_version(bench):
    """From its date site s01 must answer the new item, which site s02 does not even have; both are told so."""
    go_on(bench, LATER)
    entry = dict(bench.TINY_ENTRY)
    without = bench.refuse(Register(stage="entry", site="s01", values=entry))
    assert [reason.rule for reason in without.reasons] == ["forms.entry.hearing_aid"]
    strange = bench.refuse(Register(stage="entry", site="s02", values=entry | {"hearing_aid": "no"}))
    assert [reason.rule for reason in strange.reasons] == ["forms.entry"]
    bench.refuse(SubmitForm(subject="S-0001", form="follow_up", values=CONTACT))
    receipt = bench.fill("S-0001", "follow_up", CONTACT | {"diary_days": 28})
    assert versions(receipt) == ["1.1"]
    assert versions(bench.fill("S-0002", "follow_up", CONTACT)) == ["1.0"]
    check(bench)


@pytest.mark.parametrize(
    ("shown", "command"),
    [
        ("1.0", lambda b: Register(stage="entry", site="s01", values=b.TINY_ENTRY, version="1.0")),
        ("1.0", lambda b: SubmitForm(subject="S-0001", form="follow_up", values=CONTACT, version="1.0")),
        (
            "0.9",
            lambda b: CorrectItems(subject="S-0001", form="entry", occurrence=1, new={"loudness": 50}, reason="r", version="0.9"),
        ),
    ],
)
def test_a_page_of_another_version_is_not_taken(bench, shown, command):
    """What was opened under one version and sent under another is refused with both versions named, and leaves nothing."""
    go_on(bench, LATER)
    (reason, *_) = bench.refuse(command(bench)).reasons
    assert reason.rule == "protocol.version_shown"
    for words in (reason.text.en, reason.text.ja):
        assert shown in words
        assert "1.1" in words
    assert bench.rules_against(command(bench))[0] == "protocol.version_shown"


def test_a_page_of_the_ruling_version_is_taken(bench):
    """A page that names the version that rules is taken, before the date and after it."""
    assert versions(ask(bench, "s01", version="1.0")) == ["1.0", "1.0"]
    go_on(bench, LATER)
    assert versions(ask(bench, "s01", version="1.1", hearing_aid="no")) == ["1.1", "1.1"]


def test_an_old_form_is_corrected_under_its_own_version(bench):
    """A form keeps the version it was filled under: a correction is not asked the new item, and its old limit still holds."""
    go_on(bench, LATER)
    fix = CorrectItems(subject="S-0001", form="entry", occurrence=1, new={"loudness": 50}, reason="misread")
    (corrected,) = bench.say(fix).entries
    assert corrected.protocol_version == ""
    assert bench.subject().forms["entry", 1].protocol_version == "1.0"
    assert bench.rules_against(replace(fix, new={"hearing_aid": "no"})) == ["forms.entry"]
    check(bench)


def test_an_old_form_can_be_taken_over_to_the_ruling_version(bench):
    """A correction that names the ruling version is judged by it, and the form belongs to it from then on."""
    go_on(bench, LATER)
    fix = CorrectItems(
        subject="S-0001", form="entry", occurrence=1, new={"hearing_aid": "no"}, reason="asked since", version="1.1"
    )
    (corrected,) = bench.say(fix).entries
    assert corrected.protocol_version == "1.1"
    assert bench.subject().forms["entry", 1].protocol_version == "1.1"
    (again,) = bench.say(replace(fix, new={"hearing_aid": "unknown"}, version=None)).entries
    assert again.protocol_version == "1.1"
    other = replace(fix, subject="S-0002")
    assert bench.rules_against(other)[0] == "protocol.version_shown"
    check(bench)


def test_the_whole_trial_can_adopt_at_once_and_new_sites_follow(bench):
    """An adoption by every site also rules sites that open later; a site's own earlier date stands."""
    bench.say(e.ProtocolAdopted(version="1.1", from_date=LATER + timedelta(days=10)))
    bench.say(e.SiteOpened(site="s03", name="Hospital three"))
    days = [DAY, LATER, LATER + timedelta(days=10)]
    assert [[bench.trial.version_for(site, day) for day in days] for site in ("s01", "s02", "s03")] == [
        ["1.0", "1.1", "1.1"],
        ["1.0", "1.0", "1.1"],
        ["1.0", "1.0", "1.1"],
    ]
    first, second, _ = versions_by_site(bench.trial, LATER)
    assert (first.version, first.since, first.coming) == ("1.1", LATER, ())
    assert (second.version, second.since, second.coming) == ("1.0", None, ((LATER + timedelta(days=10), "1.1"),))


def test_a_version_adopted_by_sites_can_take_the_whole_trial(bench, amended):
    """Activated again for the whole trial, the amendment rules every site and is adopted by none; `trial.protocol` follows."""
    bench.say(ActivateProtocol(protocol=amended, reason="all committees have approved"))
    assert bench.trial.protocol.version == "1.1"
    assert bench.trial.study.per_site == ()
    assert {each.version for each in versions_by_site(bench.trial, DAY)} == {"1.1"}
    assert versions(ask(bench, "s02", hearing_aid="no")) == ["1.1", "1.1"]
    assert bench.rules_against(ActivateProtocol(protocol=amended)) == ["protocol.again"]
    assert bench.rules_against(e.ProtocolAdopted(site="s02", version="1.1", from_date=LATER)) == ["adoption.whole_trial"]
    check(bench)


def test_of_two_amendments_the_newer_rules(bench, amended):
    """A site that has adopted both is under the newer one; the older cannot be adopted after it."""
    third = with_digest(replace(amended, version="1.2"))
    bench.say(ActivateProtocol(protocol=third, per_site=True))
    bench.say(e.ProtocolAdopted(site="s02", version="1.2", from_date=LATER))
    assert bench.trial.version_for("s02", LATER) == "1.2"
    assert bench.rules_against(e.ProtocolAdopted(site="s02", version="1.1", from_date=LATER)) == ["adoption.behind"]
    # 1.1 for the whole trial leaves the newer 1.2 with those who adopted it.
    bench.say(ActivateProtocol(protocol=amended))
    assert [bench.trial.version_for(site, LATER) for site in ("s01", "s02")] == ["1.1", "1.2"]
    check(bench)


@pytest.mark.parametrize(
    ("adoption", "rules"),
    [
        ({"site": "s77", "version": "1.1", "from_date": LATER}, ["site.unknown"]),
        ({"site": "s02", "version": "7.0", "from_date": LATER}, ["adoption.unknown"]),
        ({"site": "s02", "version": "1.0", "from_date": LATER}, ["adoption.whole_trial"]),
        ({"site": "s02", "version": "1.1", "from_date": DAY - timedelta(days=1)}, ["adoption.past"]),
        ({"site": "s01", "version": "1.1", "from_date": LATER}, ["adoption.same"]),
        ({"site": "s01", "version": "1.1", "from_date": LATER + timedelta(days=1)}, ["reason.missing"]),
    ],
)
def test_an_adoption_that_cannot_be_is_refused(bench, adoption, rules):
    """Unknown sites and versions, days that are over, and silent changes of a date are refused with their rules."""
    assert bench.rules_against(e.ProtocolAdopted(**adoption)) == rules


def test_a_date_can_be_moved_until_it_has_come(bench):
    """An adoption that lies ahead moves with a reason; one that rules does not; none later than that of every site."""
    moved = e.ProtocolAdopted(site="s01", version="1.1", from_date=LATER + timedelta(days=5), reason="the committee meets later")
    bench.say(moved)
    assert bench.trial.version_for("s01", LATER) == "1.0"
    bench.say(e.ProtocolAdopted(version="1.1", from_date=LATER + timedelta(days=8)))
    late = replace(moved, from_date=LATER + timedelta(days=9))
    assert bench.rules_against(late) == ["adoption.everywhere"]
    go_on(bench, LATER + timedelta(days=5))
    assert bench.rules_against(replace(moved, from_date=LATER + timedelta(days=7))) == ["adoption.again"]


def test_an_amendment_that_takes_away_what_is_in_use_is_not_activated(bench, amended):
    """An item with values cannot go, nor the rule of allocation be set site by site; what nobody used may go."""
    entry = amended.form("entry")
    kept = replace(entry, item=tuple(item for item in entry.item if item.id != "loudness"))
    worse = replace(amended, version="1.2", forms=tuple(kept if form.id == "entry" else form for form in amended.forms))
    assert "amendment.item" in bench.rules_against(ActivateProtocol(protocol=with_digest(worse)))
    blocks = replace(amended, version="1.2", allocation=replace(amended.allocation, block_sizes=(2,), block_probabilities=(1.0,)))
    assert bench.rules_against(ActivateProtocol(protocol=with_digest(blocks), per_site=True)) == ["amendment.allocation"]
    bench.say(ActivateProtocol(protocol=with_digest(blocks)))
    assert ("entry", "loudness") in usage_of(bench.trial).items
    fewer = replace(blocks, version="1.3", forms=tuple(form for form in blocks.forms if form.id != "death"))
    bench.say(ActivateProtocol(protocol=with_digest(fewer), per_site=True))


def test_the_first_version_rules_the_whole_trial(make_bench, tiny):
    """There must be a version for sites that adopt none."""
    assert make_bench(tiny).rules_against(ActivateProtocol(protocol=tiny, per_site=True)) == ["protocol.first"]


def test_what_was_said_before_there_was_a_choice_keeps_its_bytes(bench):
    """An activation for the whole trial and a correction under it are spelled as they always were."""
    activations = [encode(record.entry) for record in bench.records if isinstance(record.entry, e.ProtocolActivated)]
    assert [each.get("per_site") for each in activations] == [None, True]
    assert "per_site" not in activations[0]
    fix = CorrectItems(subject="S-0001", form="entry", occurrence=1, new={"loudness": 50}, reason="misread")
    (corrected,) = bench.say(fix).entries
    assert "protocol_version" not in encode(corrected)


def test_the_draws_do_not_know_of_an_amendment(bench, tiny):
    """The digest in a draw is that of the commitment's activation, whatever version judged the registration."""
    go_on(bench, LATER)
    drawn = ask(bench, "s01", hearing_aid="no").entries[-1]
    assert drawn.protocol_digest == tiny.digest
    check(bench)


def test_recheck_finds_a_decision_under_the_wrong_version(bench):
    """A record that names another version than ruled the site then is told, registration, refusal and form alike."""
    go_on(bench, LATER)
    ask(bench, "s01", hearing_aid="no", registration_date="2024-06-20")
    ask(bench, "s01", hearing_aid="yes", registration_date="2024-06-20")
    bench.fill("S-0001", "follow_up", CONTACT | {"diary_days": 3})

    def bent(record):
        kinds = (e.Registered, e.RegistrationRefused, e.FormSubmitted)
        if isinstance(record.entry, kinds) and record.entry.protocol_version == "1.1":
            return replace(record, entry=replace(record.entry, protocol_version="1.0"))
        return record

    found, _ = recheck([bent(record) for record in bench.records], secrets=[bench.SECRET])
    about = [difference.record for difference in found.differences if difference.about == "protocol version"]
    wrong = [record.seq for record in bench.records if bent(record) is not record]
    assert len(wrong) == 4
    assert set(about) == {wrong[1], wrong[2], wrong[3]}  # the registration answers for its form, record 0 of the four


def test_who_must_consent_again_is_listed_from_the_day_on(bench):
    """Subjects of a site whose version has a new consent document are listed until they consent to it, die or leave."""
    bench.say(e.ConsentGiven(subject="S-0002", document="1.0", consent_date=DAY))
    bench.say(e.ConsentGiven(subject="S-0001", document="1.0", consent_date=DAY))
    for _ in range(3):
        subject = ask(bench, "s01").entries[-1].subject
        bench.say(e.ConsentGiven(subject=subject, document="1.0", consent_date=DAY))
    assert reconsents(bench.trial, DAY) == ()
    go_on(bench, LATER)
    due = reconsents(bench.trial, LATER)
    assert [each.subject for each in due] == ["S-0001", "S-0003", "S-0004", "S-0005"]
    assert (due[0].site, due[0].document, due[0].version, due[0].since, due[0].last) == ("s01", "2.0", "1.1", LATER, ("1.0", DAY))
    bench.say(e.ConsentGiven(subject="S-0001", document="2.0", consent_date=LATER))
    bench.fill("S-0003", "death", {"death_date": "2024-06-19"})
    bench.say(e.ConsentWithdrawn(subject="S-0004", scope="follow_up", withdrawal_date=LATER))
    bench.say(e.RegistrationAnnulled(subject="S-0005", stage="entry", reason="entered twice"))
    assert reconsents(bench.trial, LATER) == ()
    assert reconsents(bench.trial, LATER, sites=["s02"]) == ()


def test_treatment_withdrawn_is_still_followed_and_asked(bench):
    """Who left the treatment alone is in follow-up, and consents again."""
    bench.say(e.ConsentWithdrawn(subject="S-0001", scope="treatment", withdrawal_date=DAY))
    assert [each.subject for each in reconsents(bench.trial, LATER)] == ["S-0001"]


SOUNDS = {"sounds": [{"pitch": "high", "hours_a_day": 22}]}


@pytest.fixture
def lived(tiny_bench):
    """The small trial before its amendment: values that it would not take, and a refusal that it would judge otherwise."""
    ask(tiny_bench, "s01", **SOUNDS)
    ask(tiny_bench, "s02")
    tiny_bench.fill("S-0001", "follow_up", CONTACT)
    ask(tiny_bench, "s01", birth_date="2010-01-01")
    return tiny_bench


def test_the_impact_names_forms_values_and_visits(lived, amended):
    """Before anything is activated: forms touched with how often they are filled, values now outside, visits that move."""
    found = impact(lived.trial, amended, day=DAY)
    assert [(each.touched.form, each.filled, each.valued) for each in found.forms] == [("entry", 2, 1), ("follow_up", 1, 0)]
    (misfit,) = found.misfits
    assert (misfit.subject, misfit.form, misfit.occurrence) == ("S-0001", "entry", 1)
    assert [problem.item for problem in misfit.errors] == ["sounds[1].hours_a_day"]
    assert {each.subject for each in found.moved} == {"S-0001", "S-0002"}
    first = found.moved[0]
    assert first.before is not None
    assert first.after is not None
    assert (first.before.target, (first.after.latest - first.before.latest).days) == (first.after.target, 7)
    assert (found.subjects, found.touched) == (2, frozenset({"S-0001", "S-0002"}))
    only = impact(lived.trial, amended, day=DAY, sites=["s02"])
    assert (only.subjects, only.misfits, only.touched) == (1, (), frozenset({"S-0002"}))


def test_visits_that_are_over_do_not_move(lived, amended):
    """A window that has closed under both versions is past; only what lies ahead is told."""
    assert impact(lived.trial, amended, day=date(2026, 1, 1)).moved == ()
    ahead = impact(lived.trial, amended, day=date(2025, 1, 1)).moved
    assert 0 < len(ahead) < len(impact(lived.trial, amended, day=DAY).moved)


def test_open_registrations_are_judged_by_the_amendment(bench_of_two_stages):
    """A subject waiting for her second registration whom the amendment would not let in is named with the criterion."""
    bench, stricter = bench_of_two_stages
    (found,) = impact(bench.trial, stricter, day=DAY).rejudged
    assert (found.subject, found.before, found.after) == ("S-0001", "eligible", "ineligible")
    assert [(was, now) for _, was, now in found.criteria] == [("met", "not_met")]


@pytest.fixture
def bench_of_two_stages(make_bench, jcog):
    """The real trial with a subject waiting and one randomized, and an amendment that would let neither in."""
    bench = make_bench(jcog).open()
    bench.first()
    bench.second(bench.first())
    first, *rest = jcog.eligibility.stage
    criterion = replace(first.criterion[0], met="age_years < 18 years", not_met=None)
    stages = (replace(first, criterion=(criterion, *first.criterion[1:])), *rest)
    eligibility = replace(jcog.eligibility, stage=stages)
    return bench, with_digest(replace(jcog, version="1.1", eligibility=eligibility))


def test_a_rehearsal_reports_and_leaves_no_trace(lived, amended):
    """On a copy it is activated and adopted: misfits, refusals judged otherwise, consents due; the journal is as it was."""
    lived.say(e.ConsentGiven(subject="S-0001", document="1.0", consent_date=DAY))
    before, records = lived.trial, lived.records
    found = rehearse(records, amended, trial=before, sites=["s01"], from_date=LATER, at=before.head.at)
    assert found.refused == ()
    assert not found.is_smooth
    assert (found.records, found.forms) == (before.head.seq, 2)
    assert [(each.subject, each.form) for each in found.misfits] == [("S-0001", "entry")]
    assert [(each.site, each.version) for each in found.versions] == [("s01", "1.1"), ("s02", "1.0")]
    assert [each.subject for each in found.consents] == ["S-0001"]
    assert lived.trial is before
    assert lived.records == records
    assert "1.1" not in lived.trial.study.versions


def test_a_rehearsal_of_every_site_judges_refusals_again(lived, amended):
    """A woman of 85 who was refused for another reason stays refused; one whom the amendment would take is named."""
    easier = replace(amended.eligibility.stage[0].criterion[0], met="age_years >= 10 years")
    stage = replace(amended.eligibility.stage[0], criterion=(easier, *amended.eligibility.stage[0].criterion[1:3]))
    open_to_all = with_digest(replace(amended, eligibility=replace(amended.eligibility, stage=(stage,))))
    found = rehearse(lived.records, open_to_all, trial=lived.trial, sites=None, from_date=LATER, at=lived.trial.head.at)
    (refusal,) = found.refusals
    assert (refusal.subject, refusal.site, refusal.before, refusal.after) == (None, "s01", "ineligible", "eligible")
    assert ("T-1", "not_met", "met") in refusal.criteria


def test_a_rehearsal_says_why_it_could_not_be(lived, amended):
    """What would refuse the activation or the adoption is the report."""
    worse = with_digest(replace(amended, forms=tuple(form for form in amended.forms if form.id != "follow_up")))
    found = rehearse(lived.records, worse, trial=lived.trial, sites=["s01"], from_date=LATER, at=lived.trial.head.at)
    assert [reason.rule for reason in found.refused] == ["amendment.form"]
    past = rehearse(
        lived.records, amended, trial=lived.trial, sites=["s01", "s77"], from_date=date(2024, 1, 1), at=lived.trial.head.at
    )
    assert {reason.rule for reason in past.refused} == {"adoption.past", "site.unknown"}


def test_a_journal_in_memory_is_not_needed_for_a_version_to_hold(bench):
    """The records written out and read again come to the same versions at the same sites."""
    journal = MemoryJournal()
    for record in bench.records:
        journal.append([record.entry], record.stamp, [record.salt])
    again = fold(journal.records())
    assert versions_by_site(again, LATER) == versions_by_site(bench.trial, LATER)
    assert again.head.seal == bench.trial.head.seal
