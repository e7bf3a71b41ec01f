"""The list of commands: quick, and true to the commands it lists."""

import subprocess
import sys

import typer.main
from typer.testing import CliRunner

from oligami.cli.main import build, outline


def test_the_list_says_what_the_commands_say():
    """Names and errands of the quick list are those of the commands themselves, in the same order."""
    listed, whole = typer.main.get_command(outline()), typer.main.get_command(build())
    assert set(listed.commands) == set(whole.commands)
    for name, command in listed.commands.items():
        errand = " ".join((whole.commands[name].help or "").split())
        assert errand.startswith(command.help.removesuffix(".")), name


def test_a_misspelt_command_is_refused_with_what_was_meant():
    """A near miss is named, with exit status 2."""
    result = CliRunner().invoke(outline(), ["analyze"])
    assert result.exit_code == 2
    assert "analyse" in result.output


def test_the_list_loads_no_part_of_the_program():
    """Printing the list imports neither numbers, protocol model nor web."""
    program = (
        "import sys; sys.argv = ['oligami', '--help']\n"
        "from oligami.cli import main\n"
        "try:\n    main.main()\nexcept SystemExit: pass\n"
        "heavy = ('numpy', 'scipy', 'numba', 'pydantic', 'django', 'oligami.protocol', 'oligami.journal')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
    assert "simulate" in said
