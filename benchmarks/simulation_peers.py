"""Trial simulation as one writes it in Python, for benchmarks/simulation.py: numpy draws, and one test at a time.

    python simulation_peers.py numpy|lifelines W1|W2 TRIALS

Prints processor microseconds a trial, and the power. Needs numpy, and lifelines for that peer.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

CONTROL, RATIO, LEAVE, ACCRUAL, SUBJECTS = np.log(2) / 40, 0.65, 0.002, 36.0, 270
LOOKS = {"W1": ((150, 1.959964),), "W2": ((75, 2.963), (113, 2.353), (150, 2.015))}


def logrank(months: np.ndarray, died: np.ndarray, arm: np.ndarray) -> float:
    """Return z of the log-rank test, positive in favour of arm 1; no two times are equal."""
    order = np.argsort(months)
    died, arm = died[order], arm[order]
    at_risk = np.arange(months.size, 0, -1)
    share = np.cumsum(arm[::-1])[::-1] / at_risk
    return float((share - arm)[died].sum() / np.sqrt((share * (1 - share))[died].sum()))


def simulate(test: Callable[[np.ndarray, np.ndarray, np.ndarray], float], design: str, rng: np.random.Generator) -> bool:
    """Simulate one trial; say whether any look rejects."""
    arm = np.arange(SUBJECTS) % 2
    entry = rng.uniform(0, ACCRUAL, SUBJECTS)
    death = rng.exponential(1 / (CONTROL * np.where(arm == 1, RATIO, 1.0)))
    lost = rng.exponential(1 / LEAVE, SUBJECTS)
    until, died = np.minimum(death, lost), death <= lost
    calendar = np.sort((entry + until)[died])
    found = False
    for events, bound in LOOKS[design]:
        cut = calendar[events - 1]
        here = entry < cut
        months = np.minimum(until, cut - entry)[here]
        found |= test(months, (died & (entry + until <= cut))[here], arm[here]) > bound
    return found


def main(peer: str, design: str, trials: int) -> None:
    """Time a peer."""
    test = logrank
    if peer == "lifelines":
        from lifelines.statistics import logrank_test

        def test(months: np.ndarray, died: np.ndarray, arm: np.ndarray) -> float:
            one = arm == 1
            found = logrank_test(months[one], months[~one], died[one], died[~one]).test_statistic
            return float(np.sqrt(found) * np.sign(logrank(months, died, arm)))

    rng = np.random.default_rng(20)
    simulate(test, design, rng)
    start = time.process_time()
    hits = sum(simulate(test, design, rng) for _ in range(trials))
    print(f"{1e6 * (time.process_time() - start) / trials:.4f} {hits / trials:.4f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
