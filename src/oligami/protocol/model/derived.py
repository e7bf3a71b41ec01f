"""Derived coded items: a value that follows from other items by ordered cases (subtype, class of lesion number)."""

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Case:
    """A value and when it holds."""

    value: str
    when: str


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Derived:
    """A derived coded item: the value of the first case that is true; `otherwise` if none is.

    A case that is unknown before any is true makes the derived item unknown (`unknown_value`, if given, is printed then).
    """

    id: str = Identifier
    title: Text
    case: tuple[Case, ...]
    otherwise: str | None = None
    unknown_value: str | None = None
    label: tuple["DerivedLabel", ...] = ()
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class DerivedLabel:
    """How a derived value reads."""

    value: str
    label: Text
