"""The whole trial of the standard scenario with seed 1, counted."""

import math
from collections import Counter
from datetime import date
from statistics import mean

import pytest

from oligami.data.cut import Cut
from oligami.data.derive import derive
from oligami.journal import entries as e
from oligami.journal.store import MemoryJournal
from oligami.simulation.rehearse import simulate
from oligami.stats.survival import kaplan_meier

END = date(2032, 10, 31)


@pytest.fixture(scope="module")
def records(protocol, standard):
    journal = MemoryJournal()
    rehearsal = simulate(protocol, standard, journal, seed=1)
    return rehearsal, list(journal.records())


@pytest.fixture(scope="module")
def datasets(records):
    return derive(records[0].trial, Cut(through=None, up_to=END), software_version="test", seed=1)


def test_the_trial_has_the_size_that_was_planned(records, protocol):
    """340 are registered and about 270 randomized, in more than 50 000 entries."""
    rehearsal, written = records
    first, second = (stage.id for stage in protocol.eligibility.stage)
    assert rehearsal.trial.registered(first) == protocol.design.registered_planned == 340
    assert 255 <= rehearsal.trial.registered(second) <= 270
    # The design expects 79 %; four standard errors of a proportion of 340 are 9 points.
    assert 0.74 <= rehearsal.trial.registered(second) / 340 <= 0.84
    assert 50_000 <= len(written) <= 62_000


def test_it_runs_from_the_first_day_to_the_last(records):
    """The journal begins on the day accrual began and ends with the last follow-up."""
    _, written = records
    assert written[0].stamp.recorded_at.date() == date(2023, 11, 8)
    assert date(2032, 10, 1) <= written[-1].stamp.recorded_at.date() <= END


def test_few_commands_are_refused(records):
    """Of all that was said, at most one command in a thousand was refused."""
    rehearsal, written = records
    assert sum(rehearsal.refused_commands.values()) < len(written) / 1000


def test_every_kind_of_slip_occurs(records):
    """Corrected factors, errors found after locking, graded deviations and closed sites are all there."""
    _, written = records
    kinds = Counter(type(record.entry) for record in written)
    for kind in (e.FormUnlocked, e.DeviationGraded, e.SiteClosed, e.ConsentWithdrawn, e.SafetyReported):
        assert kinds[kind] > 0
    assert sum(isinstance(entry := record.entry, e.ItemsCorrected) and entry.factors is not None for record in written) >= 2
    assert (
        len({rule for record in written if isinstance(record.entry, e.RegistrationRefused) for rule in record.entry.not_met}) > 10
    )


def test_survival_is_near_the_scenario(datasets, protocol):
    """Five years after randomization about as many live in either arm as the design's preset says."""
    preset = next(preset for preset in protocol.design.preset if preset.id == protocol.design.preset_in_force)
    table = datasets.endpoints["os"]
    for arm, share in (("A", preset.control_survival), ("B", preset.experimental_survival)):
        mine = [row for row, own in enumerate(table.arm) if own == arm]
        curve = kaplan_meier(table.time_days[mine] / 365.25, table.event[mine])
        alive = curve.surv[curve.time <= 5].min()
        # 4 standard errors of a proportion; the scenario's median differs by subtype, so the preset is met only about
        assert abs(alive - share) < 4 * math.sqrt(share * (1 - share) / len(mine))


def test_windows_are_kept_mostly(datasets):
    """There are departures from the windows, and few: less than one for four subjects."""
    windows = [
        subject for subject, kind in zip(datasets.deviations.subject, datasets.deviations.kind, strict=True) if kind == "window"
    ]
    assert 10 < len(windows) < 340 / 4


def test_no_reading_disagrees_when_all_is_corrected(datasets):
    """At the end every recorded response is what the sizes give."""
    assert "response" not in datasets.deviations.kind


def test_local_therapy_is_given_lesion_by_lesion(datasets):
    """In the arm with local therapy nearly every remaining lesion had some, mostly radiotherapy, mostly as allowed."""
    lesions = datasets.lesions
    mine = [row for row, arm in enumerate(lesions.arm) if arm == "B"]
    treated = [row for row in mine if lesions.modality[row] is not None]
    assert len(treated) / len(mine) > 0.8
    irradiated = [row for row in treated if lesions.modality[row] == "radiotherapy"]
    assert 0.7 < len(irradiated) / len(treated) < 0.97
    allowed = [lesions.option_status[row] == "ALLOWED" for row in irradiated]
    assert 0.88 < mean(allowed) < 1
