"""The classical shapes of group-sequential boundaries, fixed before spending functions came.

Leaves their solution to `boundaries`.
"""

from dataclasses import dataclass

import numpy as np

from oligami.stats import arguments
from oligami.stats.arguments import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Classical:
    """A boundary of fixed shape: constant x (information fraction)^(delta - 1/2), or one Z at every interim look."""

    name: str
    delta: float | None = None  # of Wang and Tsiatis
    interim_z: float | None = None  # of Haybittle and Peto

    def shape(self, fraction: Floats) -> Floats:
        """Return the bounds up to their constant (delta), or as they stand (interim Z)."""
        if self.delta is not None:
            return np.asarray(fraction ** (self.delta - 0.5))
        return np.full(fraction.shape, self.interim_z)


def wang_tsiatis(delta: float) -> Classical:
    """Return the family of Wang and Tsiatis; delta 0 is O'Brien-Fleming's test, 0.5 Pocock's.

    Raises:
        ValueError: delta does not lie between -1 and 1.

    Source: Wang and Tsiatis (1987), Biometrics 43, 193-199.

    >>> wang_tsiatis(0.25).delta
    0.25
    """
    arguments.number(delta, "delta", at_least=-1, at_most=1)
    return Classical(name="wang_tsiatis", delta=float(delta))


def obrien_fleming() -> Classical:
    """Return O'Brien and Fleming's boundary: the same score at every look.

    Source: O'Brien and Fleming (1979), Biometrics 35, 549-556.

    >>> obrien_fleming().delta
    0.0
    """
    return Classical(name="obrien_fleming", delta=0.0)


def pocock() -> Classical:
    """Return Pocock's boundary: the same Z at every look.

    Source: Pocock (1977), Biometrika 64, 191-199.

    >>> pocock().delta
    0.5
    """
    return Classical(name="pocock", delta=0.5)


def haybittle_peto(interim_z: float = 3.0) -> Classical:
    """Return the boundary of Haybittle and Peto: one high Z at interim looks, the last look taking what remains.

    Args:
        interim_z: more than 0.

    Raises:
        ValueError: interim_z is not positive.

    Source: Haybittle (1971), British Journal of Radiology 44, 793-797; Peto et al. (1976), British Journal of
    Cancer 34, 585-612. The last bound keeps the whole level.

    >>> haybittle_peto().interim_z
    3.0
    """
    arguments.number(interim_z, "interim_z", above=0)
    return Classical(name="haybittle_peto", interim_z=float(interim_z))
