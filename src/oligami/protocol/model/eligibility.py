"""eligibility.toml: the registrations (stages) in their order, and the criteria of each."""

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass
from oligami.protocol.model.derived import Derived


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Criterion:
    """One criterion, written as a rule: *met* lets the subject in.

    met: expression over the items of the stage's form. Alone, its three values are the verdict.
    not_met: with it, the verdict is *not met* where `not_met` is true, else *met* where `met` is true, else *unknown*.
    record_text: the record's own words; `reading` says how they are read where they read badly.
    setting_origin: where the part of the reading comes from that is ours; None if none is. `origin` marks the rest.
    """

    id: str = Identifier
    kind: str  # inclusion, exclusion or structural
    title: Text
    met: str
    not_met: str | None = None
    when_not_met: Text
    when_unknown: Text
    record_text: str = ""
    reading: Text | None = None
    origin: Origin
    setting_origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Stage:
    """A registration.

    form: the form that holds its items. follows: the stage that must come before it.
    limit: how many may be registered (None: no limit); `randomizes`: whether an arm is drawn at once.
    waiting_may_proceed: when this stage's limit is reached, whether subjects already in the stage before may still come.
    """

    id: str = Identifier
    title: Text
    form: str
    follows: str | None = None
    limit: int | None = None
    waiting_may_proceed: bool = False
    randomizes: bool = False
    criterion: tuple[Criterion, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class EligibilityFile:
    """The whole of eligibility.toml. `rules_version` goes into every verdict.

    derived: items that follow from those of the first stage's form, known to every other file.
    """

    rules_version: str
    stage: tuple[Stage, ...]
    derived: tuple[Derived, ...] = ()
    note: Text | None = None
