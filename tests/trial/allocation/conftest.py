"""Rules and reference files for the tests of allocation."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from oligami.protocol.model.allocation import Allocation, AllocationArm, Factor
from oligami.protocol.model.common import Origin, OriginKind
from oligami.protocol.text import Text

REFERENCE = Path(__file__).parents[2] / "reference" / "randomization"
ORIGIN = Origin(kind=OriginKind.DEFAULT)


def make_rule(
    arms: Mapping[str, int], factors: Mapping[str, Sequence[str]], weights: Mapping[str, float] | None = None, **rest: Any
) -> Allocation:
    """Build a rule from arms with their ratio and factors with their levels; minimization unless `rest` says else."""
    return Allocation(
        stage="second",
        arms=tuple(AllocationArm(id=arm, ratio=ratio) for arm, ratio in arms.items()),
        factors=tuple(
            Factor(
                id=name,
                title=Text(name, name),
                expression=name,
                levels=tuple(levels),
                weight=(weights or {}).get(name, 1.0),
                origin=ORIGIN,
            )
            for name, levels in factors.items()
        ),
        origin=ORIGIN,
        **{"method": "minimization", **rest},
    )


@pytest.fixture(scope="session")
def rule_of() -> Callable[..., Allocation]:
    return make_rule


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Any]:
    return lambda name: json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
