"""What the casebook already says of the items of a later registration, as suggestions that the investigator confirms.

Items are found by concept: what the last assessment says under the same concept, the courses planned and given, the metastases
that remain. Nothing is suggested that the casebook leaves open; what is missing is told with the form to fill.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from oligami.data.history import History, read_history
from oligami.data.progression import Scan, find_progression
from oligami.data.reading import Filled, Reader
from oligami.protocol.compile import Compiled
from oligami.protocol.model.eligibility import Stage
from oligami.protocol.model.forms import Form, FormRole, Item
from oligami.protocol.text import Text
from oligami.trial.state import FormState, Subject
from oligami.trial.therapy import planned_courses


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a suggestion comes from: a sentence, and the filled form to look it up in, if it is one form."""

    text: Text
    filled: FormState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the casebook does not say yet, and the form that would."""

    text: Text
    form: str
    visit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """Values by item, where each comes from, and what is missing."""

    values: Mapping[str, Any]
    sources: Mapping[str, Source]
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the casebook says, as far as suggestions need it."""

    rules: Compiled
    history: History
    assessment: Filled | None
    scan: Scan | None


_Found = tuple[Any, Source] | None


def suggest(rules: Compiled, subject: Subject, stage: Stage, *, today: date) -> Suggestions:
    """Return what can be suggested for the items of a stage's form.

    Args:
        rules: the protocol the registration is judged by.
        subject: the subject, registered at an earlier stage.
        stage: the registration asked for.
        today: the hospital's date; forms dated later say nothing yet.
    """
    form = rules.protocol.form(stage.form)
    found: dict[str, tuple[Any, Source]] = {}
    history = read_history(subject, Reader(rules.protocol), today)
    facts = None if history is None else _facts(rules, history)
    for item in form.item:
        concept = item.concept or item.id
        if concept == "registration_date":
            found[item.id] = (today.isoformat(), Source(text=Text("today", "本日の日付")))
        elif facts is not None and (answer := _answer(facts, form, item, concept)) is not None:
            found[item.id] = answer
    missing = () if facts is None else tuple(_missing(facts, form, found))
    return Suggestions(
        values={name: value for name, (value, _) in found.items()},
        sources={name: source for name, (_, source) in found.items()},
        missing=missing,
    )


def _facts(rules: Compiled, history: History) -> _Facts:
    scans = find_progression(history, rules.protocol.response).scans
    assessment = history.assessments[-1] if history.assessments else None
    return _Facts(rules, history, assessment, scans[-1] if scans else None)


def _answer(facts: _Facts, form: Form, item: Item, concept: str) -> _Found:
    known = _COMPUTED.get(concept)
    answer = known(facts) if known is not None else _copied(facts, concept)
    return answer if answer is not None and _fits(facts, form, item, answer[0]) else None


def _fits(facts: _Facts, form: Form, item: Item, value: Any) -> bool:
    """Whether the item could take the value: the same concept may have other codes on another form."""
    if item.type == "code":
        return any(code.value == value for code in facts.rules.forms[form.id].codes[item.id])
    kinds: Mapping[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "date": (str,), "text": (str,)}
    return type(value) in kinds.get(item.type, ())


def _copied(facts: _Facts, concept: str) -> _Found:
    """Return what the last assessment says under the same concept."""
    if facts.assessment is None or concept not in facts.assessment.asked:
        return None
    value = facts.assessment.get(concept)
    if value is None:
        return None
    return (value.isoformat() if isinstance(value, date) else value, _of_form(facts, facts.assessment))


def _evaluated_on(facts: _Facts) -> _Found:
    if facts.assessment is None or facts.assessment.on is None:
        return None
    return facts.assessment.on.isoformat(), _of_form(facts, facts.assessment)


def _courses_planned(facts: _Facts) -> _Found:
    therapy, filled = facts.rules.protocol.therapy, facts.history.therapy
    code = None if filled is None else filled.text("regimen")
    regimen = None if code is None else facts.rules.protocol.regimen(code)
    if therapy is None or filled is None or regimen is None:
        return None
    return planned_courses(therapy, regimen.course_days), _of_form(facts, filled)


def _courses_given(facts: _Facts) -> _Found:
    form = facts.rules.protocol.form_of(FormRole.COURSE)
    if form is None or not facts.history.courses:
        return None
    count = len(facts.history.courses)
    text = Text(f"{count} filled forms “{form.title.en}”", f"調査票「{form.title.ja}」{count} 件")
    return count, Source(text=text)


def _remaining(facts: _Facts) -> _Found:
    """Count the oligometastases that the last assessment still shows; None while one of them was not assessed."""
    rules, scan = facts.rules.protocol.response, facts.scan
    own = facts.history.oligometastases
    if rules is None or scan is None or not own:
        return None
    removed = {treated.lesion for treated in facts.history.treatments if treated.modality == "surgery"} | scan.resected
    remaining = 0
    for lesion in own:
        size = 0.0 if lesion.id in removed else scan.sizes.get(lesion.id)
        if size is None:
            return None
        remaining += size >= rules.normal_node_below_mm if lesion.nodal else size > 0
    return remaining, _of_form(facts, scan.filled)


#: What is worked out rather than copied, by the concept of the item it answers.
_COMPUTED: Final[Mapping[str, Callable[[_Facts], _Found]]] = {
    "response_evaluation_date": _evaluated_on,
    "courses_planned": _courses_planned,
    "courses_given": _courses_given,
    "residual_oligometastases": _remaining,
}


def _of_form(facts: _Facts, filled: Filled) -> Source:
    title = facts.rules.protocol.form(filled.state.form).title
    day = f" {filled.on}" if filled.on is not None else ""
    return Source(text=Text(f"from “{title.en}”{day}", f"調査票「{title.ja}」{day}より"), filled=filled.state)


def _missing(facts: _Facts, form: Form, found: Mapping[str, Any]) -> Iterator[Missing]:
    """Say which forms would answer the items that are still open."""
    concepts = {item.concept or item.id for item in form.item if item.id not in found}
    protocol = facts.rules.protocol
    wanted = (
        (FormRole.THERAPY, {"courses_planned"}, facts.history.therapy is None),
        (FormRole.COURSE, {"courses_given"}, not facts.history.courses),
        (FormRole.ASSESSMENT, {"overall_response", "new_lesion", "residual_oligometastases"}, facts.assessment is None),
    )
    for role, needs, is_absent in wanted:
        source = protocol.form_of(role)
        if source is None or not needs & concepts:
            continue
        if is_absent:
            text = Text(f"“{source.title.en}” has not been filled in", f"調査票「{source.title.ja}」が未入力です")
            yield Missing(text=text, form=source.id, visit=next(iter(source.visits), None))
        elif role is FormRole.ASSESSMENT and facts.assessment is not None and "residual_oligometastases" in concepts & needs:
            text = Text(
                f"On “{source.title.en}” of {facts.assessment.on} not every oligometastasis of the first registration has a size",
                f"調査票「{source.title.ja}」（{facts.assessment.on}）に、大きさの記入がないオリゴ転移があります",
            )
            yield Missing(text=text, form=source.id, visit=next(iter(source.visits), None))
