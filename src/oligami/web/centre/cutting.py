"""What a cut finds not yet in order: unsigned, unlocked, still asked about; as the trial stood at its record."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from oligami.journal.entries import SiteId, SubjectId
from oligami.protocol.text import Text
from oligami.trial.fold import fold
from oligami.trial.state import Trial
from oligami.web.centre.raising import form_of
from oligami.web.journal.store import DatabaseJournal

#: Cuts whose findings a process keeps: they do not change, but to find them the trial is folded up to the cut.
_KEPT_AT_MOST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A form that was not in order at a cut."""

    subject: SubjectId
    site: SiteId
    form: str
    title: Text
    occurrence: int
    unsigned: bool
    unlocked: bool
    open_queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stood at a cut: how many forms, and those not in order."""

    forms: int
    loose: tuple[Loose, ...]

    def count(self, sites: frozenset[SiteId] | None) -> dict[str, int]:
        """Count the unsigned, the unlocked and the open data queries at these sites (None: at all)."""
        mine = [each for each in self.loose if sites is None or each.site in sites]
        return {
            "unsigned": sum(each.unsigned for each in mine),
            "unlocked": sum(each.unlocked for each in mine),
            "open_queries": sum(each.open_queries for each in mine),
        }


_KEPT: dict[tuple[str, int, str], Standing] = {}
_LOCK = Lock()


def standing_at(journal: DatabaseJournal, now: Trial, through: int) -> Standing:
    """Return what stood through a record.

    Raises:
        JournalError: a record does not hold.
    """
    # A text that is removed later changes nothing of this, and another journal has another seal.
    seal = next((row.seal.decode("ascii") for row in journal.rows(after=through - 1, through=through)), "")
    key = (journal.trial, through, seal)
    if key not in _KEPT:
        trial = now if now.head.seq == through else fold(journal.records(through=through))
        found = tuple(_loose(trial))
        standing = Standing(forms=sum(len(subject.forms) for subject in trial.subjects.values()), loose=found)
        with _LOCK:
            while len(_KEPT) >= _KEPT_AT_MOST:
                _KEPT.pop(next(iter(_KEPT)))
            _KEPT[key] = standing
    return _KEPT[key]


def _loose(trial: Trial) -> Iterator[Loose]:
    for subject in trial.subjects.values():
        asked = Counter((query.form, query.occurrence) for query in subject.queries.values() if query.status != "closed")
        for key, state in sorted(subject.forms.items()):
            form = form_of(trial, state)
            unsigned = form is not None and bool(form.sign) and not state.is_signed
            if unsigned or not state.locked or asked[key]:
                yield Loose(
                    subject=subject.id,
                    site=subject.site,
                    form=state.form,
                    title=form.title if form is not None else Text(state.form, state.form),
                    occurrence=state.occurrence,
                    unsigned=unsigned,
                    unlocked=not state.locked,
                    open_queries=asked[key],
                )
