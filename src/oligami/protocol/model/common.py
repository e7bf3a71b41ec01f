"""What every protocol file shares: where a rule comes from, texts in two languages, and how classes are declared."""

from enum import StrEnum

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from oligami.protocol.text import Text

#: Unknown keys are errors (with a near miss), numbers and texts are not coerced into one another.
CONFIG = ConfigDict(extra="forbid", strict=False, str_strip_whitespace=False, allow_inf_nan=False)


class OriginKind(StrEnum):
    """Where a rule comes from."""

    RECORD = "record"  # stated in the trial's public registry record
    SOURCE = "source"  # from another public text, cited
    DEFAULT = "default"  # ours until the study office enters its own: a setting


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Origin:
    """The mark every rule carries.

    `kind = "default"` means: not from the protocol, a setting of the study office, shown as such on screen.
    `cite` names the text for `source`, and says for the others where or why when that is not plain.
    """

    kind: OriginKind
    cite: str = ""

    @property
    def is_setting(self) -> bool:
        """Whether the study office may change it."""
        return self.kind is OriginKind.DEFAULT


Identifier = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=80)

__all__ = ["CONFIG", "Identifier", "Origin", "OriginKind", "Text", "dataclass"]
