"""The plan of interim analyses in design.toml: optional, checked like the rest, shown in both languages."""

import shutil
from pathlib import Path

import pytest

from oligami.protocol.check import check_folder
from oligami.protocol.load import load_protocol
from oligami.protocol.show import show_protocol

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"
PLAN = """
[interim_plan]
information = [0.5, 0.75, 1.0]
efficacy = "lan_demets_obrien_fleming"
futility = "hwang_shih_decani"
futility_parameter = -2.0
text = {en = "Two looks before the end.", ja = "最終解析前に2回。"}
origin = {kind = "default", cite = "an example"}
"""


def with_plan(tmp_path: Path, plan: str) -> Path:
    folder = Path(shutil.copytree(TINY, tmp_path / "tiny" / "1.0"))
    with (folder / "design.toml").open("a", encoding="utf-8") as file:
        file.write(plan)
    return folder


def test_a_plan_of_interim_analyses_is_read_and_shown(tmp_path: Path) -> None:
    """The looks and how alpha and beta are spent stand in the typed protocol and on the page of the design."""
    protocol = load_protocol(with_plan(tmp_path, PLAN))
    assert protocol.design.interim_plan is not None
    assert protocol.design.interim_plan.information == (0.5, 0.75, 1.0)
    assert protocol.design.interim_plan.futility_parameter == -2.0
    words = "\n".join(show_protocol(protocol, "ja", part="design"))
    assert "最終解析前に2回。" in words
    assert "O'Brien-Fleming型" in words


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("[0.5, 0.75, 1.0]", "[0.75, 0.5, 1.0]", "interim_plan.information"),
        ("[0.5, 0.75, 1.0]", "[0.5, 0.9]", "interim_plan.information"),
        ("[0.5, 0.75, 1.0]", "[]", "interim_plan.information"),
        ("futility_parameter = -2.0\n", "", "interim_plan.futility_parameter"),
        (
            '"lan_demets_obrien_fleming"',
            '"lan_demets_obrien_fleming"\nefficacy_parameter = 3.0',
            "interim_plan.efficacy_parameter",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, key: str) -> None:
    """Looks that do not ascend to 1 and missing or idle parameters are named with their key."""
    assert old in PLAN
    _, problems = check_folder(with_plan(tmp_path, PLAN.replace(old, new)))
    assert [(problem.file, problem.key) for problem in problems] == [("design.toml", key)]


def test_a_protocol_without_interim_analyses_keeps_its_digest(tmp_path: Path) -> None:
    """The optional plan changes the digest of those protocols alone that have one."""
    assert load_protocol(with_plan(tmp_path / "a", "")).digest == load_protocol(TINY).digest
    assert load_protocol(with_plan(tmp_path / "b", PLAN)).digest != load_protocol(TINY).digest
