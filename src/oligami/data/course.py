"""The whole course of a subject as plain facts on a time axis: what a timeline draws and its twin table lists.

Facts are found by roles of forms and concepts of items and named with the protocol's own labels; where no label is, the code
stands for itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from oligami.data.history import History, Treatment, read_history
from oligami.data.progression import Progression, find_progression
from oligami.data.reading import YES, Filled, Reader
from oligami.protocol.compile import Compiled
from oligami.protocol.text import Text
from oligami.trial.state import Subject

Lane = Literal["status", "therapy", "local", "scan", "toxicity", "questionnaire", "contact"]
LANES: Final[tuple[Lane, ...]] = ("status", "therapy", "local", "scan", "toxicity", "questionnaire", "contact")
#: How a mark is meant: an event of the disease, a good or a bad sign, a grade of severity, or nothing of the kind.
Tone = Literal["plain", "milestone", "good", "bad", "mild", "severe"]

#: A silence longer than this is not drawn.
_LONG_SILENCE_DAYS: Final = 400
_NOTHING: Final = Text("", "")
#: The scopes of a withdrawal of consent, in words.
SCOPES: Final = {
    "treatment": Text("treatment", "治療"),
    "follow_up": Text("follow-up", "追跡"),
    "use_of_data": Text("use of data", "データ利用"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A fact on the axis.

    end: of what lasts. ongoing: it lasts and no end is known. short: the sign drawn beside it (a response, a grade).
    """

    lane: Lane
    start: date
    what: Text
    detail: Text = _NOTHING
    end: date | None = None
    ongoing: bool = False
    short: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A subject's course: from the first to the last day drawn, and all its marks by date."""

    subject: str
    first: date
    last: date
    marks: tuple[Mark, ...]


def course_of(subject: Subject, rules: Compiled, reader: Reader, on: date, *, show_arm: bool) -> Course | None:
    """Return the course of a subject up to a day; None if it was not registered by then.

    Args:
        subject: as it stands.
        rules: the protocol that rules its site, compiled.
        reader: the forms of the same protocol.
        on: the day.
        show_arm: whether the arm is named; the randomization is shown in any case.
    """
    history = read_history(subject, reader, on)
    if history is None:
        return None
    progression = find_progression(history, rules.protocol.response)
    words = _Words(rules)
    marks = [
        *_milestones(history, progression, words, show_arm=show_arm),
        *_therapy(history, words),
        *_local(history, words),
        *_scans(progression, words),
        *_toxicity(history, words),
        *(_dated(filled, "questionnaire", words, "visit") for filled in history.questionnaires),
        *(_dated(filled, "contact", words, "vital_status") for filled in history.contacts),
    ]
    marks = [mark for mark in marks if mark.start <= history.last_day]
    days = [mark.start for mark in marks] + [mark.end for mark in marks if mark.end is not None and mark.end <= history.last_day]
    last = max(days)
    if history.death is None:
        # Of who lives the axis goes on to the day it is looked at, unless nothing was heard for long.
        last = history.last_day if (history.last_day - last).days <= _LONG_SILENCE_DAYS else last
    place = {lane: number for number, lane in enumerate(LANES)}
    ordered = sorted(marks, key=lambda mark: (mark.start, place[mark.lane], mark.end or mark.start, mark.what.en, mark.detail.en))
    return Course(subject=subject.id, first=min(days), last=last, marks=tuple(ordered))


class _Words:
    """How the answers of the forms read."""

    def __init__(self, rules: Compiled) -> None:
        self.protocol = rules.protocol
        self._forms = rules.forms

    def title(self, filled: Filled) -> Text:
        """Title of a form."""
        return self.protocol.form(filled.state.form).title

    def answer(self, filled: Filled, concept: str) -> Text:
        """Name the answer of the item that carries a concept; empty where there is none."""
        value = filled.get(concept)
        if value is None:
            return _NOTHING
        compiled = self._forms[filled.state.form]
        item = compiled.form.find(concept)
        for code in compiled.codes.get(item.id, ()) if item is not None else ():
            if code.value == value:
                return code.label
        if item is not None and item.type in ("number", "integer") and item.unit:
            return Text(f"{value:g} {item.unit}", f"{value:g} {item.unit}")
        return Text(str(value), str(value))

    def regimen(self, filled: Filled) -> Text:
        """Name the regimen of a form."""
        code = filled.text("regimen")
        regimen = None if code is None else self.protocol.regimen(code)
        return self.answer(filled, "regimen") if regimen is None else regimen.title


def _join(*parts: Text) -> Text:
    told = [part for part in parts if part.en or part.ja]
    return Text(", ".join(part.en for part in told), "、".join(part.ja for part in told))


def _milestones(history: History, progression: Progression, words: _Words, *, show_arm: bool) -> Iterator[Mark]:
    for document, day in history.subject.consents:
        yield Mark(
            lane="status", start=day, what=Text("Consent", "同意"), detail=Text(f"document {document}", f"説明文書 {document}")
        )
    for stage in words.protocol.eligibility.stage:
        if stage.id in history.registered:
            yield Mark(
                lane="status",
                start=history.registered[stage.id],
                what=stage.title,
                tone="milestone",
                short=_initial(stage.id, words),
            )
    if history.randomized is not None and history.arm is not None:
        title = words.protocol.arm(history.arm).short_title
        arm = (
            Text(f"{history.arm}: {title.en}", f"{history.arm}：{title.ja}") if show_arm else Text("arm not shown", "群は非表示")
        )
        yield Mark(
            lane="status",
            start=history.randomized,
            what=Text("Randomized", "無作為割付"),
            detail=arm,
            tone="milestone",
            short=f"R {history.arm}" if show_arm else "R",
        )
    if progression.imaging is not None:
        shown = progression.shown_on
        later = Text(f"shown on {shown}", f"{shown} に確認") if shown != progression.imaging else _NOTHING
        what = Text("Progression on imaging", "画像上の増悪")
        yield Mark(lane="status", start=progression.imaging, what=what, detail=later, tone="bad", short="PD")
    if progression.clinical is not None:
        what = Text("Clinical progression", "臨床的増悪")
        yield Mark(lane="status", start=progression.clinical, what=what, tone="bad", short="PD")
    if history.end is not None and history.end.on is not None:
        yield Mark(lane="status", start=history.end.on, what=words.title(history.end), detail=words.answer(history.end, "reason"))
    for withdrawal in history.withdrawals:
        scope = SCOPES.get(withdrawal.scope, Text(withdrawal.scope, withdrawal.scope))
        what = Text("Consent withdrawn", "同意撤回")
        yield Mark(lane="status", start=withdrawal.withdrawal_date, what=what, detail=scope, tone="bad")
    if history.death is not None:
        yield Mark(lane="status", start=history.death, what=Text("Death", "死亡"), tone="bad", short="†")
    else:
        yield Mark(lane="status", start=history.last_alive, what=Text("Last known alive", "最終生存確認"))


def _initial(stage: str, words: _Words) -> str:
    """Return the number of a registration where there are several."""
    stages = [each.id for each in words.protocol.eligibility.stage]
    return str(stages.index(stage) + 1) if len(stages) > 1 else ""


def _therapy(history: History, words: _Words) -> Iterator[Mark]:
    if history.therapy is not None and history.therapy_start is not None:
        what = words.title(history.therapy)
        yield Mark(
            lane="therapy",
            start=history.therapy_start,
            what=what,
            detail=words.regimen(history.therapy),
            short=history.therapy.text("regimen") or "",
            tone="milestone",
        )
    for course in history.courses:
        number = course.whole("course_number")
        counted = Text("Course", "コース") if number is None else Text(f"Course {number}", f"コース{number}")
        reduced = Text("dose reduced", "減量") if course.text("dose_reduced") == YES else _NOTHING
        delay = course.whole("delay_days")
        delayed = Text(f"delayed by {delay} days", f"{delay}日延期") if delay else _NOTHING
        detail = _join(words.regimen(course), reduced, delayed)
        yield Mark(lane="therapy", start=course.on or history.first_date, what=counted, detail=detail)
    for change in history.changes:
        yield Mark(
            lane="therapy",
            start=change.on or history.first_date,
            what=words.title(change),
            detail=words.regimen(change),
            short=change.text("regimen") or "",
            tone="milestone",
        )


def _local(history: History, words: _Words) -> Iterator[Mark]:
    for treated in history.treatments:
        filled = treated.filled
        yield Mark(
            lane="local",
            start=treated.start,
            end=treated.end,
            ongoing=treated.end is None,
            what=_join(words.title(filled), Text(treated.lesion, treated.lesion)),
            detail=_prescription(treated, words),
            short=treated.lesion,
            tone="good" if treated.done else "plain",
        )


def _prescription(treated: Treatment, words: _Words) -> Text:
    filled = treated.filled
    total, fractions = filled.number("total_gy"), filled.whole("fractions")
    dose = _NOTHING if total is None else Text(f"{total:g} Gy / {fractions}", f"{total:g} Gy／{fractions}回")
    completion = words.answer(filled, "completion") if treated.end is not None else _NOTHING
    return _join(
        words.answer(filled, "site"), words.answer(filled, "technique"), dose, completion, words.answer(filled, "margin")
    )


def _scans(progression: Progression, words: _Words) -> Iterator[Mark]:
    for scan in progression.scans:
        response = words.answer(scan.filled, "overall_response")
        tone: Tone = "bad" if scan.progressed else "good" if scan.is_free else "plain"
        yield Mark(
            lane="scan", start=scan.date, what=words.title(scan.filled), detail=response, short=scan.overall or "", tone=tone
        )


def _toxicity(history: History, words: _Words) -> Iterator[Mark]:
    severe = words.protocol.safety.severe_grade
    for filled in history.adverse_events:
        grade, end = filled.whole("grade"), filled.day("end_date")
        if end is not None and end > history.last_day:
            end = None
        serious = Text("serious", "重篤") if filled.text("serious") == YES else _NOTHING
        graded = _NOTHING if grade is None else Text(f"grade {grade}", f"Grade {grade}")
        yield Mark(
            lane="toxicity",
            start=filled.on or history.first_date,
            end=end,
            ongoing=end is None,
            what=words.answer(filled, "term"),
            detail=_join(graded, serious),
            short="" if grade is None else str(grade),
            tone="severe" if grade is not None and grade >= severe else "mild",
        )


def _dated(filled: Filled, lane: Lane, words: _Words, concept: str) -> Mark:
    assert filled.on is not None  # undated forms were left out
    detail = words.answer(filled, concept)
    if not detail.en and concept == "visit" and filled.visit:
        detail = Text(filled.visit, filled.visit)
    return Mark(lane=lane, start=filled.on, what=words.title(filled), detail=detail)
