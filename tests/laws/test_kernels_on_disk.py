"""Compiled code on disk is used for the signature it was compiled for, whatever numba's index says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from {home} import {maker}

@{maker}
def first(column):
    return column[0]
"""
CALL = "import sys, numpy as np; sys.path.insert(0, sys.argv[1]); import kept; print(kept.first(np.array([258 % 256 ** {size}], '{kind}')))"


def call(folder: Path, cache: Path, kind: str, size: int) -> int:
    said = subprocess.run(
        [sys.executable, "-c", CALL.format(kind=kind, size=size), str(folder)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(said.stdout)


@pytest.mark.parametrize(
    ("home", "maker"),
    [("oligami.stats._kernels.ordering", "jit"), ("oligami.simulation.fast._kernels.machine", "kernel")],
    ids=["stats", "simulation"],
)
def test_code_of_another_signature_is_not_run(tmp_path, home, maker):
    """When the file that the index names for words holds the code for bytes, words are still read as words."""
    (tmp_path / "kept.py").write_text(MODULE.format(home=home, maker=maker))
    assert call(tmp_path, tmp_path / "words", "int64", 8) == 258
    assert call(tmp_path, tmp_path / "bytes", "int8", 1) == 2
    (words,) = (tmp_path / "words").rglob("kept.first*.nbc")
    (bytes_,) = (tmp_path / "bytes").rglob("kept.first*.nbc")
    shutil.copy(bytes_, words)
    assert call(tmp_path, tmp_path / "words", "int64", 8) == 258
