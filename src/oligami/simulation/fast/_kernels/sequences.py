"""The same subjects minimized again and again, each sequence from its own address of chance."""

import numpy as np

from oligami.simulation.fast._kernels.allocation import minimize
from oligami.simulation.fast._kernels.chance import fill_uniforms
from oligami.simulation.fast._kernels.elementary import total
from oligami.simulation.fast._kernels.machine import kernel
from oligami.simulation.fast._kernels.shapes import Positions
from oligami.simulation.fast.streams import Purpose
from oligami.stats.arguments import Floats, Ints

_COURSE = np.uint64(Purpose.COURSE)


@kernel
def redraw_sequences(
    code: Positions, weights: Floats, pulls: Ints, p_best: float, simple: int, seed: np.uint64, first: int, scores: Floats,
    words: Floats, lead: Ints, arm: Positions, drawn: np.ndarray[tuple[int, int], np.dtype[np.uint8]], sums: Floats,
) -> None:  # fmt: skip
    """Draw sequences from the first on, in order of the columns of `code`.

    scores: one a subject; `sums` gets the sum over arm 1 of each sequence. drawn: gets the arms, unless it has no columns.
    words (4, n), lead, arm: buffers.
    """
    n = arm.size
    for sequence in range(sums.size):
        fill_uniforms(seed, _COURSE, np.uint64(first + sequence), n, words[0], words[1], words[2], words[3])
        lead[:] = 0
        minimize(code, weights, pulls, p_best, simple, words[3], n, lead, arm)
        for i in range(n):
            words[0, i] = scores[i] * arm[i]
        sums[sequence] = total(words[0], n)
        for i in range(drawn.shape[1]):
            drawn[sequence, i] = np.uint8(arm[i])
