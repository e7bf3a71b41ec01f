"""The public record as the journal makes it: status, sites, counts, revisions, and the versions they make."""

from dataclasses import replace
from datetime import date

import pytest

from oligami.journal import entries as e
from oligami.protocol.digest import with_digest
from oligami.protocol.text import Text
from oligami.registry.differences import differences, segments, told
from oligami.registry.versions import follow, record_at, versions

NAMED = "Tokyo Medical and Dental Univetsity"
OPEN = e.SiteOpened(site="s01", name=NAMED)
GHOST = e.SiteOpened(site="s02", name="Ghost Hospital", fictitious=True)


def registered(number, site="s01", stage="first"):
    return e.Registered(
        subject=f"S-{number:04d}", stage=stage, site=site, registration_date=date(2024, 4, 1), protocol_version="1.0"
    )


def statuses(records):
    return [version.record.status for version in versions(records)]


def test_the_status_follows_the_journal(journal, activated, jcog):
    """Not yet recruiting, recruiting, suspended while the first stage is paused, and no longer once all sites are closed."""
    records = journal(
        activated(jcog),
        OPEN,
        e.AccrualPaused(stage="first", reason="supply"),
        e.AccrualResumed(stage="first", reason="supply is back"),
        e.SiteClosed(site="s01", reason="done"),
        e.RecordRevised(changes={"status.overall": "COMPLETED"}, reason="follow-up ended"),
    )
    assert statuses(records) == [
        "NOT_YET_RECRUITING",
        "RECRUITING",
        "SUSPENDED",
        "RECRUITING",
        "ACTIVE_NOT_RECRUITING",
        "COMPLETED",
    ]


def test_a_pause_of_a_later_stage_is_told_but_suspends_nothing(journal, activated, jcog):
    """While only the second registration is paused, new people are still taken in, and the record says what is paused."""
    newest = versions(journal(activated(jcog), OPEN, e.AccrualPaused(stage="second", reason="supply")))[-1]
    assert newest.record.status == "RECRUITING"
    assert newest.record.paused == (Text("Second registration", "二次登録"),)
    assert newest.what == Text("Registration paused: Second registration", "登録を一時停止: 二次登録")


def test_when_the_planned_number_is_reached_recruitment_ends(journal, activated, tiny):
    """The last subject of the first stage's limit makes a version; the ones before make none."""
    stage = tiny.eligibility.stage[0]
    few = replace(tiny.eligibility, stage=(replace(stage, limit=2), *tiny.eligibility.stage[1:]))
    protocol = with_digest(replace(tiny, eligibility=few))
    records = journal(
        activated(protocol), OPEN, registered(1, stage=stage.id), registered(2, stage=stage.id), registered(3, stage=stage.id)
    )
    made = versions(records)
    assert [(each.record.seq, each.record.status) for each in made] == [
        (1, "NOT_YET_RECRUITING"),
        (2, "RECRUITING"),
        (4, "ACTIVE_NOT_RECRUITING"),
    ]
    assert made[-1].what == Text("Status: Recruiting, now Active, not recruiting", "状況: 募集中 から 実施中（募集は終了） へ")


def test_fictitious_sites_make_no_version_and_no_location(journal, activated, jcog):
    """Opening and closing them, with whatever reason, leaves the record as it is."""
    course = follow(journal(activated(jcog), OPEN, GHOST, registered(1, "s02"), e.SiteClosed(site="s02", reason="ghost left")))
    assert [version.record.seq for version in course.versions] == [1, 2]
    assert [location.facility for location in course.record.said.location] == [NAMED]
    assert course.record.enrolment[0].count == 0


def test_a_rehearsal_counts_its_simulated_subjects_and_says_so(journal, activated, jcog):
    """In a simulated journal subjects count wherever they are; the fictitious sites stay out all the same."""
    records = journal(activated(jcog), OPEN, GHOST, registered(1, "s01"), registered(2, "s02"), channel="simulation")
    record = follow(records).record
    assert record.simulated
    assert record.enrolment[0].count == 2
    assert [location.facility for location in record.said.location] == [NAMED]


def test_a_site_is_the_location_of_its_name_or_a_new_one(journal, activated, jcog):
    """Width, case and spaces of a name do not matter; a site that the record does not name is added with its dates."""
    course = follow(
        journal(
            activated(jcog),
            e.SiteOpened(site="s01", name="ＴＯＫＹＯ medical and  dental univetsity"),
            e.SiteOpened(site="s02", name="North Hospital"),
            e.SiteClosed(site="s02", reason="merged"),
        )
    )
    found = [(each.facility, each.status) for each in course.record.said.location]
    assert found == [(NAMED, "RECRUITING"), ("North Hospital", "ACTIVE_NOT_RECRUITING")]
    assert [(each.opened, each.closed) for each in course.record.site_dates] == [
        (date(2024, 4, 2), None),
        (date(2024, 4, 3), date(2024, 4, 4)),
    ]


def test_registrations_count_by_stage_until_they_are_annulled(journal, activated, jcog):
    """Counts are of registrations that stand, stage by stage, and make no version."""
    records = journal(
        activated(jcog),
        OPEN,
        registered(1),
        registered(2),
        registered(1, stage="second"),
        e.RegistrationAnnulled(subject="S-0002", stage="first", reason="twice"),
    )
    course = follow(records)
    assert [(each.stage, each.count) for each in course.record.enrolment] == [("first", 1), ("second", 1)]
    assert len(course.versions) == 2
    assert [each.count for each in record_at(records, 4).enrolment] == [2, 0]


def test_a_revision_makes_a_version_with_its_record_and_seal(journal, activated, jcog):
    """What, why, when, and the place in the chain; the version before keeps the old value."""
    records = journal(activated(jcog), OPEN, e.RecordRevised(changes={"central_contact.0.name": "Study office"}, reason="moved"))
    before, after = versions(records)[1:]
    assert (after.number, after.day, after.why) == (3, date(2024, 4, 3), Text("moved", "moved"))
    assert after.what == Text("Record revised: central contacts", "登録情報を変更: 連絡先")
    assert (after.record.seq, after.record.seal) == (records[2].seq, records[2].seal)
    assert [each.name for each in (before.record.said.central_contact[0], after.record.said.central_contact[0])] == [
        "Tohiyuki Ishiba, M.D.Ph.D.",
        "Study office",
    ]


def test_a_change_of_an_old_journal_that_fits_nowhere_is_passed_over(journal, activated, jcog):
    """A journal from before the check may name places that do not exist; the record stands without them."""
    course = follow(journal(activated(jcog), e.RecordRevised(changes={"nowhere": 1}, reason="slip"), OPEN))
    assert [version.record.seq for version in course.versions] == [1, 3]


def test_a_reason_that_names_a_subject_is_withheld(journal, activated, jcog):
    """Reasons are public, numbers of subjects are not."""
    made = versions(journal(activated(jcog), OPEN, e.AccrualPaused(reason="event of S-0042")))
    assert "0042" not in made[-1].why.en + made[-1].why.ja


def test_a_new_protocol_version_keeps_revisions_of_the_parts_it_leaves_alone(journal, activated, jcog):
    """A revised contact outlives an amendment of the summary; where the new folder rewrites the contacts, the folder counts."""
    revised = e.RecordRevised(changes={"central_contact.0.name": "Study office"}, reason="moved")
    summary = replace(jcog.trial, brief_summary=Text("New.", "新。"))
    people = (replace(jcog.trial.central_contact[0], name="Office of the chair"),)
    contacts = replace(jcog.trial, central_contact=people)

    def newest(trial):
        amended = with_digest(replace(jcog, version="2.0", trial=trial))
        return versions(journal(activated(jcog), revised, activated(amended)))[-1].record

    amended = newest(summary)
    assert amended.said.central_contact[0].name == "Study office"
    assert amended.said.brief_summary.en == "New."
    assert amended.protocol.version == "2.0"
    assert newest(contacts).said.central_contact[0].name == "Office of the chair"


def test_a_version_for_single_sites_is_told_and_leaves_the_record_alone(journal, activated, jcog):
    """It is approved from its activation on, and the record is the new folder's once it rules the whole trial."""
    amended = with_digest(replace(jcog, version="2.0", trial=replace(jcog.trial, brief_summary=Text("New.", "新。"))))
    course = follow(journal(activated(jcog), OPEN, replace(activated(amended), per_site=True), activated(amended)))
    approved, ruling = course.versions[2:]
    assert approved.record.approved == ("2.0",)
    assert approved.record.said.brief_summary == jcog.trial.brief_summary
    assert ruling.record.approved == ()
    assert ruling.record.said.brief_summary.en == "New."


def test_the_course_goes_on_where_it_stopped(journal, activated, jcog):
    """Records in two goes give what they give in one; a record seen before is refused."""
    records = journal(activated(jcog), OPEN, registered(1), e.AccrualPaused(reason="supply"))
    assert follow(records[2:], follow(records[:2])) == follow(records)
    with pytest.raises(ValueError, match="looked at before"):
        follow(records[:1], follow(records))


def test_the_version_of_a_date_is_the_one_it_began_with(journal, activated, jcog):
    """A change of the very day of a consent counts as new; on the first day it is the first version; before it there is none."""
    course = follow(journal(activated(jcog), OPEN, e.AccrualPaused(reason="supply")))
    numbers = {day: course.on(date(2024, *day)) for day in ((3, 31), (4, 1), (4, 2), (4, 3), (4, 4), (12, 31))}
    assert [version and version.number for version in numbers.values()] == [None, 1, 1, 2, 3, 3]


def test_differences_are_told_in_both_languages(journal, activated, jcog):
    """Each changed field once, old and new, in words."""
    first, second = versions(journal(activated(jcog), OPEN))
    assert list(told(differences(first.record, second.record), "ja")) == [
        "状況と日付 / 状況: 募集開始前 → 募集中",
        f"実施施設 / {NAMED} / 施設の状況: 募集開始前 → 募集中",
        f"実施施設 / {NAMED} / 開設日: （なし） → 2024-04-02",
    ]
    assert next(told(differences(first.record, second.record), "en")) == (
        "Status and dates / Overall status: Not yet recruiting → Recruiting"
    )
    assert differences(second.record, second.record) == ()


def test_taking_out_the_first_of_a_list_moves_none_of_the_others(journal, activated, jcog):
    """One contact less is one contact less, not a change of every one."""
    records = journal(activated(jcog), e.RecordRevised(changes={"official.0": None}, reason="retired"))
    first, second = versions(records)
    found = differences(first.record, second.record)
    assert {each.new for each in found} == {None}
    assert {each.group.en for each in found} == {jcog.trial.official[0].name}


def test_only_the_sentences_that_changed_are_marked(journal, activated, jcog):
    """A long text keeps its unchanged sentences unmarked, and both wordings can be read from the runs."""
    new = jcog.trial.brief_summary.ja.replace("50病院", "52病院")
    first, second = versions(journal(activated(jcog), e.RecordRevised(changes={"brief_summary.ja": new}, reason="two more")))
    (found,) = differences(first.record, second.record)
    runs = segments(found, "ja")
    assert "".join(run.text for run in runs if run.kind != "new") == jcog.trial.brief_summary.ja
    assert "".join(run.text for run in runs if run.kind != "old") == new
    assert [run.kind for run in runs] == ["old", "new", "same"]


def test_a_second_trial_has_a_public_record_too(journal, activated, tiny):
    """Nothing of the first trial is needed."""
    record = follow(journal(activated(tiny), e.SiteOpened(site="x", name="Fictitious Hospital"))).record
    assert record.status == "RECRUITING"
    assert record.said.identification.nct_id == "NCT00000000"
