"""The benchmark designs W1 to W4 as plans; they are those of the tests, so that what is timed is what is checked.

W1, W2: 270 randomized alternately, uniform accrual over 36 months, exponential, control median 40 months, hazard ratio 0.65,
drop-out 0.002 a month, log-rank; one look at 150 deaths, or three at 75, 113 and 150 with O'Brien and Fleming's bounds.
W3: two strata and no effect for six months. W4: a whole trial with a gate, minimization and five tests at each of three looks.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from fast_designs import W1, W2, W3, W4

DESIGNS = {"W1": W1, "W2": W2, "W3": W3, "W4": W4}
