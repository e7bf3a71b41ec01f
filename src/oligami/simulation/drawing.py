"""Values from draws: streams that depend on seed, purpose and number alone, and the ways of a scenario's `Draw`."""

import math
import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from oligami.simulation.scenario import Draw

_NORMAL_TRIES = 50


def stream(seed: int, purpose: str, number: int) -> random.Random:
    """Return the stream of one purpose of one subject: no draw of another subject or purpose moves it."""
    return random.Random(f"{seed}|{purpose}|{number}")


def draw_value(draw: Draw, env: Mapping[str, Any], chance: random.Random, *, row: int = 0) -> Any:
    """Return a value, or None where the draw's `share` says there is none.

    Args:
        draw: the way.
        env: traits and items drawn before, by name.
        chance: the stream.
        row: the number of the row inside a list, from 1.

    Raises:
        ValueError: the draw names a trait or item that is not there, or gives no way at all.
    """
    if draw.share < 1.0 and chance.random() >= draw.share:
        return None
    if draw.by is not None:
        key = str(_named(env, draw.by))
        chosen = draw.case.get(key, draw.otherwise)
        return None if chosen is None else draw_value(chosen, env, chance, row=row)
    if draw.copy is not None:
        return _named(env, draw.copy)
    if draw.choose is not None:
        return choose(draw.choose, chance)
    if draw.normal is not None:
        return _rounded(_normal(draw, chance), draw)
    if draw.uniform is not None:
        low, high = draw.uniform
        return _rounded(low + (high - low) * chance.random(), draw)
    if draw.whole is not None:
        return between(draw.whole, chance)
    if draw.days is not None:
        return _date(_named(env, draw.of or "")) + timedelta(days=between(draw.days, chance))
    if draw.rows is not None:
        return _rows(draw, env, chance)
    if draw.numbered is not None:
        return f"{draw.numbered}{row}"
    if draw.value is None:
        raise ValueError(f"a draw gives no way to a value: {draw}")
    return draw.value


def choose(weights: Mapping[str, float], chance: random.Random) -> str:
    """Return one of the keys, each by its share of the weights."""
    total = sum(weights.values())
    mark = chance.random() * total
    for key, weight in weights.items():
        mark -= weight
        if mark < 0:
            return key
    return next(key for key, weight in reversed(list(weights.items())) if weight > 0)


def between(limits: tuple[int, int], chance: random.Random) -> int:
    """Return a whole number from low to high, both included."""
    low, high = limits
    return low + int(chance.random() * (high - low + 1))


def happens(share: float, chance: random.Random) -> bool:
    """Whether something of this probability happens."""
    return chance.random() < share


def exponential(rate: float, chance: random.Random) -> float:
    """Return a waiting time of a constant rate; infinite at rate 0."""
    return -math.log(1.0 - chance.random()) / rate if rate > 0 else math.inf


def _normal(draw: Draw, chance: random.Random) -> float:
    assert draw.normal is not None
    mean, deviation = draw.normal
    low = draw.low if draw.low is not None else -math.inf
    high = draw.high if draw.high is not None else math.inf
    for _ in range(_NORMAL_TRIES):
        # Box-Muller from two plain uniforms: the same numbers with every Python.
        radius = math.sqrt(-2.0 * math.log(1.0 - chance.random()))
        value = mean + deviation * radius * math.cos(2.0 * math.pi * chance.random())
        if low <= value <= high:
            return value
    return min(max(mean, low), high)


def _rows(draw: Draw, env: Mapping[str, Any], chance: random.Random) -> list[dict[str, Any]]:
    assert draw.rows is not None
    count = int(draw_value(draw.rows, env, chance))
    rows = []
    for number in range(1, count + 1):
        inner = dict(env)
        fields: dict[str, Any] = {}
        for name, way in draw.row.items():
            value = draw_value(way, inner, chance, row=number)
            inner[name] = value
            if value is not None:
                fields[name] = value
        rows.append(fields)
    return rows


def _named(env: Mapping[str, Any], name: str) -> Any:
    if name not in env:
        raise ValueError(f"a draw names {name!r}, which is neither a trait nor an item drawn before it")
    return env[name]


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _rounded(value: float, draw: Draw) -> float | int:
    if draw.decimals == 0:
        return round(value)
    return round(value, 1 if draw.decimals is None else draw.decimals)
