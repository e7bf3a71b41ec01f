"""`oligami judge`: JSON lines in, answers out in order, faulty lines told, long inputs streamed."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from oligami.cli.judge import LONGEST_LINE, Question, answer_lines, answer_stream, judge_command, read_blocks
from oligami.protocol.check import open_protocol
from oligami.protocol.load import find_protocol
from oligami.trial.judge import JudgeError, judge_line, verbs

REFERENCE = Path(__file__).parents[1] / "reference" / "clinical"
FOLDER = find_protocol("jcog2110")
COMPILED = open_protocol(FOLDER)
FIRST = json.loads((REFERENCE / "eligibility_first.json").read_text())["cases"]
THERAPY = {"er": "positive", "pgr": "positive", "her2": "negative", "regimen": "OLA", "brca": "positive"}

app = typer.Typer()
app.command("judge")(judge_command)
app.command("other")(lambda: None)  # with a second command typer keeps the word `judge`

COMMAND = [sys.executable, "-c", "from typer import Typer\nfrom oligami.cli.judge import app\napp()"]


def run(*arguments, lines=None):
    """Run the command in this process; return exit code, answers and what was said on standard error."""
    found = CliRunner().invoke(app, ["judge", *arguments], input=lines, catch_exceptions=False)
    return found.exit_code, [json.loads(line) for line in found.stdout.splitlines()], found.stderr


def question(verb, **more):
    return Question(folder=FOLDER, verb=verb, **{"tree": False, "language": None, **more})


def test_verbs_are_those_of_the_issue():
    """The protocol's rules give the nine judgements."""
    assert verbs(COMPILED) == (
        "eligibility-first",
        "eligibility-second",
        "therapy",
        "radiotherapy",
        "lung-location",
        "dose-constraint",
        "response",
        "qlq-c30",
        "qol-progression",
    )


def test_a_trial_without_these_rules_has_fewer_verbs():
    """Another folder has the judgements that its files have rules for."""
    tiny = open_protocol(Path(__file__).parents[1] / "protocols" / "tiny" / "1.0")
    assert set(verbs(tiny)) >= {f"eligibility-{stage}" for stage in tiny.stages}
    assert ("therapy" in verbs(tiny)) == (tiny.protocol.therapy is not None)


def test_an_answer_a_line_in_order():
    """Every line is answered in order; blank lines are skipped; the exit code is 0 when none is faulty."""
    lines = "\n\n".join(json.dumps(case["input"]) for case in FIRST)
    code, answers, said = run("eligibility-first", "--trial", "jcog2110", lines=lines + "\n  \n")
    assert (code, said) == (0, "")
    assert [answer["verdict"] for answer in answers] == [case["expected"]["verdict"] for case in FIRST]


@pytest.mark.parametrize(
    ("line", "item"),
    [
        ('{"er": "positive"', ""),
        ('{"er": "positive", "er": "negative"}', ""),
        ('{"pd_l1_22c3_cps": NaN, "regimen": "OLA"}', ""),
        ("[" * 100_000, ""),
        ("[1, 2]", "therapy"),
        ('"OLA"', "therapy"),
        ('{"er": "positiv", "regimen": "OLA"}', "er"),
        ('{"er": ["positive"], "regimen": "OLA"}', "er"),
        ('{"pd_l1_22c3_cps": 1e999, "regimen": "OLA"}', "pd_l1_22c3_cps"),
        ('{"pd_l1_22c3_cps": -1, "regimen": "OLA"}', "pd_l1_22c3_cps"),
        ('{"pd_l1_22c3_cps": "10", "regimen": "OLA"}', "pd_l1_22c3_cps"),
        ('{"menopauze": "unknown", "regimen": "OLA"}', "menopauze"),
        ('{"er": "positive"}', "regimen"),
        ('{"regimen": 7}', "regimen"),
        ('{"pd_l1_22c3_cps": ' + "9" * 5000 + ', "regimen": "OLA"}', ""),
    ],
)
def test_a_faulty_line_is_told_and_the_others_are_judged(line, item):
    """A faulty line gets an error with item, sentence and remedy in both languages; its neighbours their answers; exit 2."""
    good = json.dumps(THERAPY)
    code, answers, said = run("therapy", "--trial", "jcog2110", lines=f"{good}\n{line}\n{good}\n")
    assert code == 2
    assert answers[0] == answers[2]
    assert answers[0]["status"] == "ALLOWED_WITH_QUERY"
    error = answers[1]["error"]
    assert (error["line"], error["item"]) == (2, item)
    assert all(error[key][language] for key in ("text", "remedy") for language in ("en", "ja"))
    assert said == "1 line could not be judged.\n"


def test_bytes_that_are_no_text():
    """A line that is not UTF-8, and one that is too long, are faulty lines like others; a byte order mark is no fault."""
    good = json.dumps(THERAPY).encode()
    answers, faulty = answer_lines(
        COMPILED, question("therapy"), [b"\xef\xbb\xbf" + good, b"\xff\xfe", b"x" * (LONGEST_LINE + 1), b"\r", good], 1
    )
    told = [json.loads(line) for line in answers.splitlines()]
    assert faulty == 2
    assert ["error" in each for each in told] == [False, True, True, False]
    assert [each["error"]["line"] for each in told[1:3]] == [2, 3]


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"e3_body_temperature_c": 50}, "e3_body_temperature_c"),
        ({"lesions": [{"kind": "distant_metastasis", "site": "bone", "max_diameter_mm": 0}]}, "lesions[1].max_diameter_mm"),
        ({"lesions": [{"kind": "distant_metastasis", "site": "bone", "max_diameter_mm": -4}]}, "lesions[1].max_diameter_mm"),
        ({"sex": "male", "e4_last_delivery_date": "2024-01-01"}, "e4_last_delivery_date"),
        ({"e7_last_infarction_date": "2024-06-11"}, "e7_last_infarction_date"),
        ({"e1_other_malignancy": "treated_no_evidence", "e1_disease_free_since": "2024-06-11"}, "e1_disease_free_since"),
        ({"birth_date": "2024-06-11"}, "birth_date"),
        ({"registration_date": "2024-02-30"}, "registration_date"),
    ],
)
def test_values_that_cannot_be_are_not_judged(change, item):
    """Impossible values are errors of entry, not verdicts."""
    with pytest.raises(JudgeError) as caught:
        judge_line(COMPILED, "eligibility-first", {**FIRST[0]["input"], **change})
    assert item in {problem.item for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("data", "item"),
    [
        ({"site": "bone", "total_gy": 0, "fractions": 5}, "total_gy"),
        ({"site": "bone", "total_gy": "35", "fractions": 5}, "total_gy"),
        ({"site": "bone", "fractions": 5}, "total_gy"),
        ({"site": "bone", "total_gy": 35, "fractions": 2.5}, "fractions"),
        ({"site": "bone", "total_gy": 35, "fractions": 0}, "fractions"),
        ({"site": "", "total_gy": 35, "fractions": 5}, "site"),
        ({"site": "lung", "lung_location": "hilar", "total_gy": 50, "fractions": 8}, "lung_location"),
        ({"site": "bone", "total_gy": 35, "fractions": 5, "dose": 7}, "dose"),
    ],
)
def test_impossible_prescriptions_are_refused(data, item):
    """A dose that cannot be is an error; a site without options is an answer."""
    with pytest.raises(JudgeError) as caught:
        judge_line(COMPILED, "radiotherapy", data)
    assert [problem.item for problem in caught.value.problems] == [item]


def test_growth_soon_after_radiotherapy_is_marked():
    """Progression of a lung lesion within three months of its radiotherapy is called PD, with a warning; later without."""

    def ask(day):
        target = {"mm": 29, "organ": "lung", "last_fraction": "2024-05-01"}
        line = {"targets": {"L1": target}, "assessments": [{"date": day, "sizes": {"L1": 36}}]}
        return judge_line(COMPILED, "response", line)

    soon, later = ask("2024-08-01"), ask("2024-08-02")
    assert [each["overall"] for each in soon["assessments"]] == ["PD"]
    assert [each["rule"] for each in soon["warnings"]] == ["response.fibrosis"]
    assert "warnings" not in later


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"fractions": 0}, "fractions"),
        ({"organ": ""}, "organ"),
        ({"metric": None}, "metric"),
        ({"value": "26"}, "value"),
        ({"value": -1}, "value"),
        ({"metric": "V20Gy%", "value": 101}, "value"),
        ({"metric": None, "value": None, "metrics": {"D0.03cc": 1, "d0.03CC": 2}}, "metrics.d0.03CC"),
        ({"metric": None, "value": None, "metrics": {}}, "metrics"),
        ({"metrics": {"D0.03cc": 1}, "value": None}, "metric"),
        ({"dose": 1}, "dose"),
    ],
)
def test_impossible_dose_figures_are_refused(change, item):
    """A dose figure that cannot be is an error that names its item."""
    line = {"fractions": 4, "organ": "SpinalCord", "metric": "D0.03cc", "value": 26} | change
    with pytest.raises(JudgeError) as caught:
        judge_line(COMPILED, "dose-constraint", line)
    assert [problem.item for problem in caught.value.problems] == [item]


@settings(max_examples=80, deadline=None)
@given(
    verb=st.sampled_from(verbs(COMPILED)),
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["targets", "assessments", "items", "L1", "date", "sizes", "er", "lesions"]), inner)
        ),
        max_leaves=8,
    ),
)
def test_no_input_breaks_a_judgement(verb, data):
    """Whatever JSON comes, the answer is a judgement or an error that names an item; both are plain JSON."""
    try:
        answer = judge_line(COMPILED, verb, data, tree=True)
    except JudgeError as error:
        answer = error.as_json()
        assert answer["problems"]
    assert json.loads(json.dumps(answer)) == answer


def test_language_and_tree():
    """With a language every text is one wording; with a tree every criterion shows its steps."""
    line = json.dumps({**FIRST[0]["input"], "e13_hbs_ag": "positive"})
    _, (both,), _ = run("eligibility-first", "--trial", "jcog2110", lines=line)
    _, (japanese,), _ = run("eligibility-first", "--trial", "jcog2110", "--lang", "ja", "--tree", lines=line)
    assert japanese["reasons"][0]["text"] == both["reasons"][0]["text"]["ja"]
    assert "tree" not in both
    assert [each["rule"] for each in japanese["tree"]] == [each.criterion.id for each in COMPILED.stages["first"].criteria]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["therpy", "--trial", "jcog2110"], "therapy"),
        (["therapy", "--trial", "jcog211"], "jcog2110"),
        (["therapy", "no/such/file", "--trial", "jcog2110"], "no/such/file"),
    ],
)
def test_faulty_commands_say_what_to_do(arguments, words):
    """A wrong verb, trial or file is one sentence that names what was meant, and exit 2."""
    code, answers, said = run(*arguments, lines="")
    assert (code, answers) == (2, [])
    assert words in said


def test_a_file_is_read(tmp_path):
    """A file given by name is judged as standard input is; a missing last line end does not matter."""
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps(THERAPY) + "\n" + json.dumps(THERAPY), encoding="utf-8")
    code, answers, _ = run("therapy", str(path), "--trial", "jcog2110")
    assert (code, len(answers)) == (0, 2)


@settings(max_examples=50, deadline=None)
@given(lines=st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line)), size=st.integers(1, 40))
def test_blocks_give_the_lines_back(lines, size):
    """However the input is cut into reads, the lines come back whole and in order."""

    class Pieces(io.BytesIO):
        def read(self, count=-1):
            return super().read(min(size, count))

    text = b"\n".join(lines)
    blocks = [block for block in read_blocks(Pieces(text), lambda: 0.0) if block is not None]
    found = [line for block in blocks for line in block]
    wanted = text.split(b"\n")
    assert found == (wanted if wanted[-1] else wanted[:-1])


def test_shared_work_gives_the_same_answers(tmp_path):
    """Many lines are shared among processes and answered in order, with the true numbers of faulty lines."""
    some = [json.dumps(case["input"]) for case in FIRST]
    lines = [some[place % len(some)] for place in range(3500)]
    lines[3000] = "{"
    path = tmp_path / "many.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = io.BytesIO()
    with path.open("rb") as stream:
        faulty = answer_stream(question("eligibility-first"), COMPILED, stream, out)
    alone, _ = answer_lines(COMPILED, question("eligibility-first"), [line.encode() for line in lines], 1)
    assert faulty == 1
    assert out.getvalue() == alone
    assert json.loads(out.getvalue().splitlines()[3000])["error"]["line"] == 3001


def test_a_conversation_is_answered_line_by_line():
    """Whoever writes one line and waits gets its answer before sending the next."""
    with subprocess.Popen(
        [*COMMAND, "therapy", "--trial", "jcog2110"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}
    ) as process:
        for regimen, status in (("OLA", "ALLOWED_WITH_QUERY"), ("DTX", "NOT_ALLOWED")):
            process.stdin.write(json.dumps({**THERAPY, "regimen": regimen}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["status"] == status
        process.stdin.close()
        assert process.wait() == 0


def test_a_closed_pipe_is_no_fault(tmp_path):
    """A reader who has seen enough ends the command without complaint."""
    path = tmp_path / "many.jsonl"
    path.write_text((json.dumps(THERAPY) + "\n") * 1500, encoding="utf-8")
    with subprocess.Popen(
        [*COMMAND, "therapy", str(path), "--trial", "jcog2110"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0
