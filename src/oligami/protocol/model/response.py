"""response.toml: the response rules' numbers and words (RECIST 1.1 in JCOG2110)."""

from oligami.protocol.model.common import CONFIG, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Overall:
    """A row of the table of overall response; `*` stands for any, `not PD` for anything but PD."""

    target: str
    non_target: str
    new_lesion: str
    overall: str


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class ResponseFile:
    """The whole of response.toml. Sizes in mm, shares as fractions of 1.

    oligometastasis_kinds: kinds of lesions of the first registration that are oligometastases (empty: all are).
    never_target_sites: sites whose lesions are followed but not measured.
    """

    criteria: str
    measurable_mm: float
    measurable_node_short_axis_mm: float
    normal_node_below_mm: float
    max_targets: int
    max_targets_per_organ: int
    oligometastasis_kinds: tuple[str, ...] = ()
    never_target_sites: tuple[str, ...] = ()
    too_small_mm: float
    progression_increase: float
    progression_increase_mm: float
    partial_decrease: float
    codes_that_progress: tuple[str, ...]
    overall: tuple[Overall, ...]
    resected_leaves_sum: bool
    fibrosis_months: int
    fibrosis_sites: tuple[str, ...]
    text: Text
    site_rule: Text
    origin: Origin
    setting_origin: Origin  # of the last five and of the nadir rule
