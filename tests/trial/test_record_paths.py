"""Places in the public record: what a revision may name, and the sentence for each that it may not."""

import pytest

from oligami.protocol.load import find_protocol, load_protocol
from oligami.trial.record_paths import apply_changes, check_changes


@pytest.fixture(scope="module")
def record():
    """The record of the real trial."""
    return load_protocol(find_protocol("jcog2110", version="1.0")).trial


WORDS = {"en": "a", "ja": "b"}


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"central_contact.0.name": "Office"}, lambda record: record.central_contact[0].name == "Office"),
        ({"central_contact.2": {"name": "C", "role": "CONTACT"}}, lambda record: len(record.central_contact) == 3),
        ({"central_contact.0": None, "central_contact.1": None}, lambda record: record.central_contact == ()),
        ({"location.0.note": None}, lambda record: record.location[0].note is None),
        ({"related_link": [{"url": "https://example.org", "label": WORDS}]}, lambda record: len(record.related_link) == 1),
        ({"brief_summary.ja": "短い"}, lambda record: record.brief_summary.ja == "短い"),
        ({"status.completion_date": "2033-10-31"}, lambda record: record.status.completion_date.year == 2033),
        ({"status.has_results": True}, lambda record: record.status.has_results),
        ({"keywords.0": WORDS, "keywords.1": WORDS}, lambda record: len(record.keywords) == 2),
    ],
)
def test_changes_that_fit_are_made(record, changes, read):
    """A value, a table, a list, one more, one less, one emptied."""
    assert check_changes(record, changes) == ()
    assert not read(record)
    assert read(apply_changes(record, changes))


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({"central_contact.0.nmae": "x"}, "record.path_unknown", "did you mean name?"),
        ({"central_contcat.0.name": "x"}, "record.path_unknown", "did you mean central_contact?"),
        ({"central_contact.7.name": "x"}, "record.path_unknown", "a list of 2"),
        ({"central_contact.-1.name": "x"}, "record.path_unknown", "a list of 2"),
        ({"sponsor.name.first": "x"}, "record.path_unknown", "goes too far"),
        ({"": "x"}, "record.path_unknown", '""'),
        ({"central_contact.0.name": 5}, "record.value", "expected a text"),
        ({"design.enrollment_count": "340"}, "record.value", "a whole number"),
        ({"status.start_date": "8.11.2023"}, "record.value", "a date like"),
        ({"status.has_results": 1}, "record.value", "true or false"),
        ({"brief_summary": "x"}, "record.value", "a table with keys"),
        ({"location": None}, "record.value", "a list"),
        ({"central_contact.2": {"name": "C"}}, "record.value", "may not be left out"),
        ({"central_contact.0.name": " "}, "record.value", "a name is due"),
        ({"sponsor.name": float("nan")}, "record.value", "JSON"),
        ({"arm.0.id": "C"}, "record.not_public", "no part of the public record"),
        ({"identification.id": "other"}, "record.not_public", "no part of the public record"),
        ({"status.origin": {}}, "record.not_public", "no part of the public record"),
        ({"status.overall": "RECRUITING_"}, "record.derived", "follows from the journal"),
        ({"location.0.status": "RECRUTING"}, "record.word", "did you mean RECRUITING?"),
        ({"related_link.0": {"url": "javascript:alert(1)", "label": WORDS}}, "record.address", "https://"),
        ({"status.completion_date": "2000-01-01"}, "record.dates", "before status.start_date"),
        ({"location.0": None, "location.0.city": "x"}, "record.path_twice", "change one of the two"),
    ],
)
def test_changes_that_do_not_fit_are_told_why(record, changes, rule, words):
    """Each slip has its rule and a sentence in both languages; nothing of the record is touched by it."""
    reasons = check_changes(record, changes)
    assert rule in [reason.rule for reason in reasons]
    assert any(words in reason.text.en for reason in reasons)
    assert all(reason.text.ja for reason in reasons)
    assert apply_changes(record, changes) == record


def test_all_slips_are_told_at_once(record):
    """Two unknown places give two reasons."""
    assert len(check_changes(record, {"nothing": 1, "sponsor.nothing": 1})) == 2
