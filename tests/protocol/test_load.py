"""Reading a protocol folder: everything that is wrong is listed at once, each with place, finding and near miss."""

import shutil
from pathlib import Path

import pytest

from oligami.protocol.load import ProtocolErrors, find_protocol, list_protocols, load_protocol, read_folder

TINY = Path(__file__).parents[1] / "protocols" / "tiny" / "1.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny protocol to break."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny" / "1.0"))


def edit(path: Path, old: str, new: str) -> None:
    words = path.read_text(encoding="utf-8")
    assert old in words
    path.write_text(words.replace(old, new, 1), encoding="utf-8")


def faults(folder: Path) -> list[tuple[str, str, str | None]]:
    _, problems = read_folder(folder)
    return [(problem.file, problem.key, problem.near_miss) for problem in problems]


def test_a_second_trial_is_a_folder_and_no_code() -> None:
    """A fictitious trial without radiotherapy, response or therapy loads."""
    protocol = load_protocol(TINY)
    assert (protocol.id, protocol.version, len(protocol.digest)) == ("tiny", "1.0", 64)
    assert protocol.radiotherapy is None
    assert protocol.therapy is None
    assert [form.id for form in protocol.forms] == ["death", "entry", "follow_up"]


def test_all_errors_of_all_files_are_listed_at_once(folder: Path) -> None:
    """Ten faults in six files give ten problems, each at its place with its near miss."""
    edit(folder / "trial.toml", 'overall = "RECRUITING"', 'overal = "RECRUITING"')
    edit(folder / "eligibility.toml", "met = 'tinnitus == \"yes\"'", "met = 3")
    edit(folder / "eligibility.toml", 'ja = "登録"}', 'ja = " "}')
    edit(folder / "allocation.toml", '"permuted_blocks"', '"permuted_block"')
    edit(folder / "design.toml", "sided = 1", 'sided = 1\nqq = "x"')
    edit(folder / "design.toml", "alpha = 0.05", 'alpha = "0.05"')
    edit(folder / "design.toml", "power = 0.8\n", "")
    edit(folder / "safety.toml", 'kind = "default"', 'kind = "defualt"')
    edit(folder / "forms" / "entry.toml", 'label = {en = "Sex", ja = "性別"}', 'label = {en = "Sex"}')
    assert faults(folder) == [
        ("trial.toml", "status.overall", "overall for overal"),
        ("trial.toml", "status.overal", "overall"),
        ("eligibility.toml", "stage[entry].title.ja", None),
        ("eligibility.toml", "stage[entry].criterion[T-2].met", None),
        ("allocation.toml", "method", "permuted_blocks"),
        ("design.toml", "alpha", None),
        ("design.toml", "power", None),
        ("design.toml", "qq", None),
        ("safety.toml", "origin.kind", "default"),
        ("forms/entry.toml", "item[sex].label.ja", None),
    ]


def test_problems_speak_both_languages_and_stand_alone(folder: Path) -> None:
    """A problem names place, finding, expectation and near miss in English and Japanese."""
    edit(folder / "safety.toml", 'kind = "default"', 'kind = "defualt"')
    _, (problem,) = read_folder(folder)
    assert problem.text.en == ('origin.kind: found "defualt", expected one of record, source, default; did you mean default?')
    assert problem.text.ja.startswith('origin.kind: "defualt"')
    assert "default" in problem.text.ja
    with pytest.raises(ProtocolErrors, match=r"safety\.toml: origin\.kind"):
        load_protocol(folder)


def test_faulty_files_give_problems_and_no_tracebacks(folder: Path) -> None:
    """Broken syntax, wrong encoding, size, depth, long numbers, missing and stray files are all told."""
    (folder / "schedule.toml").write_text("[[activity]]\nid = \n", encoding="utf-8")
    (folder / "safety.toml").write_bytes(b'dictionary = "\xff"')
    (folder / "analysis.toml").write_text("#" * 2_000_001, encoding="utf-8")
    (folder / "design.toml").write_text("x = " + "9" * 5000, encoding="utf-8")
    (folder / "codelists.toml").write_text("x = " + "[" * 3000 + "]" * 3000, encoding="utf-8")
    (folder / "allocation.toml").unlink()
    (folder / "theraphy.toml").write_text("", encoding="utf-8")
    (folder / "forms" / "death.toml").rename(folder / "forms" / "deaths.toml")
    assert faults(folder) == [
        ("allocation.toml", "", None),
        ("schedule.toml", "line 2, column 6", None),
        ("design.toml", "end of file", None),
        ("analysis.toml", "", None),
        ("safety.toml", "", None),
        ("codelists.toml", "", None),
        ("forms/deaths.toml", "id", None),
        ("theraphy.toml", "", "therapy.toml"),
    ]


def test_a_missing_folder_and_a_folder_without_version_are_problems(tmp_path: Path) -> None:
    """Neither a wrong path nor an empty folder is a traceback."""
    with pytest.raises(ProtocolErrors, match="no such folder"):
        load_protocol(tmp_path / "nowhere")
    with pytest.raises(ProtocolErrors, match="no protocol in this folder") as caught:
        load_protocol(tmp_path)
    assert len(caught.value.problems) == 1
    nameless = shutil.copytree(TINY, tmp_path / "nameless")
    with pytest.raises(ProtocolErrors, match="the version as the folder's name"):
        load_protocol(Path(nameless))


def test_protocols_are_found_by_name_version_and_path(tmp_path: Path) -> None:
    """The newest version wins unless one is named; 1.10 is newer than 1.9; a path works too."""
    for version in ("1.9", "1.10"):
        shutil.copytree(TINY, tmp_path / "tiny" / version)
    assert find_protocol("tiny", roots=[tmp_path]).name == "1.10"
    assert find_protocol("tiny", version="1.9", roots=[tmp_path]).name == "1.9"
    assert find_protocol(str(tmp_path / "tiny")).name == "1.10"
    assert find_protocol(str(tmp_path / "tiny" / "1.9")).name == "1.9"
    assert [path.name for path in list_protocols([tmp_path])["tiny"]] == ["1.9", "1.10"]


def test_an_unknown_name_or_version_says_what_there_is(tmp_path: Path) -> None:
    """The refusal names the near miss and every trial or version there is."""
    shutil.copytree(TINY, tmp_path / "tiny" / "1.0")
    with pytest.raises(ProtocolErrors) as caught:
        find_protocol("tinny", roots=[tmp_path])
    assert caught.value.problems[0].near_miss == "tiny"
    assert "tiny" in caught.value.problems[0].expected.en
    with pytest.raises(ProtocolErrors, match=r"one of 1\.0"):
        find_protocol("tiny", version="2.0", roots=[tmp_path])
    with pytest.raises(ProtocolErrors):
        find_protocol("x" * 5000, roots=[tmp_path])
    with pytest.raises(ProtocolErrors):
        find_protocol("a\0b", roots=[tmp_path])
