"""Looks at a protocol folder as a whole: every file, every expression, every reference, all problems at once."""

from collections.abc import Collection
from pathlib import Path

from oligami.protocol.compile import Compiled, compile_all, compile_protocol
from oligami.protocol.load import read_parts
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import Problem, ProtocolErrors
from oligami.protocol.references import find_faults


def check_protocol(protocol: Protocol) -> tuple[Problem, ...]:
    """Return all problems of a protocol that has been read: its expressions and its references, file by file."""
    _, problems = compile_all(protocol)
    return _by_file([*problems, *find_faults(protocol)])


def check_folder(folder: Path) -> tuple[Compiled | None, tuple[Problem, ...]]:
    """Read and check a folder; return the compiled protocol (None if anything is wrong) and all problems.

    A file that cannot be read hides nothing of the others but what they say of it.
    """
    protocol, unread, problems = read_parts(folder)
    if protocol is None:
        return None, problems
    if problems:
        _, refused = compile_all(protocol)
        readable = [problem for problem in refused if not unread.intersection(_needs(protocol, unread, problem.file))]
        return None, _by_file([*problems, *readable, *find_faults(protocol, unread)])
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


def _needs(protocol: Protocol, unread: Collection[str], file: str) -> set[str]:
    """Return the files without which nothing can be said about the expressions of a file; itself among them."""
    needs = {file, "codelists.toml"}
    stages = [f"forms/{stage.form}.toml" for stage in protocol.eligibility.stage]
    if file.startswith("forms/"):
        form = next((each for each in protocol.forms if f"forms/{each.id}.toml" == file), None)
        sources = [] if form is None else [*(item.derive or "" for item in form.item), *(each.holds for each in form.check)]
        sources += [] if form is None else [item.show_when or "" for item in form.item]
        # Items of other forms are called FORM.ITEM.
        others = [each for each in unread if each.startswith("forms/")]
        needs |= {each for each in others if any(f"{_stem(each)}." in source for source in sources)}
    elif file == "eligibility.toml":
        needs |= set(stages)
    elif file == "radiotherapy.toml" and protocol.radiotherapy is not None:
        needs.add(f"forms/{protocol.radiotherapy.lung_location.form}.toml")
    else:
        # The rest speaks of the casebook: the first form, the therapy form, and what is derived from them.
        needs |= {"eligibility.toml", "therapy.toml", *stages[:1]}
        needs |= {f"forms/{protocol.therapy.form}.toml"} if protocol.therapy is not None else set()
    return needs


def _stem(file: str) -> str:
    return file.removeprefix("forms/").removesuffix(".toml")


def _by_file(problems: list[Problem]) -> tuple[Problem, ...]:
    """Bring together what was found on one file, in the order in which files were first mentioned."""
    order = {file: place for place, file in enumerate(dict.fromkeys(problem.file for problem in problems))}
    return tuple(sorted(problems, key=lambda problem: order[problem.file]))
