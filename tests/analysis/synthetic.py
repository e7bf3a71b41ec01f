"""Made-up datasets of any protocol: enough of everything for an analysis and a report, from one seed."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

import numpy as np

from oligami.data.datasets import (
    AdverseEvents,
    DataQuality,
    Datasets,
    Deviations,
    Lesions,
    Provenance,
    QualityOfLifeVisits,
    Questionnaires,
    Refusals,
    Subjects,
    Therapies,
    TimeToEvent,
)
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol


def made_up(
    protocol: Protocol,
    *,
    registered: int = 60,
    seed: int = 1,
    cut: date = date(2029, 11, 8),
    arms_used: tuple[str, ...] | None = None,
    events: bool = True,
    randomize: bool = True,
) -> Datasets:
    """Make the datasets of a cut.

    Args:
        protocol: gives arms, endpoints, factors, baseline rows, visits.
        registered: subjects of the first stage.
        seed: of all chance.
        cut: nothing happens after it.
        arms_used: arms that are drawn (default: all); the others stay empty.
        events: whether anybody dies or progresses.
        randomize: whether anybody is randomized.
    """
    random = np.random.default_rng(seed)
    arms = tuple(arm.id for arm in protocol.allocation.arms)
    used = arms_used or arms
    start = protocol.trial.status.start_date
    waits = np.sort(random.uniform(0, protocol.design.accrual_years * 365.25, registered))
    days = [start + timedelta(days=int(wait)) for wait in waits]
    days = [day for day in days if day <= cut]
    n = len(days)
    ids = tuple(f"S-{k + 1:04d}" for k in range(n))
    drawn: list[str | None] = []
    when: list[date | None] = []
    status, reasons = [], []
    for day in days:
        second = day + timedelta(days=int(random.integers(84, 120)))
        if second > cut:
            drawn.append(None), when.append(None), status.append("in_therapy"), reasons.append(None)
        elif not randomize or random.random() < 0.2:
            drawn.append(None), when.append(None), status.append("off_study")
            reasons.append(str(random.choice(["progression", "complete_response", "toxicity"])))
        else:
            drawn.append(str(random.choice(used))), when.append(second), status.append("randomized"), reasons.append(None)
    levels = {
        factor.id: tuple(str(random.choice(factor.levels or ("S01", "S02", "S03"))) for _ in range(n))
        for factor in protocol.allocation.factors
    }
    strata = tuple("|".join(levels[own.factor][k] for own in protocol.analysis.stratum) for k in range(n))
    experimental = arms[-1]
    to_death = [float(random.exponential(1500 if arm == experimental else 1000)) if events else 1e9 for arm in drawn]
    to_progression = [float(random.exponential(800 if arm == experimental else 400)) if events else 1e9 for arm in drawn]
    sites = ["oligometastases", "non_oligometastases", "both"]
    site_of = [str(random.choice(sites)) for _ in range(n)]
    lost = [float(random.exponential(9000)) for _ in range(n)]

    def rows_of(population: str) -> list[int]:
        if population.startswith("registered"):
            return list(range(n))
        arm = population.partition(":")[2]
        return [k for k in range(n) if drawn[k] is not None and arm in ("", drawn[k])]

    def endpoint(name: str, population: str, wanted: tuple[str, ...]) -> TimeToEvent:
        rows = rows_of(population)
        starts = [(days[k] if population.startswith("registered") else when[k]) or cut for k in rows]
        time, event, cause = [], [], []
        for k, begin in zip(rows, starts, strict=True):
            end = min(float((cut - begin).days), lost[k])
            first = min(to_death[k], to_progression[k]) if len(wanted) > 1 else to_death[k]
            happened = first <= end
            time.append(float(int(first if happened else end)))
            event.append(happened)
            died_first = len(wanted) == 1 or to_death[k] <= to_progression[k]
            cause.append(("death" if died_first else "progression_imaging") if happened else "last_alive")
        return TimeToEvent(
            endpoint=name,
            subject=tuple(ids[k] for k in rows),
            arm=tuple(drawn[k] for k in rows),
            stratum=tuple(strata[k] for k in rows),
            time_days=np.array(time, dtype=np.float64),
            event=np.array(event, dtype=np.bool_),
            cause=tuple(cause),
            start_date=tuple(starts),
            end_date=tuple(begin + timedelta(days=int(t)) for begin, t in zip(starts, time, strict=True)),
        )

    def baseline(row_id: str, summary: str, values: tuple[str, ...]) -> tuple[object, ...]:
        if summary == "median":
            return tuple(None if random.random() < 0.03 else float(random.integers(30, 80)) for _ in range(n))
        return tuple(None if random.random() < 0.03 else str(random.choice(values or ("yes", "no"))) for _ in range(n))

    def deaths(k: int) -> date | None:
        begin = when[k] or days[k]
        day = begin + timedelta(days=min(to_death[k], 20000))
        return day if day <= cut else None

    randomized = [k for k in range(n) if drawn[k] is not None]
    subjects = Subjects(
        subject=ids,
        site=tuple(f"Site {int(random.integers(1, 13)):02d}" for _ in range(n)),
        registration_date=tuple(days),
        randomization_date=tuple(when),
        arm=tuple(drawn),
        status=tuple(status),
        off_reason=tuple(reasons),
        factors_drawn=levels,
        factors=levels,
        baseline={
            row.id: baseline(row.id, row.summary, tuple(label.value for label in row.label)) for row in protocol.analysis.baseline
        },
        last_alive_date=tuple(cut for _ in range(n)),
        death_date=tuple(deaths(k) for k in range(n)),
        progression_date=tuple(None for _ in range(n)),
        progression_site=tuple(site_of),
        therapy_started=tuple(True for _ in range(n)),
        local_therapy_started=tuple(drawn[k] == experimental for k in range(n)),
        withdrawn_scope=tuple("treatment" if random.random() < 0.02 else None for _ in range(n)),
        annulled=tuple(False for _ in range(n)),
    )
    return Datasets(
        provenance=Provenance(
            software="oligami",
            software_version="0.1.0",
            trial=protocol.id,
            protocol_version=protocol.version,
            protocol_digest=protocol.digest or "0" * 64,
            journal_records=1000,
            journal_head="a" * 64,
            through=1000,
            up_to=cut,
            simulated=True,
            seed=seed,
        ),
        arms=arms,
        subjects=subjects,
        endpoints={
            own.id: endpoint(own.id, own.population, own.event)
            for own in protocol.analysis.endpoint
            if own.kind == "time_to_event"
        },
        lesions=_lesions(protocol, random, ids, drawn, when, randomized, arms),
        therapies=_therapies(protocol, random, ids, drawn, when, randomized),
        adverse_events=_adverse_events(protocol, random, ids, drawn),
        questionnaires=_questionnaires(protocol, random, ids, drawn, days, randomized),
        quality_of_life=_visits(protocol, random, ids, drawn, randomized),
        deviations=_deviations(protocol, random, ids, drawn),
        refusals=_refusals(protocol, random, days, n),
        data_quality=_data_quality(protocol, random, ids, days),
        sites_opened=tuple((f"Site {k:02d}", start + timedelta(days=30 * k)) for k in range(1, 13)),
        corrections=17,
        queries_raised=40,
        queries_open=5,
    )


def _choices(protocol: Protocol, role: FormRole, concept: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    form = protocol.form_of(role)
    item = form.find(concept) if form is not None else None
    if item is None:
        return otherwise
    codes = item.code
    if item.codelist is not None:
        codes = next(own.code for own in protocol.codelists if own.id == item.codelist)
    return tuple(code.value for code in codes) or otherwise


def _lesions(protocol, random, ids, drawn, when, randomized, arms) -> Lesions:
    options = protocol.radiotherapy.option if protocol.radiotherapy is not None else ()
    columns: dict[str, list[object]] = {name: [] for name in Lesions.__dataclass_fields__}
    for k in randomized:
        local = "local_therapy" in protocol.arm(drawn[k]).includes
        for number in range(int(random.integers(1, 4))):
            option = options[int(random.integers(len(options)))] if options else None
            remaining = bool(random.random() < 0.9)
            treated = local and remaining and random.random() < 0.93
            surgery = treated and random.random() < 0.2
            radiotherapy = treated and not surgery
            begin = when[k] + timedelta(days=int(random.integers(10, 45)))
            row = {
                "subject": ids[k],
                "arm": drawn[k],
                "lesion": f"L{number + 1}",
                "site": option.site if option is not None else "lung",
                "diameter_mm": float(random.integers(5, 30)),
                "remaining": remaining,
                "modality": "surgery" if surgery else "radiotherapy" if radiotherapy else None,
                "technique": option.technique if radiotherapy and option is not None else None,
                "lung_location": option.lung_location if radiotherapy and option is not None else None,
                "total_gy": option.total_gy_max if radiotherapy and option is not None else None,
                "fractions": option.fractions if radiotherapy and option is not None else None,
                "option": option.id if radiotherapy and option is not None else None,
                "option_status": "ALLOWED" if radiotherapy else None,
                "start_date": begin if treated else None,
                "end_date": begin + timedelta(days=14) if treated else None,
                "completion": "completed" if radiotherapy else None,
                "margin": "R0" if surgery else None,
                "complication_grade": str(random.choice(["0", "0", "II"])) if surgery else None,
            }
            for name, value in row.items():
                columns[name].append(value)
    return Lesions(**{name: tuple(values) for name, values in columns.items()})


def _therapies(protocol, random, ids, drawn, when, randomized) -> Therapies:
    regimens = tuple(own.code for own in protocol.therapy.regimen) if protocol.therapy is not None else ("NONE",)
    kept = ["same", "same", "same_with_switch", "changed_after_progression", "changed_before_progression", "ended"]
    verdicts = [str(random.choice(kept)) for _ in randomized]
    return Therapies(
        subject=tuple(ids[k] for k in randomized),
        arm=tuple(drawn[k] for k in randomized),
        regimen=tuple(str(random.choice(regimens)) for _ in randomized),
        courses_before=tuple(int(random.integers(3, 5)) for _ in randomized),
        courses_after=tuple(int(random.integers(1, 30)) for _ in randomized),
        kept=tuple(verdicts),
        switched=tuple(verdict == "same_with_switch" for verdict in verdicts),
        change_date=tuple(
            when[k] if verdict.startswith("changed") else None for k, verdict in zip(randomized, verdicts, strict=True)
        ),
        change_reason=tuple("progression" if verdict.startswith("changed") else None for verdict in verdicts),
        end_date=tuple(when[k] if verdict == "ended" else None for k, verdict in zip(randomized, verdicts, strict=True)),
        end_reason=tuple("toxicity" if verdict == "ended" else None for verdict in verdicts),
        crossover_date=tuple(when[k] if drawn[k] == "A" and random.random() < 0.05 else None for k in randomized),
    )


def _adverse_events(protocol, random, ids, drawn) -> AdverseEvents:
    terms = _choices(protocol, FormRole.ADVERSE_EVENT, "term", ("fatigue", "nausea"))
    rows = []
    for subject, arm in zip(ids, drawn, strict=True):
        for period in protocol.safety.period:
            if period.by_arm and arm is None:
                continue
            for _ in range(int(random.poisson(2.5))):
                grade = int(random.choice([1, 2, 3, 4, 5], p=[0.5, 0.32, 0.13, 0.04, 0.01]))
                term = terms[min(int(random.exponential(len(terms) / 4)), len(terms) - 1)]
                rows.append((subject, arm, period.id, term, grade, grade >= 4 or random.random() < 0.05))
    return AdverseEvents(
        subject=tuple(row[0] for row in rows),
        arm=tuple(row[1] for row in rows),
        period=tuple(row[2] for row in rows),
        term=tuple(row[3] for row in rows),
        grade=tuple(row[4] for row in rows),
        serious=tuple(bool(row[5]) for row in rows),
        start_date=tuple(None for _ in rows),
        related=tuple(("systemic_therapy",) for _ in rows),
    )


def _questionnaires(protocol, random, ids, drawn, days, randomized) -> Questionnaires:
    rules = protocol.quality_of_life
    pairs = []
    if rules is not None:
        visits = dict.fromkeys((rules.non_progression.baseline_visit, *rules.non_progression.visits))
        pairs = [pair for pair in product(randomized, visits) if random.random() < 0.9]
    scales = rules.scale if rules is not None else ()
    return Questionnaires(
        subject=tuple(ids[k] for k, _ in pairs),
        arm=tuple(drawn[k] for k, _ in pairs),
        visit=tuple(visit for _, visit in pairs),
        completed_date=tuple(days[k] for k, _ in pairs),
        scores={scale.id: tuple(float(random.integers(0, 13)) * 100 / 12 for _ in pairs) for scale in scales},
    )


def _visits(protocol, random, ids, drawn, randomized) -> QualityOfLifeVisits:
    rules = protocol.quality_of_life
    pairs = list(product(randomized, rules.non_progression.visits)) if rules is not None else []
    rows = []
    for k, visit in pairs:
        before = None if random.random() < 0.05 else float(random.integers(5, 13)) * 100 / 12
        now = None if random.random() < 0.1 else float(random.integers(3, 13)) * 100 / 12
        died = bool(random.random() < 0.05)
        verdict = "not_due" if random.random() < 0.05 else "progression" if died else "not_evaluable"
        if verdict == "not_evaluable" and before is not None and now is not None and rules is not None:
            verdict = "progression" if before - now >= rules.non_progression.threshold else "non_progression"
        rows.append((ids[k], drawn[k], visit, before, now, died, verdict))
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    return QualityOfLifeVisits(
        subject=columns[0],
        arm=columns[1],
        visit=columns[2],
        baseline_score=columns[3],
        visit_score=columns[4],
        died_before=columns[5],
        verdict=columns[6],
    )


def _deviations(protocol, random, ids, drawn) -> Deviations:
    rules = [own.deviation_rule for own in protocol.schedule.activity if own.deviation_rule] or ["schedule.visit"]
    rows = [k for k in range(len(ids)) if random.random() < 0.25]
    grades = [None, *(own.id for own in protocol.safety.deviation_grade)]
    return Deviations(
        subject=tuple(ids[k] for k in rows),
        arm=tuple(drawn[k] for k in rows),
        kind=tuple("window" for _ in rows),
        rule=tuple(str(random.choice(rules)) for _ in rows),
        date=tuple(None for _ in rows),
        detail_en=tuple("late" for _ in rows),
        detail_ja=tuple("遅延" for _ in rows),
        grade=tuple(grades[int(random.integers(len(grades)))] for _ in rows),
    )


def _refusals(protocol, random, days, n) -> Refusals:
    first, last = protocol.eligibility.stage[0], protocol.eligibility.stage[-1]
    rows = [(first, None) for _ in range(n // 6)] + [(last, "S-0001") for _ in range(n // 30)]
    return Refusals(
        stage=tuple(stage.id for stage, _ in rows),
        subject=tuple(subject for _, subject in rows),
        site=tuple("Site 01" for _ in rows),
        refused_date=tuple(days[0] for _ in rows),
        verdict=tuple("pending" if k % 4 == 0 else "ineligible" for k in range(len(rows))),
        not_met=tuple((stage.criterion[k % len(stage.criterion)].id,) for k, (stage, _) in enumerate(rows)),
        unknown=tuple((stage.criterion[0].id,) if k % 4 == 0 else () for k, (stage, _) in enumerate(rows)),
    )


def _data_quality(protocol, random, ids, days) -> DataQuality:
    rows = [(k, form.id) for k in range(len(ids)) for form in protocol.forms]
    delays = [None if random.random() < 0.05 else int(random.normal(-5, 12)) for _ in rows]
    return DataQuality(
        subject=tuple(ids[k] for k, _ in rows),
        site=tuple("Site 01" for _ in rows),
        form=tuple(form for _, form in rows),
        visit=tuple(None for _ in rows),
        due_date=tuple(days[k] for k, _ in rows),
        submitted_date=tuple(
            None if delay is None else days[k] + timedelta(days=delay) for (k, _), delay in zip(rows, delays, strict=True)
        ),
    )


Maker = Callable[..., Datasets]
