"""Everything decided is decided again: a good journal shows nothing, a forged one shows where."""

from dataclasses import replace

import pytest

from oligami.journal import entries as e
from oligami.journal.store import MemoryJournal
from oligami.trial.commands import CorrectItems, Register
from oligami.trial.draws import commitment
from oligami.trial.recheck import recheck


@pytest.fixture
def told(bench):
    """A journal with refusals, registrations at two sites, arms, forms, and a correction behind a factor."""
    bench.say(Register(stage="first", site="s01", values=bench.FIRST | {"fdg_pet": "not_done"}))
    subjects = [bench.first(site=site) for site in ("s01", "s02", "s01", "s02")]
    bench.fill(subjects[0], "systemic_therapy", bench.THERAPY | {"cdk_agent": "ribociclib"})
    for subject in subjects[:3]:
        bench.second(subject)
    fix = CorrectItems(
        subject=subjects[0], form="first_registration", occurrence=1, new={"de_novo_stage_iv": "yes"}, reason="misread"
    )
    bench.say(fix)
    bench.second(subjects[3])
    return bench


def forge(records, changes):
    """The same journal sealed anew, with other entries in some places; None drops the record."""
    journal = MemoryJournal()
    for record in records:
        entry = changes(record.entry)
        if entry is not None:
            journal.append([entry], record.stamp, [f"{record.seq:032x}"])
    return journal.records()


def change(kind, number=1, **fields):
    """A forgery of the entry of this kind with this number."""
    seen = 0

    def changes(entry):
        nonlocal seen
        if not isinstance(entry, kind):
            return entry
        seen += 1
        return (
            replace(entry, **{name: new(entry) if callable(new) else new for name, new in fields.items()})
            if seen == number
            else entry
        )

    return changes


def abouts(records, **more):
    """What differs, by the words it is about."""
    found, _ = recheck(records, **more)
    for difference in found.differences:
        assert difference.text.en
        assert any(character > "\u3000" for character in difference.text.ja)
    return [difference.about for difference in found.differences]


def test_a_good_journal_shows_nothing(told):
    """Verdicts, tallies, arms, checks and, with the secret, every draw come out as recorded, and are counted."""
    found, trial = recheck(told.records, secrets=[told.SECRET])
    assert found.differences == []
    assert found.ok
    assert (found.registrations, found.refusals, found.allocations, found.draws_checked, found.forms) == (8, 1, 4, 4, 9)
    assert trial == told.trial


def test_without_the_secret_the_arms_are_redone_from_their_draws(told):
    """The arms follow from the recorded draws even before the secret is opened; no draw is claimed to be checked."""
    found, _ = recheck(told.records)
    assert (found.ok, found.allocations, found.draws_checked) == (True, 4, 0)


def test_an_opened_secret_in_the_journal_is_used(told):
    """Once the secret stands in the journal, everybody's recheck recomputes the draws, those before it too."""
    told.say(e.SecretOpened(commitment=commitment(told.SECRET), secret=told.SECRET.hex()))
    found, _ = recheck(told.records)
    assert (found.ok, found.draws_checked) == (True, 4)


def test_draws_of_two_secrets_belong_each_to_their_own(told, make_bench):
    """After a rotation each draw is redone from the secret in force at its number."""
    other = bytes(range(1, 33))
    told.say(e.SecretCommitted(commitment=commitment(other), from_k=5))
    later = make_bench(told.protocol, secret=other, journal=told.journal)
    later.said = told.said
    later.second(later.first())
    assert recheck(told.records, secrets=[told.SECRET, other])[0].draws_checked == 5
    assert recheck(told.records, secrets=[other])[0].draws_checked == 1
    assert abouts(told.records, secrets=[told.SECRET, other]) == []


def test_a_wrong_secret_is_named(told):
    """A secret that was never committed to is told by its commitment, in a sentence that stands alone."""
    found, _ = recheck(told.records, secrets=[bytes(32)])
    (difference,) = found.differences
    assert (difference.record, difference.about) == (0, "secret")
    assert commitment(bytes(32))[:16] in difference.text.en
    assert commitment(told.SECRET)[:16] in difference.text.ja
    assert found.draws_checked == 0


@pytest.mark.parametrize(
    ("forgery", "about"),
    [
        (change(e.Randomized, 2, arm=lambda entry: "B" if entry.arm == "A" else "A"), {"arm"}),
        (change(e.Randomized, 2, tally=lambda entry: {**entry.tally, "subtype": {"A": 7, "B": 0}}), {"tally"}),
        (change(e.Randomized, 2, probability={"A": 0.5, "B": 0.5}), {"probability"}),
        (change(e.Randomized, 2, imbalance={"A": 0.0, "B": 0.0}), {"imbalance"}),
        (change(e.Randomized, 2, method="simple"), {"method"}),
        (change(e.Randomized, 2, protocol_digest="0" * 64), {"protocol digest"}),
        (
            change(e.Randomized, 2, factors=lambda entry: {**entry.factors, "subtype": "HER2-positive"}),
            {"balancing factors", "tally"},
        ),
        (
            change(e.Randomized, 2, factors=lambda entry: {**entry.factors, "subtype": "none"}),
            {"balancing factors", "evidence of the arm"},
        ),
        (change(e.Randomized, 4, k=9), {"number of the draw"}),
        (change(e.ItemsCorrected, 1, factors=None), {"corrected balancing factors"}),
        (change(e.ItemsCorrected, 1, new={"de_novo_stage_iv": "maybe"}), {"checks of the form"}),
        (change(e.RegistrationRefused, 1, verdict="pending"), {"refusal"}),
        (change(e.RegistrationRefused, 1, not_met=("1R-I1",)), {"refusal"}),
        (change(e.Registered, 1, evidence=()), {"criteria"}),
        (change(e.Registered, 1, protocol_version="0.9"), {"protocol version"}),
        (change(e.Registered, 1, site="s99"), {"right to register"}),
        (change(e.FormSubmitted, 1, values=lambda entry: {**entry.values, "fdg_pet": "not_done"}), {"verdict", "criteria"}),
        (change(e.FormSubmitted, 1, values=lambda entry: {**entry.values, "sex": "f"}), {"checks of the form", "values"}),
        (change(e.FormSubmitted, 5, form="sistemic_therapy"), {"checks of the form"}),
        (change(e.SecretCommitted, 1, from_k=2), {"commitment"}),
    ],
)
def test_a_forged_record_is_found(told, forgery, about):
    """A journal sealed anew after a change still betrays it: what was decided does not come out again."""
    assert about <= set(abouts(forge(told.records, forgery)))


def test_a_forged_draw_needs_the_secret_to_be_found(told):
    """A draw moved within its arm's share changes no arm; the opened secret convicts it all the same."""

    def nudge(entry):
        return entry.u / 2 if entry.u < entry.probability["A"] else (entry.u + 1) / 2

    records = list(forge(told.records, change(e.Randomized, 3, u=nudge)))
    assert abouts(records) == []
    found, _ = recheck(records, secrets=[told.SECRET])
    assert [(difference.about, difference.subject) for difference in found.differences] == [("draw", "S-0003")]


def test_a_forged_opening_is_found(told):
    """An opened secret that is not the one committed to is named, and used for no draw."""
    told.say(e.SecretOpened(commitment=commitment(told.SECRET), secret=told.SECRET.hex()))
    for wrong in ("00" * 32, "nothing"):
        found, _ = recheck(forge(told.records, change(e.SecretOpened, secret=wrong)))
        assert ([difference.about for difference in found.differences], found.draws_checked) == (["secret"], 0)


def test_a_second_subject_with_anothers_number_is_found(told):
    """A number out of turn betrays a registration that was taken out or slipped in."""

    def skip(entry):
        subject = getattr(entry, "subject", None)
        return None if subject == "S-0002" else entry

    assert "number of the subject" in abouts(forge(told.records, skip))


def test_a_record_that_has_no_place_ends_the_recheck(told):
    """A record about somebody who is not in the trial is told, not stumbled over."""
    told.say(e.QueryRaised(subject="S-0001", query="q1", form="first_registration", occurrence=1, text="Which?"))
    told.fill("S-0001", "follow_up", {"contact_date": "2024-06-10", "vital_status": "alive"})
    for forgery in (
        change(e.QueryRaised, 2, subject="S-0077"),
        change(e.Registered, 1, subject="S-0077"),
        change(e.Registered, 1, stage="third"),
        change(e.RegistrationRefused, 1, stage="third"),
        change(e.ItemsCorrected, 1, occurrence=2),
        change(e.Randomized, 1, subject="S-0077"),
    ):
        assert "place in the journal" in abouts(forge(told.records, forgery))
    found, _ = recheck(forge(told.records, change(e.QueryRaised, 2, subject="S-0077")))
    assert found.forms == 9  # the form after it is not reached


def test_progress_is_told_for_every_record(told):
    """The caller hears of each record as it is done."""
    heard = []
    recheck(told.records, progress=heard.append)
    assert heard == [record.seq for record in told.records]


def test_blocks_are_redone_with_their_place(tiny_bench):
    """Permuted blocks recheck clean, an annulled place included, and a forged place in a block is found."""
    for _ in range(7):
        tiny_bench.say(Register(stage="entry", site="s01", values=tiny_bench.TINY_ENTRY))
    tiny_bench.say(e.AllocationMarkedInError(subject="S-0003", k=3, reason="randomized twice"))
    for _ in range(3):
        tiny_bench.say(Register(stage="entry", site="s02", values=tiny_bench.TINY_ENTRY))
    assert abouts(tiny_bench.records, secrets=[tiny_bench.SECRET]) == []
    forged = forge(tiny_bench.records, change(e.Randomized, 10, detail=lambda entry: {**entry.detail, "position": 6, "size": 6}))
    assert "block" in abouts(forged)


def test_a_registration_that_randomizes_is_followed_by_its_allocation(told):
    """An allocation taken out of the journal, the last one too, is missed although everything else holds."""

    def without(number):
        seen = 0

        def drop(entry):
            nonlocal seen
            seen += isinstance(entry, e.Randomized)
            return None if isinstance(entry, e.Randomized) and seen == number else entry

        return drop

    assert abouts(forge(told.records, without(4))) == ["allocation"]
    assert "allocation" in abouts(forge(told.records, without(2)))


def test_a_published_head_is_held_against_the_chain(told):
    """Who changes a record and seals the chain anew is convicted by a head the journal says was published."""
    records = list(told.records)
    told.say(e.HeadPublished(record=records[-1].seq, seal=records[-1].seal, where="principal investigator"))
    assert recheck(told.records)[0].ok
    assert "published head" in abouts(forge(told.records, change(e.SiteOpened, name="another name")))
