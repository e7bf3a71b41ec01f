"""allocation.toml: how an arm is drawn."""

from typing import Literal

from oligami.protocol.model.common import CONFIG, Origin, Text, dataclass


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class AllocationArm:
    """An arm with its share of the allocation ratio (a whole number, 1 for 1:1)."""

    id: str
    ratio: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Factor:
    """A balancing factor: how its level is found, and the levels it may have.

    `expression` is evaluated over the items of the first registration, the derived items and `site`
    (the institution of the registration that randomizes). No `levels` means any value (institution).
    """

    id: str
    title: Text
    expression: str
    levels: tuple[str, ...] = ()
    weight: float = 1.0
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True, config=CONFIG)
class Allocation:
    """The whole rule of allocation; every choice on which implementations disagree is written out.

    method: `minimization` (Pocock and Simon 1975), `permuted_blocks` or `simple`.
    distance: how unevenly one level's counts lie: `range`, `variance` (n-1) or `sd` (n-1).
    probability: `best` gives `p_best` to the arm with least imbalance and shares the rest evenly;
        `rank` is Pocock and Simon's rule (b) with constant `q`.
    ties: `equal_split` shares the probability of the tied arms, `random_rank` puts tied arms in random order.
        All arms tied: in proportion to the ratio under either rule.
    ratio_counts: with unequal ratios, `add_then_divide` counts (n+1)/r, `divide_then_add` counts n/r+1.
    initial_simple: how many first allocations are simple randomization.
    tally_factors: `corrected` counts earlier subjects under their corrected factors, `as_drawn` as they were.
    block_sizes / block_probabilities: permuted blocks, drawn within each stratum (the crossing of the factors).
    """

    stage: str
    method: Literal["minimization", "permuted_blocks", "simple"]
    arms: tuple[AllocationArm, ...]
    factors: tuple[Factor, ...] = ()
    distance: Literal["range", "variance", "sd"] = "range"
    probability: Literal["best", "rank"] = "best"
    p_best: float = 0.8
    q: float = 0.5
    ties: Literal["equal_split", "random_rank"] = "equal_split"
    ratio_counts: Literal["add_then_divide", "divide_then_add"] = "add_then_divide"
    initial_simple: int = 0
    tally_factors: Literal["corrected", "as_drawn"] = "corrected"
    block_sizes: tuple[int, ...] = ()
    block_probabilities: tuple[float, ...] = ()
    hidden_from_sites: bool = True
    origin: Origin
    notes: Text | None = None
