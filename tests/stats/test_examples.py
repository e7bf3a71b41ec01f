"""The examples in the docstrings of the statistics run and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import oligami.stats

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(oligami.stats.__path__, "oligami.stats.")
    if not module.name.endswith("_kernels")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings_run(name: str) -> None:
    """Every example prints what its docstring shows."""
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
