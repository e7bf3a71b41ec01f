"""Versions of a trial's protocol: those active in its journal, and those that lie in the protocol folders and could follow."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import Http404

from oligami.protocol.cases import load_cases, mismatches
from oligami.protocol.check import check_folder
from oligami.protocol.compile import Compiled
from oligami.protocol.load import default_roots, list_protocols
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.text import Text
from oligami.trial.judge import judge_line, verbs
from oligami.trial.judge_input import JudgeError
from oligami.trial.state import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A version in a folder that is not active yet.

    protocol: None where the folder has faults. problems: all of them, each with its file. cases, wrong: how many worked cases the
    folder brings, and those that come out otherwise than it expects.
    """

    version: str
    protocol: Protocol | None
    problems: tuple[tuple[str, Text], ...] = ()
    cases: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether it could be activated: no fault, and every worked case right."""
        return self.protocol is not None and not self.problems and not self.wrong


def find_candidates(trial: Trial) -> tuple[Candidate, ...]:
    """Return the versions newer than every active one that lie in the folders of protocols, oldest first."""
    active = [_key(version) for version in trial.study.versions]
    folders: dict[str, Path] = {}
    for root in (*getattr(settings, "OLIGAMI_PROTOCOLS", ()), *default_roots()):
        for folder in list_protocols([Path(root)]).get(trial.study.trial, ()):
            if folder.parent.parent == Path(root):
                folders.setdefault(folder.name, folder)
    newer = sorted((version for version in folders if _key(version) > max(active, default=())), key=_key)
    return tuple(_read(folders[version], _state(folders[version])) for version in newer)


def version_of(trial: Trial, version: str) -> tuple[Protocol | None, Candidate | None]:
    """Return the protocol of a version, with the candidate it is where it is not active.

    Raises:
        Http404: neither the journal nor a folder has this version.
    """
    known = trial.study.versions.get(version)
    if known is not None:
        return known, None
    for candidate in find_candidates(trial):
        if candidate.version == version:
            return candidate.protocol, candidate
    raise Http404


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _state(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what tells that a folder's files are the same as before."""
    found = []
    for path in sorted(folder.rglob("*.toml")):
        seen = path.stat()
        found.append((path.name, seen.st_size, seen.st_mtime_ns))
    return tuple(found)


@lru_cache(maxsize=16)
def _read(folder: Path, state: tuple[tuple[str, int, int], ...]) -> Candidate:
    """Read and check a folder; kept until one of its files changes."""
    compiled, problems = check_folder(folder)
    cases, faults = load_cases(folder)
    said = tuple((problem.file, problem.text) for problem in (*problems, *faults))
    if compiled is None or said:
        return Candidate(version=folder.name, protocol=None, problems=said)
    wrong = tuple(f"{case.file} {case.id}" for case in cases if not _comes_out(compiled, case.judge, case.input, case.expected))
    return Candidate(version=folder.name, protocol=compiled.protocol, cases=len(cases), wrong=wrong)


def _comes_out(compiled: Compiled, verb: str, given: object, expected: object) -> bool:
    if verb not in verbs(compiled):
        return False
    try:
        return not mismatches(expected, judge_line(compiled, verb, given))
    except JudgeError:
        return False


def versions_in_order(trial: Trial) -> Sequence[str]:
    """Return the active versions in the order in which they were first activated."""
    return tuple(trial.study.versions)
