"""Departures from the protocol, by kind, arm and grade, and the quality of the data they were found in."""

from dataclasses import dataclass

from oligami.analysis.measures import Spread, Tally, spread, tallies
from oligami.data.datasets import Datasets
from oligami.protocol.model.protocol import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationCount:
    """Deviations of one kind (and rule) in one arm (None: before randomization, or undated), and the subjects they concern."""

    kind: str
    rule: str | None
    arm: str | None
    deviations: int
    subjects: int
    grades: tuple[Tally, ...]  # in the protocol's order; None: not graded yet


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationSummary:
    """All deviations. `kinds` adds up the rules of a kind, `rules` shows each.

    reported: those that only the grade of the study office tells of, which no rule finds.
    """

    deviations: int
    subjects: int
    reported: int
    not_graded: int
    kinds: tuple[DeviationCount, ...]
    rules: tuple[DeviationCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormQuality:
    """How one form came in. Days late are of those that came after their due date."""

    form: str
    due: int
    submitted: int
    late: int
    missing: int
    days_late: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class DataQualitySummary:
    """Forms that were due up to the cut, corrections and data queries."""

    due: int
    late: int
    missing: int
    forms: tuple[FormQuality, ...]
    corrections: int
    queries_raised: int
    queries_open: int


def describe_deviations(datasets: Datasets, protocol: Protocol) -> DeviationSummary:
    """Count deviations."""
    table = datasets.deviations
    order = [grade.id for grade in protocol.safety.deviation_grade]
    arms: list[str | None] = [*datasets.arms, None]

    def count(kind: str, rule: str | None, arm: str | None) -> DeviationCount:
        rows = [
            row
            for row in range(len(table))
            if table.kind[row] == kind and table.arm[row] == arm and rule in (None, table.rule[row])
        ]
        return DeviationCount(
            kind=kind,
            rule=rule,
            arm=arm,
            deviations=len(rows),
            subjects=len({table.subject[row] for row in rows}),
            grades=tallies((table.grade[row] for row in rows), order),
        )

    kinds = sorted(set(table.kind))
    rules = sorted(set(zip(table.kind, table.rule, strict=True)))
    return DeviationSummary(
        deviations=len(table),
        subjects=len(set(table.subject)),
        reported=table.kind.count("reported"),
        not_graded=table.grade.count(None),
        kinds=tuple(count(kind, None, arm) for kind in kinds for arm in arms),
        rules=tuple(count(kind, rule, arm) for kind, rule in rules for arm in arms),
    )


def describe_data_quality(datasets: Datasets, protocol: Protocol) -> DataQualitySummary:
    """Count forms that came late or are missing, in the protocol's order of forms."""
    table = datasets.data_quality
    known = [form.id for form in protocol.forms]
    order = [*(form for form in known if form in table.form), *sorted(set(table.form) - set(known))]
    forms = []
    for form in order:
        rows = [row for row, own in enumerate(table.form) if own == form]
        delays = [float((came - table.due_date[row]).days) for row in rows if (came := table.submitted_date[row]) is not None]
        late = [days for days in delays if days > 0]
        forms.append(
            FormQuality(
                form=form,
                due=len(rows),
                submitted=len(delays),
                late=len(late),
                missing=len(rows) - len(delays),
                days_late=spread(late),
            )
        )
    return DataQualitySummary(
        due=sum(form.due for form in forms),
        late=sum(form.late for form in forms),
        missing=sum(form.missing for form in forms),
        forms=tuple(forms),
        corrections=datasets.corrections,
        queries_raised=datasets.queries_raised,
        queries_open=datasets.queries_open,
    )
