"""Looks at a protocol folder as a whole: every file, every expression, every reference, all problems at once."""

from pathlib import Path

from oligami.protocol.compile import Compiled, compile_all, compile_protocol
from oligami.protocol.load import read_folder
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import Problem, ProtocolErrors
from oligami.protocol.references import find_faults


def check_protocol(protocol: Protocol) -> tuple[Problem, ...]:
    """Return all problems of a protocol that has been read: its expressions and its references, file by file."""
    _, problems = compile_all(protocol)
    return _by_file([*problems, *find_faults(protocol)])


def check_folder(folder: Path) -> tuple[Compiled | None, tuple[Problem, ...]]:
    """Read and check a folder; return the compiled protocol (None if anything is wrong) and all problems.

    A file that cannot be read hides what the others say of it, so references are looked at when every file is readable.
    """
    protocol, problems = read_folder(folder)
    if protocol is None:
        return None, problems
    problems = check_protocol(protocol)
    return (None, problems) if problems else (compile_protocol(protocol), ())


def open_protocol(folder: Path) -> Compiled:
    """Return the compiled protocol of a folder that has been checked whole.

    Raises:
        ProtocolErrors: anything is wrong; everything is listed.
    """
    compiled, problems = check_folder(folder)
    if compiled is None:
        raise ProtocolErrors(problems)
    return compiled


def _by_file(problems: list[Problem]) -> tuple[Problem, ...]:
    """Bring together what was found on one file, in the order in which files were first mentioned."""
    order = {file: place for place, file in enumerate(dict.fromkeys(problem.file for problem in problems))}
    return tuple(sorted(problems, key=lambda problem: order[problem.file]))
