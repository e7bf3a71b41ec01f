"""Made-up datasets and the two protocols of this repository, for tests of the reports."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from oligami.protocol.load import load_protocol
from oligami.protocol.model.protocol import Protocol

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    """The protocol of the trial."""
    return load_protocol(ROOT / "protocols" / "jcog2110" / "1.0")


@pytest.fixture(scope="session")
def tiny() -> Protocol:
    """Another trial: other arms, no radiotherapy, no quality of life."""
    return load_protocol(ROOT / "tests" / "protocols" / "tiny" / "1.0")


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module that makes up datasets; loaded by its path, for tests are no package."""
    spec = importlib.util.spec_from_file_location("oligami_synthetic_datasets", ROOT / "tests" / "analysis" / "synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
