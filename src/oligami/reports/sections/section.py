"""What a section of the report is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from oligami.protocol.text import Text
from oligami.reports.figures import Figure
from oligami.reports.phrases import Filling
from oligami.reports.tables import Table

Block = Table | Figure | Filling


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section: its finding stands first, as one sentence or two; `blocks` follow in order. Words in `blocks` are remarks."""

    id: str
    title: Text
    finding: Filling
    blocks: Sequence[Block] = ()
