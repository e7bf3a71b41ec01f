"""The engine of the full road: a clock, a queue of what is to happen, and a desk through which everything is said.

Nothing enters the simulated journal but by `decide`, as in a real trial; simulated people fail real criteria, and a form that
the protocol would refuse is refused here too.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from oligami.journal.record import Stamp
from oligami.journal.store import Journal
from oligami.protocol.compile import Compiled
from oligami.protocol.model.forms import Form, Item
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.drawing import between, draw_value, stream
from oligami.simulation.scenario import Scenario
from oligami.trial.commands import Command
from oligami.trial.desk import Desk, Receipt
from oligami.trial.draws import derive_secret
from oligami.trial.refused import Refused
from oligami.trial.state import Trial

#: Work at the sites falls between these instants of the day, so that the date in UTC is the date at the hospital (Japan).
_DAY_BEGINS = time(0, 30)
_WORKING_SECONDS = 8 * 3600
#: Types of items in which somebody may mistype.
_TYPED = frozenset({"number", "integer", "date"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who says things: an invented account, never a person."""

    name: str
    role: str


@dataclass(slots=True)
class Engine:
    """A simulated trial in the making."""

    protocol: Protocol
    rules: Compiled
    scenario: Scenario
    seed: int
    desk: Desk
    end: date
    refused: Counter[str] = field(default_factory=Counter)
    _queue: list[tuple[datetime, int, Callable[[datetime], object]]] = field(default_factory=list)
    _planned: int = 0
    _said: int = 0

    @property
    def trial(self) -> Trial:
        """The trial as it stands now."""
        return self.desk.trial

    def at(self, when: datetime, action: Callable[[datetime], object]) -> None:
        """Let something happen at an instant; what lies after the end of the scenario never happens."""
        if when.date() > self.end:
            return
        self._planned += 1
        heapq.heappush(self._queue, (when, self._planned, action))

    def run(self, progress: Callable[[int, date], None] | None = None) -> None:
        """Let everything happen, in order of time.

        Args:
            progress: called now and then with the number of records and the simulated date.
        """
        steps = 0
        while self._queue:
            when, _, action = heapq.heappop(self._queue)
            action(when)
            steps += 1
            if progress is not None and steps % 500 == 0:
                progress(self.trial.head.seq, when.date())
        if progress is not None:
            progress(self.trial.head.seq, self.end)

    def say(
        self, command: Command, when: datetime, actor: Actor, *, caller: str | None = None, seen: int | None = None
    ) -> Receipt:
        """Submit a command to the desk.

        Raises:
            Refused: the trial's rules stand against it; counted in `refused`.
        """
        self._said += 1
        # Several things said in one action take seconds; what was due in between waits its turn at the desk.
        newest = self.trial.head.at
        stamp = Stamp(
            recorded_at=when if newest is None else max(when, newest),
            author=actor.name,
            role=actor.role,
            channel="simulation",
            command=hashlib.sha256(f"{self.seed}|command|{self._said}".encode()).hexdigest()[:32],
            seen=seen,
            caller=caller,
        )
        try:
            return self.desk.submit(command, stamp)
        except Refused as refused:
            self.refused.update(reason.rule for reason in refused.reasons)
            raise

    def try_to_say(self, command: Command, when: datetime, actor: Actor, **more: Any) -> Receipt | None:
        """Submit a command that may be refused by what happened meanwhile; None then."""
        try:
            return self.say(command, when, actor, **more)
        except Refused:
            return None

    def fill(self, form_id: str, given: Mapping[str, Any], env: Mapping[str, Any], purpose: str, number: int) -> dict[str, Any]:
        """Return the values of a form: the scenario's draws, then what is `given` by concept; hidden items are left out."""
        form = self.protocol.form(form_id)
        chance = stream(self.seed, f"fill {form_id} {purpose}", number)
        known = {**env, **given}
        values: dict[str, Any] = {}
        for name, draw in self.scenario.filling_of(form_id).items():
            value = draw_value(draw, known, chance)
            known[name] = value
            values[name] = value
        for concept, value in given.items():
            item = form.find(concept)
            if item is not None:
                values[item.id] = _rows_by_id(item, value) if item.field else value
        return self.shown(form_id, {name: as_json(value) for name, value in values.items() if value is not None})

    def shown(self, form_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values without those of items that the form does not ask then."""
        plain = dict(values)
        for name, condition in self.rules.forms[form_id].show_when.items():
            if name in plain and condition.value(plain) is not True:
                del plain[name]
        return plain

    def mistype(self, form: Form, values: Mapping[str, Any], purpose: str, number: int) -> dict[str, Any] | None:
        """Return values with one typing error (in a number, in a date, in a row of a list); None if nothing can be mistyped."""
        chance = stream(self.seed, f"mistype {form.id} {purpose}", number)
        candidates: list[tuple[Item, int, Item]] = []
        for item in form.item:
            if item.id not in values:
                continue
            if item.type in _TYPED:
                candidates.append((item, 0, item))
            elif item.type == "list":
                rows = enumerate(values[item.id])
                candidates += [
                    (item, row, part) for row, told in rows for part in item.field if part.type in _TYPED and part.id in told
                ]
        if not candidates:
            return None
        item, row, part = candidates[between((0, len(candidates) - 1), chance)]
        amount = between((1, 9), chance)
        if part is item:
            return {**values, item.id: _mistyped(item, values[item.id], amount)}
        rows_told = [dict(told) for told in values[item.id]]
        rows_told[row][part.id] = _mistyped(part, rows_told[row][part.id], amount)
        return {**values, item.id: rows_told}


def open_engine(
    protocol: Protocol, rules: Compiled, scenario: Scenario, journal: Journal, seed: int, *, until: date | None = None
) -> Engine:
    """Return an engine on an empty journal. Secret, salts and command ids follow from the seed."""
    desk = Desk(journal, salts=lambda seq: salt_of(seed, seq), secret=derive_secret(seed, protocol.id))
    return Engine(
        protocol=protocol,
        rules=rules,
        scenario=scenario,
        seed=seed,
        desk=desk,
        end=min(until or scenario.accrual.end, scenario.accrual.end),
    )


def salt_of(seed: int, seq: int) -> str:
    """Return the salt of a simulated record."""
    return hashlib.sha256(f"{seed}|salt|{seq}".encode()).hexdigest()[:32]


def working_time(on: date, chance: Any) -> datetime:
    """Return an instant of a day in working hours."""
    return datetime.combine(on, _DAY_BEGINS, tzinfo=UTC) + timedelta(seconds=int(chance.random() * _WORKING_SECONDS))


def later(when: datetime, days: int, chance: Any) -> datetime:
    """Return an instant in working hours so many days later, never before `when`."""
    return max(working_time(when.date() + timedelta(days=days), chance), when + timedelta(seconds=1))


def as_json(value: Any) -> Any:
    """Return a drawn value as a journal keeps it: dates as ISO text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [as_json(part) for part in value]
    if isinstance(value, dict):
        return {key: as_json(part) for key, part in value.items()}
    return value


def by_concept(item: Item, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a list with their fields named by concept."""
    names = {part.id: part.concept or part.id for part in item.field}
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def _rows_by_id(item: Item, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows named by concept as the form names its fields; what the form does not ask is left out."""
    ids = {part.concept or part.id: part.id for part in item.field}
    return [{ids[name]: value for name, value in row.items() if name in ids and value is not None} for row in rows]


def _mistyped(item: Item, value: Any, amount: int) -> Any:
    if item.type == "date" and isinstance(value, str) and value != item.never:
        return (date.fromisoformat(value) - timedelta(days=amount)).isoformat()
    if item.type == "integer" and isinstance(value, int):
        low = int(item.minimum) if item.minimum is not None else 0
        return value - 1 if value > low else value + 1
    if item.type == "number" and isinstance(value, (int, float)):
        return round(float(value) + amount, 1 if item.decimals is None else item.decimals)
    return value
