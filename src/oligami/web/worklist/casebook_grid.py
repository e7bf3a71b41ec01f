"""The casebook of a subject at a glance: a row for each form, a cell for each visit or occurrence, each with its state in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from oligami.data.due import Due
from oligami.data.reading import DATED_BY
from oligami.protocol.model.forms import Form, FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Reason, Text
from oligami.trial.state import FormState, Subject

CellState = Literal["queried", "locked", "signed", "verified", "entered", "overdue", "due", "upcoming", "missed", "not_needed"]
STATE_WORDS: Final[dict[CellState, Text]] = {
    "queried": Text("queried", "問合せ中"),
    "locked": Text("locked", "固定"),
    "signed": Text("signed", "署名済"),
    "verified": Text("verified", "照合済"),
    "entered": Text("entered", "入力済"),
    "overdue": Text("overdue", "期限超過"),
    "due": Text("due", "期限内"),
    "upcoming": Text("not yet due", "未到来"),
    "missed": Text("missed", "未実施"),
    "not_needed": Text("not needed", "対象外"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A filled form, or a visit at which one is or was due.

    occurrence: None while nothing is filled. visit: its name. stage: of a registration that is due. on: the clinical date of what is filled, else the last day in time.
    """

    state: CellState
    words: Text
    occurrence: int | None
    visit: str | None
    on: date | None
    note: Text | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """A form with its cells in the order of their dates.

    later: how many visits come after the next one. addable: whether the form may be filled without a visit, when something
    happens. closed: why nothing can be added to it.
    """

    form: str
    title: Text
    cells: tuple[Cell, ...]
    later: int
    addable: bool
    closed: tuple[Reason, ...] = ()


def casebook_grid(subject: Subject, protocol: Protocol, dues: Sequence[Due]) -> tuple[GridRow, ...]:
    """Return the casebook, registrations first and then by what the forms are for; forms of earlier versions stand last.

    Args:
        subject: as it stands.
        protocol: that rules its site.
        dues: what is due of it (`data.due`).
    """
    asked = {(query.form, query.occurrence) for query in subject.queries.values() if query.status != "closed"}
    rows = []
    for form in sorted(protocol.forms, key=lambda form: _place(form, protocol)):
        filled = sorted(_filled(form.id, form, subject, asked), key=lambda cell: cell.occurrence or 0)
        planned = [due for due in dues if due.form == form.id and due.kind in ("fill", "register") and due.state != "done"]
        planned.sort(key=lambda due: due.target)
        coming = [due for due in planned if due.state == "upcoming"]
        shown = [due for due in planned if due.state != "upcoming"] + coming[:1]
        rows.append(
            GridRow(
                form=form.id,
                title=form.title,
                cells=tuple(sorted([*filled, *(_planned(due) for due in shown)], key=lambda cell: cell.on or date.max)),
                later=max(0, len(coming) - 1),
                addable=form.role is not FormRole.REGISTRATION and not (form.repeats == "once" and (filled or planned)),
                closed=_closed(form, subject, protocol),
            )
        )
    known = {form.id for form in protocol.forms}
    for name in dict.fromkeys(name for name, _ in subject.forms if name not in known):
        cells = tuple(_filled(name, None, subject, asked))
        rows.append(GridRow(form=name, title=Text(name, name), cells=cells, later=0, addable=False))
    return tuple(rows)


def _place(form: Form, protocol: Protocol) -> tuple[int, int]:
    """Return the place of a form: by its role in the course of a subject, registrations in the order of their stages."""
    stages = [stage.form for stage in protocol.eligibility.stage]
    return list(FormRole).index(form.role), stages.index(form.id) if form.id in stages else len(stages)


def _state(state: FormState, *, is_asked: bool) -> CellState:
    if is_asked:
        return "queried"
    if state.locked:
        return "locked"
    if state.is_signed:
        return "signed"
    return "verified" if (state.verified_seq or 0) > state.seq else "entered"


def _filled(form_id: str, form: Form | None, subject: Subject, asked: set[tuple[str, int]]) -> Iterator[Cell]:
    """Yield a cell for each filled form of an id; `form` is None where the protocol no longer has it."""
    item = None if form is None else form.find(DATED_BY.get(form.role, ""))
    visited = None if form is None else form.find("visit")
    for (name, occurrence), state in subject.forms.items():
        if name != form_id:
            continue
        said = None if item is None else state.values.get(item.id)
        kind = _state(state, is_asked=(name, occurrence) in asked)
        visit = state.visit or (None if visited is None else state.values.get(visited.id))
        yield Cell(
            state=kind,
            words=STATE_WORDS[kind],
            occurrence=occurrence,
            visit=visit if isinstance(visit, str) else None,
            on=_date(said),
        )


def _date(said: object) -> date | None:
    try:
        return date.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:  # the word by which a date says that it never was
        return None


def _planned(due: Due) -> Cell:
    state: CellState = due.state if due.state != "done" else "entered"
    return Cell(
        state=state, words=STATE_WORDS[state], occurrence=None, visit=due.visit, on=due.by, note=due.note, stage=due.stage
    )


def _closed(form: Form, subject: Subject, protocol: Protocol) -> tuple[Reason, ...]:
    """Return why a form cannot be filled (again) now, as far as its own state says; rights are asked elsewhere."""
    problems = []
    if form.after_stage is not None and not subject.is_registered(form.after_stage):
        stage = next((stage for stage in protocol.eligibility.stage if stage.id == form.after_stage), None)
        title = Text(form.after_stage, form.after_stage) if stage is None else stage.title
        text = Text(f"This form is filled after: {title.en}", f"{title.ja}の後に入力します")
        problems.append(Reason("form.too_early", text))
    for withdrawal in subject.withdrawals:
        if withdrawal.scope in ("follow_up", "use_of_data"):
            text = Text(
                f"Consent was withdrawn on {withdrawal.withdrawal_date}: no further forms",
                f"{withdrawal.withdrawal_date} に同意撤回のため入力できません",
            )
            problems.append(Reason("consent.withdrawn", text))
            break
    return tuple(problems)
