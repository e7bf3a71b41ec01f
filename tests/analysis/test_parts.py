"""What a protocol neither gives nor records is left out of the analysis and never counted."""

from dataclasses import replace

import pytest

from oligami.analysis.flow import describe_flow
from oligami.analysis.local_therapy import describe_local_therapy
from oligami.analysis.measures import Tally, by_frequency
from oligami.analysis.parts import randomizes_at_once
from oligami.analysis.plan import analyse
from oligami.analysis.quality_of_life import analyse_quality_of_life
from oligami.analysis.safety import analyse_safety
from oligami.analysis.therapy import describe_therapy
from oligami.protocol.model.forms import FormRole


def without(protocol, *roles):
    """The protocol without the forms of these roles."""
    return replace(protocol, forms=tuple(form for form in protocol.forms if form.role not in roles))


def test_no_therapy_no_count_of_therapy(synthetic, tiny):
    """Arms that include nothing have nobody who received, missed or crossed over to a therapy: None, not 0 and not 26."""
    results = analyse(synthetic.made_up(tiny, registered=40), tiny)
    assert {(arm.received, arm.not_received, arm.crossover) for arm in results.flow.arms} == {(None, None, None)}
    assert (results.therapy, results.local_therapy, results.safety, results.quality_of_life) == ((), (), None, None)
    assert randomizes_at_once(tiny)


def test_a_trial_with_all_parts_counts_all(synthetic, protocol):
    """Where arms include therapies and forms record them, each arm tells who received them, and crossover."""
    results = analyse(synthetic.made_up(protocol, registered=80), protocol)
    for arm in results.flow.arms:
        assert arm.received + arm.not_received == arm.randomized
        assert arm.crossover is not None
    assert [own.arm for own in results.therapy] == list(results.arms)
    assert [own.arm for own in results.local_therapy] == ["B"]
    assert results.safety is not None
    assert results.safety.treated_only
    assert results.quality_of_life is not None
    assert not randomizes_at_once(protocol)


def test_systemic_therapy_without_local_therapy_has_no_crossover(synthetic, protocol):
    """Without a form of local therapy there is no delivery and no crossover; the systemic therapy is still told."""
    datasets = synthetic.made_up(protocol, registered=60)
    own = without(protocol, FormRole.RADIOTHERAPY, FormRole.SURGERY)
    assert describe_local_therapy(datasets, own) == ()
    assert [therapy.crossover for therapy in describe_therapy(datasets, own)] == [None, None]
    flow = describe_flow(datasets, own)
    assert [arm.crossover for arm in flow.arms] == [None, None]
    assert all(arm.received is not None for arm in flow.arms)


@pytest.mark.parametrize("kept", [FormRole.RADIOTHERAPY, FormRole.SURGERY])
def test_either_form_records_local_therapy(synthetic, protocol, kept):
    """A trial of radiotherapy alone, or of surgery alone, has local therapy too."""
    datasets = synthetic.made_up(protocol, registered=60)
    own = without(protocol, *({FormRole.RADIOTHERAPY, FormRole.SURGERY} - {kept}))
    assert [local.arm for local in describe_local_therapy(datasets, own)] == ["B"]


def test_parts_need_their_forms(synthetic, protocol):
    """Without questionnaire, adverse event or course and therapy forms their parts are absent."""
    datasets = synthetic.made_up(protocol, registered=30)
    own = without(protocol, FormRole.QUESTIONNAIRE, FormRole.ADVERSE_EVENT, FormRole.THERAPY, FormRole.COURSE)
    assert analyse_quality_of_life(datasets, own) is None
    assert analyse_safety(datasets, own) is None
    assert describe_therapy(datasets, own) == ()


def test_adverse_events_of_a_trial_without_therapy_are_those_of_everybody(synthetic, protocol, tiny):
    """Where no therapy is given, adverse events count all who are registered: nobody's therapy could ever begin."""
    own = replace(tiny, forms=(*tiny.forms, *protocol.forms_of(FormRole.ADVERSE_EVENT)), codelists=protocol.codelists)
    datasets = synthetic.made_up(own, registered=40)
    n = len(datasets.subjects.subject)
    datasets = replace(
        datasets, subjects=replace(datasets.subjects, therapy_started=(False,) * n, local_therapy_started=(False,) * n)
    )
    safety = analyse_safety(datasets, own)
    assert safety is not None
    assert not safety.treated_only
    assert {group.arm: group.subjects for group in safety.groups} == {
        arm: datasets.subjects.arm.count(arm) for arm in datasets.arms
    }
    assert sum(group.any.count for group in safety.groups) > 0


def test_most_frequent_first_unknown_last():
    """Counts stand by frequency, equal ones by name, and what is not known at the end however often it occurs."""
    counts = [Tally(value=value, count=n, total=20) for value, n in ((None, 9), ("b", 2), ("a", 2), ("c", 7))]
    assert [tally.value for tally in by_frequency(counts)] == ["c", "a", "b", None]
