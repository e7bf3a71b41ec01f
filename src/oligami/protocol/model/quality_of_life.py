"""quality_of_life.toml: the questionnaire's scales and what counts as non-progression. Item wording is not shipped."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Identifier, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Scale:
    """A scale: its items, the range of one item (highest minus lowest answer), and which way is good."""

    id: str = Identifier
    title: Text
    kind: Literal["functional", "symptom", "global"]
    items: tuple[str, ...]
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class NonProgression:
    """Non-progression at a visit: the scale has not fallen by `threshold` or more from the subject's own baseline, and alive."""

    scale: str
    threshold: float
    thresholds_offered: tuple[float, ...]
    primary_visit: str
    baseline_visit: str
    visits: tuple[str, ...]
    text: Text
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class QualityOfLifeFile:
    """The whole of quality_of_life.toml. `answered_share`: a scale needs at least this share of its items."""

    instrument: str
    version: str
    form: str
    answered_share: float
    scale: tuple[Scale, ...]
    non_progression: NonProgression
    reference: tuple[Text, ...] = ()
    origin: Origin
