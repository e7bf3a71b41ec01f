"""The names a statistician asks for first are those of their modules, and loading them costs the command line nothing."""

import subprocess
import sys
from importlib import import_module

import oligami.stats


def test_every_public_name_is_its_module_s():
    """Each name listed is the function of the module that holds it."""
    for name in oligami.stats.__all__:
        found = getattr(oligami.stats, name)
        assert found is getattr(import_module(found.__module__), name)
        assert found.__doc__


def test_the_library_loads_nothing_heavy_until_it_is_used():
    """Importing the library and the program's command line takes neither scipy nor numba, pandas or matplotlib."""
    program = (
        "import sys, oligami.stats, oligami.cli.main; oligami.cli.main.build(['--help']);"
        "print([name for name in ('scipy', 'numba', 'pandas', 'matplotlib', 'dask', 'django') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
