"""Reading the published reference values and walking through them: shared by the tests of the statistics.

The notation of the cases (formulas, filters, derived columns) is understood here and nowhere else.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Set
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "reference" / "stats"
# Another tool's value beside the one to meet, and words.
INFORMATIVE = frozenset({"gsDesign_z_upper", "rpact", "note"})

Columns = dict[str, np.ndarray]
Solver = Callable[[dict[str, Any]], dict[str, Any]]


def reference_cases(files: list[str], methods: Set[str]) -> list[Any]:
    """List the cases of these files whose method is among those given, as parameters (case, default tolerance)."""
    found = []
    for name in files:
        reference = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        found += [
            pytest.param(case, reference["provenance"]["default_tolerance"], id=f"{name}/{case['id']}")
            for case in reference["cases"]
            if case["method"] in methods
        ]
    return found


def faults(case: dict[str, Any], default: dict[str, float], got: dict[str, Any], ignored: Set[str] = frozenset()) -> list[str]:
    """Name every number of a case that an answer misses by more than the case's tolerance; `ignored` keys are skipped."""
    expected = dict(case["expected"])
    if "z_upper_high_precision" in expected:  # the converged value is the one to meet
        expected.pop("z_upper", None)
    skipped = INFORMATIVE | ignored
    return list(differences(expected, got, lambda key: tolerance(case, default, key), case["id"], "", skipped))


# --- the walk -------------------------------------------------------------------------------------------------------

# fisher.test of R stops the root search for these at its default of 1.2e-4; the library solves them to the last digits,
# and test_proportions holds its answers to the equation itself.
ROUGH_IN_THE_REFERENCE = {"odds_ratio_cmle": {"rel": 1e-4}, "odds_ratio_ci_95": {"rel": 1e-4}}


def tolerance(case: dict[str, Any], default: dict[str, float], key: str) -> dict[str, float]:
    if key in ROUGH_IN_THE_REFERENCE:
        return ROUGH_IN_THE_REFERENCE[key]
    own = case.get("tolerance") or {}
    if isinstance(own.get(key), dict):
        return own[key]
    return own if "abs" in own or "rel" in own else default


def differences(
    expected: Any, got: Any, limit: Callable[[str], dict[str, float]], path: str, key: str, skipped: Set[str]
) -> Iterator[str]:
    """Name every place at which an answer departs from what is expected."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            if name in skipped:
                continue
            if name not in got:
                yield f"{path}.{name} is absent"
            else:
                yield from differences(value, got[name], limit, f"{path}.{name}", name, skipped)
    elif isinstance(expected, list):
        items = list(got)
        if len(items) != len(expected):
            yield f"{path} has {len(items)} items, expected {len(expected)}"
        for i, (wanted, found) in enumerate(zip(expected, items, strict=False)):
            yield from differences(wanted, found, limit, f"{path}[{i}]", key, skipped)
    elif expected is None:
        if math.isfinite(got):
            yield f"{path} is {got}, expected nothing"
    elif isinstance(expected, str):
        if str(got) != expected:
            yield f"{path} is {got!r}, expected {expected!r}"
    else:
        allowed = max(limit(key).get("abs", 0.0) + limit(key).get("rel", 0.0) * abs(expected), 1e-12)
        if not abs(float(got) - expected) <= allowed:
            yield f"{path} is {float(got)!r}, expected {expected!r}"


# --- reading a case -------------------------------------------------------------------------------------------------


def columns_of(case: dict[str, Any]) -> Columns:
    if "data" in case["input"]:
        return {name: np.array(values) for name, values in case["input"]["data"].items()}
    with (FOLDER / case["dataset"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {name: column([row[name] for row in rows]) for name in rows[0]}
    condition = case["input"].get("filter")
    if condition is None:
        return columns
    if derived := re.fullmatch(r"derive (\w+) = (\w+)>=(\d+)", condition):
        return columns | {derived[1]: (columns[derived[2]] >= float(derived[3])).astype(int)}
    if present := re.fullmatch(r"(\S+) not missing", condition):
        return rows_where(columns, ~np.isnan(columns[present[1]]))
    if other := re.fullmatch(r"(\S+) != '(.+)'", condition):
        return rows_where(columns, columns[other[1]] != other[2])
    raise AssertionError(f"a filter nobody reads: {condition}")


def column(texts: list[str]) -> np.ndarray:
    try:
        return np.array([float(text) if text else math.nan for text in texts])
    except ValueError:
        return np.array(texts)


def rows_where(columns: Columns, keep: np.ndarray) -> Columns:
    return {name: values[keep] for name, values in columns.items()}


def label(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def levels(values: np.ndarray) -> list[Any]:
    return sorted(set(values.tolist()), key=lambda value: str(value).lower())


def stacked(columns: Columns, names: list[str] | None) -> np.ndarray | None:
    return None if not names else np.column_stack([columns[name] for name in names])


def design(formula: str, columns: Columns) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Turn the right side of a model formula into named covariates and strata."""
    terms: dict[str, np.ndarray] = {}
    strata = None
    for term in re.split(r"\+(?![^(]*\))", formula.split("~")[1]):
        if found := re.fullmatch(r"strata\((.+)\)", term):
            strata = stacked(columns, found[1].split(","))
        elif found := re.fullmatch(r"factor\((.+)\)", term):
            for value in levels(columns[found[1]])[1:]:
                terms[f"{term}{label(value)}"] = (columns[found[1]] == value).astype(float)
        elif "*" in term:
            first, second = term.split("*")
            terms |= {first: columns[first], second: columns[second]}
        else:
            terms[term] = columns[term]
    for term in re.findall(r"(\w+\*\w+)", formula):
        first, second = term.split("*")
        terms[f"{first}:{second}"] = columns[first] * columns[second]
    return terms, strata
