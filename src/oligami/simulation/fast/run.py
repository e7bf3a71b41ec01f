"""One stretch of simulated trials: `run(plan, seed, first, last)` gives counts that can be added to those of any other stretch.

That is all a scheduler needs to know; `scale` hands stretches to threads or to a cluster.
"""

from collections.abc import Callable
from typing import Final, Literal, get_args

from oligami.simulation.fast.batch import simulate_batch
from oligami.simulation.fast.counts import Counts, count, total
from oligami.simulation.fast.plan import Plan
from oligami.simulation.fast.replicates import Replicates

Engine = Literal["auto", "numpy", "numba"]

#: Replicates held in memory at a time.
BLOCK: Final = 2_000


def engine_in_use(engine: str = "auto") -> Engine:
    """Return the engine of this name; for `auto`, numba where the extra `fast` is installed, else numpy.

    Raises:
        ValueError: the engine has no such name, or numba is asked for and not installed.
    """
    from oligami.simulation.fast.compiled import available

    match engine:
        case "auto":
            return "numba" if available() else "numpy"
        case "numba" if not available():
            raise ValueError("engine is 'numba', which is not installed; install the extra: pip install 'oligami[fast]'")
        case "numba" | "numpy":
            return engine
        case _:
            raise ValueError(f"engine is {engine!r}; it must be one of {', '.join(get_args(Engine))}")


def simulate_replicates(plan: Plan, seed: int, first: int, last: int, engine: Engine = "auto") -> Replicates:
    """Simulate replicates first to last - 1 and keep each one's numbers.

    Raises:
        ValueError: as `engine_in_use`, or the range or seed is impossible.
    """
    simulate: Callable[[Plan, int, int, int], Replicates] = simulate_batch
    if engine_in_use(engine) == "numba":
        from oligami.simulation.fast.compiled import simulate_compiled

        simulate = simulate_compiled
    return simulate(plan, seed, first, last)


def run(plan: Plan, seed: int, first: int, last: int, engine: Engine = "auto") -> Counts:
    """Simulate replicates first to last - 1 of a seed and return their counts.

    A pure function of its arguments: the counts of two adjacent stretches add up to those of both, to the last bit.

    Raises:
        ValueError: as `simulate_replicates`.
    """
    if not 0 <= first < last:
        raise ValueError(f"replicates are {first} to {last}; expected 0 <= first < last")
    engine = engine_in_use(engine)
    parts = []
    for start in range(first, last, BLOCK):
        stop = min(start + BLOCK, last)
        replicates = simulate_replicates(plan, seed, start, stop, engine)
        parts.append(count(replicates, plan, seed=seed, first=start, engine=engine))
    return total(parts)
