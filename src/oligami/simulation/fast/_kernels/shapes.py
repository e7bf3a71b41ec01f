"""What the kernels are given: a plan as plain arrays, a worker's buffers, and the columns of results."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oligami.stats.arguments import Floats, Ints

Words = NDArray[np.uint64]
Positions = NDArray[np.uint32]

#: How arms are drawn.
BALANCED: Final = 0
SIMPLE: Final = 1
MINIMIZED: Final = 2

#: How a look is timed.
BY_EVENTS: Final = 0
BY_CALENDAR: Final = 1
AFTER_LAST: Final = 2

#: Cells of [0, 1) in which the search for a site starts.
CELLS: Final = 1024


class Arrival(NamedTuple):
    """How subjects come, who they are, and who is randomized; fields as in `Plan` unless explained.

    slopes: months by share, a segment of accrual. latest: the last moment at which one may be randomized.
    factor_edges: cumulative shares, one row a factor, filled up with infinity. hazard_factor: -1 if there is none.
    road, factors: whether the words of ROAD and FACTORS are drawn. gated: whether some do not pass. ordered: whether subjects must
    stand in order of randomization.
    """

    subjects: int
    times: Floats
    shares: Floats
    slopes: Floats
    delay_low: float
    delay_span: float
    latest: float
    pass_shares: Floats
    limit: int
    hazard_factor: int
    factor_edges: Floats
    factor_levels: Ints
    road: bool
    factors: bool
    gated: bool
    ordered: bool


class Rule(NamedTuple):
    """How arms are drawn.

    weights: of the factors and of the site, those above 0; pulls: the same in whole parts of 2^40; weighted: what each counts, a factor's position or -1 for the site;
    offsets: where its levels begin in the one row of counts. site_edges: cumulative shares, the last infinite; site_cells: the site
    at the start of each cell of [0, 1), from which `site_steps` steps always reach the site wanted.
    """

    kind: int
    weights: Floats
    pulls: Ints
    weighted: Ints
    offsets: Ints
    p_best: float
    initial_simple: int
    site_edges: Floats
    site_cells: Positions
    site_steps: int


class Hazards(NamedTuple):
    """What happens after randomization. A row is 2 x level + arm.

    rate, inverse (1 / rate), cumulative (at the starts of the pieces): shape (2 H, P). lost_0, lost_1: 1 / drop_out.
    """

    pieces: Floats
    rate: Floats
    inverse: Floats
    cumulative: Floats
    lost_0: float
    lost_1: float
    crossover_rate: float
    crossover_ratio: float
    untreated_share: float


class Looks(NamedTuple):
    """When the data are cut and what is computed. row: of each of the six tests in z, -1 if it is not wanted."""

    kind: Ints
    value: Floats
    latest: Floats
    row: Ints
    levels: int
    rho: float
    gamma: float
    rmst_months: float
    milestone_months: float


class Drawn(NamedTuple):
    """Buffers by subject number: uniforms and what becomes of them. who: the numbers of the randomized."""

    entry: Floats
    event_u: Floats
    lost_u: Floats
    coin: Floats
    gate_u: Floats
    randomization: Floats
    site_u: Floats
    other_u: Floats
    factor_u: Floats
    level: Positions
    who: Positions


class Own(NamedTuple):
    """Buffers of the randomized alone, for trials in which not all are, or in which their order matters; and those of all.

    code: levels of the weighted factors, a row a weight. lead: n0 - n1 by level. ending: months from randomization until
    death or loss, calendar: the time of that.
    """

    randomization: Floats
    event_u: Floats
    lost_u: Floats
    coin: Floats
    other_u: Floats
    level: Positions
    spare_u: Floats
    code: Positions
    lead: Ints
    arm: Positions
    event: Positions
    ending: Floats
    calendar: Floats


class Sorting(NamedTuple):
    """Buffers in which times are put in order. bits: logarithm of the number of buckets; ended: months as seen at a look."""

    bits: int
    ended: Floats
    keys: Words
    ordered: Words
    bucket: Positions
    counts: Positions
    spare: Floats


class Rows(NamedTuple):
    """Buffers of what tests are computed from, see `rows`. stratum: subjects of each level still at risk, all and in arm 1."""

    at_risk: Floats
    at_risk_1: Floats
    died: Floats
    died_1: Floats
    moment: Floats
    in_stratum: Floats
    in_stratum_1: Floats
    stratum_died: Floats
    stratum_died_1: Floats
    term_0: Floats
    term_1: Floats
    first: Floats
    second: Floats
    stratum: Ints


class Results(NamedTuple):
    """Columns of `Replicates`, to be filled."""

    z: Floats
    log_hr: Floats
    rmst_difference: Floats
    cut: Floats
    events: Ints
    at_look: Ints
    registered: Ints
    randomized: Ints
    last_randomization: Floats
