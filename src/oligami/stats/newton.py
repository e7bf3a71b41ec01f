"""The search for the maximum of a partial likelihood, and the honest account of data that have none.

Leaves the likelihood to its caller.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from oligami.stats.arguments import Floats
from oligami.stats.partial_likelihood import Derivatives

SearchProblem = Literal["no_events", "singular", "monotone_likelihood", "not_converged"]

_MAX_ITERATIONS = 60
# Newton steps double the correct digits: after a step this small, in standard deviations of the covariate or (squared)
# in standard errors of the coefficient, the next one is lost in rounding.
_SMALL_STEP = 1e-8
_SMALL_GAIN = 1e-16
# A step as small as this changes the information in its tenth digit at most: what it leads to is not evaluated again.
_NO_STEP = 1e-10
# With this little left to gain the steps to a finite maximum collapse. Steps on the way to infinity stay near 1 in
# the log hazard ratio across the covariate's range, however little they gain.
_LITTLE_GAIN = 1e-10
_NO_REACH = 1e-3
_UNDIMINISHED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maximum:
    """Where the search ended."""

    coef: Floats  # -inf or inf where the likelihood keeps growing that way, NaN where there is no answer
    inverse: Floats  # of the information; NaN without an answer
    loglik: float
    iterations: int
    problem: SearchProblem | None


def climb(evaluate: Callable[[Floats], Derivatives], start: Floats, null: Derivatives, spread: Floats, width: Floats) -> Maximum:
    """Climb by Newton steps, halved while they lead downhill.

    Args:
        evaluate: the log likelihood with its derivatives at coefficients, shape (p,).
        start: where to begin, shape (p,).
        null: the derivatives there.
        spread: standard deviation of each covariate, > 0, shape (p,): steps are measured in it.
        width: range of each covariate, shape (p,).
    """
    p = start.size
    scaled = null.information / np.outer(spread, spread)
    if not np.isfinite(scaled).all():
        return stopped("not_converged", p, float("nan"), 0)
    values = np.linalg.eigvalsh(scaled)
    # In standard deviations information is of the order of the number of events; rounding stays far below this.
    if values[0] <= 1e-10 * max(values[-1], 1.0):
        return stopped("singular", p, float("nan"), 0)

    coef, now, last = start, null, np.zeros(p)
    for iteration in range(1, _MAX_ITERATIONS + 1):
        try:
            step = np.linalg.solve(now.information / np.outer(spread, spread), now.score / spread) / spread
        except np.linalg.LinAlgError:
            return stopped("not_converged", p, float("nan"), iteration)
        gain = float(now.score @ step)
        if np.abs(step * spread).max() <= _NO_STEP and (np.abs(step) * width).max() <= _NO_REACH:
            return _maximum(coef + step, now, spread, iteration)
        for _ in range(30):
            # A step far too long empties a risk set of all hazard; it is then no number, and halved like one downhill.
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                after = evaluate(coef + step)
            if np.isfinite(after.loglik) and after.loglik >= now.loglik - 1e-12 * abs(now.loglik):
                break
            step = step / 2
        else:
            return stopped("not_converged", p, float("nan"), iteration)
        coef, now = coef + step, after
        reach = np.abs(step) * width
        running = (reach > _NO_REACH) & (reach > _UNDIMINISHED * last)
        last = reach
        if gain <= _LITTLE_GAIN and running.any():
            gone = np.where(running, np.copysign(np.inf, coef), np.nan)
            return stopped("monotone_likelihood", p, now.loglik, iteration, gone)
        if np.abs(step * spread).max() <= _SMALL_STEP or gain <= _SMALL_GAIN:
            return _maximum(coef, now, spread, iteration)
    return stopped("not_converged", p, float("nan"), _MAX_ITERATIONS)


def _maximum(coef: Floats, now: Derivatives, spread: Floats, iterations: int) -> Maximum:
    inverse = np.linalg.inv(now.information / np.outer(spread, spread)) / np.outer(spread, spread)
    return Maximum(coef=coef, inverse=inverse, loglik=now.loglik, iterations=iterations, problem=None)


def stopped(problem: SearchProblem, p: int, loglik: float, iterations: int, coef: Floats | None = None) -> Maximum:
    """Account for a search that found no finite maximum."""
    return Maximum(
        coef=np.full(p, np.nan) if coef is None else coef,
        inverse=np.full((p, p), np.nan),
        loglik=loglik,
        iterations=iterations,
        problem=problem,
    )
