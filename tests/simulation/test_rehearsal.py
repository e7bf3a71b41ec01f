"""A simulated trial of few people: decided like a real one, the same for the same seed, and true to itself."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from oligami.data.history import read_histories
from oligami.data.progression import find_progression
from oligami.journal import entries as e
from oligami.journal.store import FileJournal, MemoryJournal
from oligami.journal.verify import verify_file
from oligami.protocol.model.forms import FormRole
from oligami.simulation.rehearse import simulate, simulate_to_file
from oligami.trial.fold import fold
from oligami.trial.recheck import recheck

#: Dates by which a form tells when the subject was alive.
PROOFS = {
    "course": "course_start_date",
    "response_evaluation": "assessment_date",
    "radiotherapy": "end_date",
    "surgery": "surgery_date",
    "adverse_event": "start_date",
    "qlq_c30": "completed_date",
    "follow_up": "contact_date",
    "therapy_change": "change_date",
}


def of_kind(simulated, kind):
    return [record.entry for record in simulated.records if isinstance(record.entry, kind)]


def subjects(simulated):
    return simulated.rehearsal.trial.subjects.values()


# ---------------------------------------------------------------- decided, and the same every time


def test_the_journal_verifies(small):
    """The chain of a simulated journal holds to its head."""
    found = verify_file(small.path)
    assert found.ok
    assert (found.records, found.head_seal) == (len(small.records), small.rehearsal.trial.head.seal)


def test_every_decision_redone_comes_out_the_same(small):
    """Verdicts, tallies, arms, draws and edit checks redone from the journal and the secret all agree."""
    found, _ = recheck(small.records, secrets=[small.rehearsal.secret])
    assert found.differences == []
    assert found.draws_checked == found.allocations == small.rehearsal.trial.allocated > 20
    assert found.refusals > 0


def test_the_fold_is_the_trial_that_was_simulated(small):
    """Whoever reads the journal sees what the simulation saw."""
    assert fold(small.records) == small.rehearsal.trial


def test_the_seed_is_all_there_is_to_chance(protocol, few):
    """The same seed gives the same records; another seed gives others."""
    until = date(2024, 6, 30)
    heads = []
    for seed in (4, 4, 5):
        journal = MemoryJournal()
        simulate(protocol, few, journal, seed=seed, until=until)
        heads.append(journal.head())
    assert heads[0] == heads[1] != heads[2]


def test_bytes_do_not_depend_on_the_process(tmp_path):
    """Two processes whose sets and dictionaries hash differently write the same bytes."""
    written = []
    for number in (1, 2):
        path = tmp_path / f"{number}.jsonl"
        subprocess.run(
            [
                *(sys.executable, "-m", "oligami.cli.main", "simulate", "jcog2110", "--seed", "3"),
                *("--until", "2024-02-29", "--journal", str(path)),
            ],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": str(number), "PATH": ""},
        )
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert written[0].count(b"\n") > 250


@pytest.mark.parametrize("until", [date(2024, 3, 1), date(2025, 1, 13)])
def test_stopping_earlier_gives_a_prefix(protocol, few, small, until, tmp_path):
    """A trial stopped on a day is, byte for byte, the beginning of the whole one, and nothing up to that day is missing."""
    path = tmp_path / "stopped.jsonl"
    simulate_to_file(protocol, few, path, seed=11, until=until)
    stopped, whole = path.read_bytes(), small.path.read_bytes()
    assert whole.startswith(stopped)
    count = stopped.count(b"\n")
    assert small.records[count - 1].stamp.recorded_at.date() <= until < small.records[count].stamp.recorded_at.date()


def test_time_never_goes_back(small):
    """Every record is as late as the one before, or later, and lies within the scenario."""
    instants = [record.stamp.recorded_at for record in small.records]
    assert instants == sorted(instants)
    assert instants[-1].date() <= date(2027, 6, 30)


def test_refused_commands_are_few_and_explained(small):
    """What the rules refuse is a form on its way when consent was withdrawn, or a typing error that a hard check stopped."""
    hard = {check.id for form in small.rehearsal.trial.protocol.forms for check in form.check if check.level == "hard"}
    for rule in small.rehearsal.refused_commands:
        assert rule == "consent.withdrawn" or rule.rsplit(".", 1)[-1] in hard or rule.startswith("forms."), rule
    assert sum(small.rehearsal.refused_commands.values()) < len(small.records) / 200


# ---------------------------------------------------------------- everything a trial's journal has


def test_every_kind_of_entry_occurs(small):
    """A rehearsal shows what the real trial will show, slips included."""
    found = {type(record.entry) for record in small.records}
    expected = {
        e.ProtocolActivated,
        e.SecretCommitted,
        e.SiteOpened,
        e.RoleGranted,
        e.ConsentGiven,
        e.RegistrationRefused,
        e.Registered,
        e.Randomized,
        e.FormSubmitted,
        e.ItemsCorrected,
        e.QueryRaised,
        e.QueryAnswered,
        e.QueryClosed,
        e.FormVerified,
        e.FormSigned,
        e.FormLocked,
        e.FormUnlocked,
        e.SafetyReported,
        e.ConsentWithdrawn,
        e.CutTaken,
        e.ExportMade,
        e.MonitoringDecided,
        e.HeadPublished,
    }
    assert expected <= found
    assert {record.stamp.channel for record in small.records} == {"simulation"}
    assert any(record.stamp.caller for record in small.records)


def test_refusals_are_by_the_real_criteria(small):
    """Simulated people fail criteria of the protocol, and some only lack an item."""
    known = {criterion.id for stage in small.rehearsal.trial.protocol.eligibility.stage for criterion in stage.criterion}
    refusals = of_kind(small, e.RegistrationRefused)
    named = {rule for refusal in refusals for rule in (*refusal.not_met, *refusal.unknown)}
    assert len(named) >= 3
    assert named <= known
    assert {refusal.verdict for refusal in refusals} == {"ineligible", "pending"}


def test_a_balancing_factor_is_corrected_after_the_draw(small):
    """A factor that was entered wrong is corrected; the allocation keeps the factors of its draw."""
    corrected = [entry for entry in of_kind(small, e.ItemsCorrected) if entry.factors is not None]
    assert corrected
    changed = [
        subject.allocation
        for subject in subjects(small)
        if subject.allocation and subject.allocation.factors_drawn != subject.allocation.factors
    ]
    assert len(changed) >= 1


def test_nothing_that_names_a_person_is_kept(small):
    """The birth date serves the decision and never enters the journal, not even by a correction."""
    assert b"birth_date" not in b"".join(line for line in small.path.read_bytes().splitlines()[1:])


def test_registrations_are_signed_and_locked_like_other_forms(small):
    """The forms that the protocol wants signed are signed, those of the registrations too."""
    signed = {(entry.subject, entry.form) for entry in of_kind(small, e.FormSigned)}
    long_ago = date(2026, 6, 30)
    for subject in subjects(small):
        for stage in subject.stages.values():
            if stage.registration_date < long_ago:
                assert (subject.id, small.rehearsal.trial.protocol.stage(stage.stage).form) in signed


# ---------------------------------------------------------------- typing errors


def test_typing_errors_are_found_and_corrected(small):
    """What was mistyped comes with a data query and a correction; after the last one the readings all agree again."""
    queried = {(entry.subject, entry.form, entry.occurrence) for entry in of_kind(small, e.QueryRaised)}
    mistyped = [
        entry for entry in of_kind(small, e.ItemsCorrected) if entry.form not in ("first_registration", "second_registration")
    ]
    assert len(mistyped) > 20
    assert all((entry.subject, entry.form, entry.occurrence) in queried for entry in mistyped)


def test_recorded_responses_are_those_of_the_rules(small):
    """The overall response on every scan is what the response rules give from the sizes, but where a size is mistyped."""
    trial = small.rehearsal.trial
    assert trial.protocol.response is not None
    scans, disagree = 0, []
    for history in read_histories(tuple(trial.subjects.values()), trial.protocol, date(2027, 6, 30)):
        progression = find_progression(history, trial.protocol.response)
        for scan, judged in zip(progression.scans, progression.judged, strict=True):
            scans += 1
            if scan.overall != judged.overall:
                disagree.append((history.id, scan.filled.state))
    assert scans > 100
    corrected_later = {
        (entry.subject, entry.form, entry.occurrence)
        for entry in of_kind(small, e.QueryRaised)
        if trial.subjects[entry.subject].queries[entry.query].status != "closed"
    }
    first = {subject.id for subject in trial.subjects.values() if subject.forms["first_registration", 1].changes}
    for subject, state in disagree:
        assert (subject, state.form, state.occurrence) in corrected_later or subject in first


# ---------------------------------------------------------------- lives


def test_nothing_happens_after_death(small):
    """No form tells of anything on or after the day of death, however late it came in."""
    died = {
        subject.id: date.fromisoformat(subject.values("death")["death_date"])
        for subject in subjects(small)
        if subject.values("death")
    }
    assert len(died) > 5
    late = 0
    for subject in subjects(small):
        if subject.id not in died:
            continue
        for (form, _), state in subject.forms.items():
            day = state.values.get(PROOFS.get(form, ""))
            if day is not None:
                assert date.fromisoformat(day) < died[subject.id], (subject.id, form, day)
            late += form != "death" and state.submitted_at.date() > died[subject.id]
    assert late > 0


def test_a_death_is_told_once_and_after_it_happened(small):
    """Death comes with its form, once, and not before its day."""
    deaths = [record for record in small.records if isinstance(record.entry, e.FormSubmitted) and record.entry.form == "death"]
    assert max(Counter(record.entry.subject for record in deaths).values()) == 1
    for record in deaths:
        assert date.fromisoformat(record.entry.values["death_date"]) <= record.stamp.recorded_at.date()


def test_forms_tell_of_the_past(small):
    """No form comes in before the day it tells of."""
    for record in small.records:
        if isinstance(record.entry, e.FormSubmitted) and record.entry.form in PROOFS:
            day = date.fromisoformat(record.entry.values[PROOFS[record.entry.form]])
            # A clinic writes ahead at most the day of the course it has just decided on.
            assert day <= record.stamp.recorded_at.date() + timedelta(days=1), (record.seq, record.entry.form)


def test_therapy_stops_with_progression_and_withdrawal(small):
    """After the end of treatment, whatever ended it, no course begins any more."""
    for subject in subjects(small):
        end = subject.values("treatment_end").get("end_date")
        if end is None:
            continue
        for course in subject.of_form("course"):
            assert course.values["course_start_date"] <= end, subject.id


def test_withdrawal_of_more_than_treatment_closes_the_casebook(small):
    """After consent to follow-up or to the use of data was withdrawn, no form comes in."""
    closed = {}
    withdrawn = 0
    for record in small.records:
        match record.entry:
            case e.ConsentWithdrawn(subject=subject, scope=scope):
                withdrawn += 1
                if scope != "treatment":
                    closed[subject] = record.seq
            case e.FormSubmitted(subject=subject):
                assert subject not in closed
            case _:
                pass
    assert withdrawn > 2
    assert closed


def test_serious_events_are_reported_mostly_in_time(small):
    """Serious adverse events have each report that the protocol asks for, most within its deadline."""
    for deadline in small.rehearsal.trial.protocol.safety.deadline:
        delays = []
        for subject in subjects(small):
            reported = {(report.form, report.occurrence): report for report in subject.reports if report.report == deadline.id}
            for state in subject.of_form("adverse_event"):
                if state.values["serious"] == "yes":
                    report = reported.get(("adverse_event", state.occurrence))
                    if report is not None:
                        delays.append((report.reported_at.date() - report.aware_date).days)
        assert len(delays) >= 3
        assert sum(delay * 24 <= deadline.hours for delay in delays) / len(delays) > 0.6


def test_forms_come_late_or_never_for_some(small):
    """Most forms come within the office's days, some much later; some planned scans were never told."""
    submitted = [
        (record.stamp.recorded_at.date() - date.fromisoformat(record.entry.values[PROOFS[record.entry.form]])).days
        for record in small.records
        if isinstance(record.entry, e.FormSubmitted) and record.entry.form in ("course", "follow_up", "qlq_c30")
    ]
    late = sum(days > 19 for days in submitted) / len(submitted)
    assert 0.05 < late < 0.2
    numbers = {subject.id: [state.values["course_number"] for state in subject.of_form("course")] for subject in subjects(small)}
    assert any(len(set(own)) < max(own, default=0) for own in numbers.values())


# ---------------------------------------------------------------- files


def test_an_existing_journal_is_left_alone(protocol, few, tmp_path):
    """A simulation never writes over a journal."""
    path = tmp_path / "trial.jsonl"
    path.write_text("kept", encoding="utf-8")
    with pytest.raises(FileExistsError):
        simulate_to_file(protocol, few, path, seed=1)
    assert path.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("broken")])
def test_a_run_that_breaks_off_leaves_nothing(protocol, few, tmp_path, fault):
    """Interrupted or failing, a run leaves no journal and no part of one."""

    def stop(records, today):
        if records > 600:
            raise fault

    with pytest.raises(type(fault)):
        simulate_to_file(protocol, few, tmp_path / "trial.jsonl", seed=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_is_not_empty_is_refused(protocol, few, small):
    """A simulation is a whole trial: it cannot go on where another journal stands."""
    with FileJournal(small.path) as journal, pytest.raises(ValueError, match="empty"):
        simulate(protocol, few, journal, seed=1)


def test_a_day_before_the_start_is_refused(protocol, few):
    """A simulation cannot stop before it begins."""
    with pytest.raises(ValueError, match="begins on 2023-11-08"):
        simulate(protocol, few, MemoryJournal(), seed=1, until=date(2023, 11, 7))


def test_a_scenario_whose_people_all_fail_ends(protocol, few):
    """Where nobody can be registered, the simulation still comes to its end, with refusals and no subject."""
    items = {**few.filling_of("first_registration")}
    items["histology_invasive"] = replace(items["histology_invasive"], choose={"no": 1.0})
    filling = (replace(few.filling[0], item=items), *few.filling[1:])
    journal = MemoryJournal()
    rehearsal = simulate(protocol, replace(few, filling=filling), journal, seed=2, until=date(2024, 8, 1))
    assert len(rehearsal.trial.subjects) == 0
    assert len(rehearsal.trial.refusals) > 5


def test_roles_of_forms_not_names_carry_the_simulation(small):
    """Every role of form that the protocol has was filled in the course of the trial."""
    protocol = small.rehearsal.trial.protocol
    filled = {entry.form for entry in of_kind(small, e.FormSubmitted)}
    assert {form.role for form in protocol.forms if form.role is not FormRole.OTHER} == {
        protocol.form(form).role for form in filled
    }
