"""The statistician's session in docs/tutorial runs from the first cell to the last, quickly, and is kept without outputs."""

import os
from pathlib import Path
from time import monotonic

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial" / "statistician.ipynb"
#: What a reader is promised; it takes about 5 s of computing.
LONGEST_SECONDS = 30


@pytest.fixture(scope="module")
def notebook():
    """The notebook as it is kept."""
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(notebook, tmp_path_factory):
    """What each cell said and showed, and the seconds it took, in an empty folder and without a way to the network."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    copy = nbformat.from_dict(notebook)
    began = monotonic()
    client = NotebookClient(
        copy, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path_factory.mktemp("notebook"))}}
    )
    client.execute(env={**os.environ, **nowhere})
    outputs = [output for cell in copy.cells for output in cell.get("outputs", [])]
    return outputs, monotonic() - began


def test_the_notebook_is_valid_and_kept_without_outputs(notebook):
    """Every cell is well-formed, has an id, and no code cell keeps an output or a count."""
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
    assert "日本語の要約" in notebook.cells[0].source


def test_the_session_goes_from_design_to_final_inference(executed):
    """268, the looks, their operating characteristics, the interim look, and the inference that counts the looks are all there."""
    outputs, _ = executed
    words = "\n".join(output.text if output.output_type == "stream" else output.data["text/plain"] for output in outputs)
    for said in (
        "268",
        "Group-sequential survival design",
        "2000 trials",
        "Projection of events",
        "predictive",
        "Cox model",
        "Restricted mean up to 36",
        "stagewise ordering",
    ):
        assert said in words
    assert "Warning" not in words
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 5


def test_the_session_takes_less_than_half_a_minute(executed):
    """A reader who runs all cells does not wait."""
    assert executed[1] < LONGEST_SECONDS
