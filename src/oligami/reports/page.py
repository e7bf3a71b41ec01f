"""A self-contained page in both languages made of sections, and the folder it is written to.

The page holds no script and fetches nothing. Its language is switched by two radio buttons and the page's own style, so that
it works from a file, in an archive and in print.
"""

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from oligami.protocol.text import Text
from oligami.reports.figures import Figure
from oligami.reports.phrases import Filling, bilingual, phrase
from oligami.reports.sections.section import Section
from oligami.reports.tables import Table, table_html

PAGE = "index.html"


def page(
    *, title: str, trial: str, heading: Filling, header: str, banner: str, lead: str, sections: Sequence[Section], footer: Filling
) -> str:
    """Write a page: header, banner, lead, contents, numbered sections, footer.

    Args:
        title: of the window.
        trial: the line above the heading.
        heading: of the page.
        header: HTML below the heading.
        banner: HTML above the main part.
        lead: HTML before the contents.
        sections: in order.
        footer: where the numbers come from.
    """
    style = files("oligami.reports").joinpath("report.css").read_text(encoding="utf-8")
    counters = {"table": 0, "figure": 0}
    body = "".join(section_html(section, at, counters) for at, section in enumerate(sections, start=1))
    contents = "".join(f'<li><a href="#{section.id}">{bilingual(section.title)}</a></li>' for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="ja">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        '<input type="radio" name="language" id="ja" checked aria-label="日本語">'
        '<input type="radio" name="language" id="en" aria-label="English">\n'
        f'<a class="skip" href="#main">{bilingual(phrase("Skip to the results", "結果へ移動"))}</a>\n'
        '<div class="page">\n<header>\n'
        '<p class="language"><label for="ja" lang="ja">日本語</label><label for="en" lang="en">English</label></p>\n'
        f'<p class="trial">{escape(trial)}</p>\n'
        f"<h1>{bilingual(heading)}</h1>\n"
        f"{header}</header>\n"
        f"{banner}"
        f'<main id="main">\n{lead}'
        f'<nav aria-label="目次 / Contents"><ol>{contents}</ol></nav>\n{body}</main>\n'
        f"<footer><p>{bilingual(footer)}</p></footer>\n</div>\n</body>\n</html>\n"
    )


def section_html(section: Section, number: int, counters: dict[str, int]) -> str:
    """Write a section; `counters` number the tables and figures of the page and are moved on."""
    parts = [
        f'<section aria-labelledby="{section.id}"><h2 id="{section.id}"><span class="number">{number}</span> '
        f"{bilingual(section.title)}</h2>\n"
        f'<p class="finding">{bilingual(section.finding)}</p>\n'
    ]
    # A figure names the table that holds its numbers; tables are numbered as they come.
    tables = [block for block in section.blocks if isinstance(block, Table)]
    numbers = {table.id: counters["table"] + at for at, table in enumerate(tables, start=1)}
    counters["table"] += len(tables)
    for block in section.blocks:
        if isinstance(block, Table):
            parts.append(table_html(block, numbers[block.id]))
        elif isinstance(block, Figure):
            counters["figure"] += 1
            parts.append(_figure_html(block, counters["figure"], numbers.get(block.table)))
        else:
            parts.append(f'<p class="remark">{bilingual(block)}</p>\n')
    return "".join(parts) + "</section>\n"


def _figure_html(figure: Figure, number: int, table: int | None) -> str:
    label = bilingual(phrase("Figure {n}.", "図{n}", n=str(number)))
    twin = ""
    if table is not None:
        same = bilingual(phrase("Numbers in Table {n}", "数値は表{n}", n=str(table)))
        twin = f' <a href="#table-{figure.table}">{same}</a>'
    return (
        f'<figure id="figure-{figure.id}"><div class="scroll">{figure.svg}</div>\n'
        f"<figcaption><b>{label}</b> {bilingual(figure.caption)}{twin}</figcaption></figure>\n"
    )


def write_folder(
    out: Path,
    written: Mapping[str, str],
    *,
    is_ours: Callable[[Path], bool],
    what: Text,
    progress: Callable[[str], None] | None = None,
) -> Sequence[Path]:
    """Write files into a folder, whole or not at all; an earlier folder of the same kind is replaced.

    It is written beside its place and put there at the end, so that nothing half-written is ever found there.

    Args:
        out: the folder.
        written: contents by name, `folder/name` for those inside a folder.
        is_ours: whether a folder that is there already is one of the kind.
        what: what the folder holds, for the refusal.
        progress: told the name of each file as it is written.

    Returns:
        The files written, in the order given.

    Raises:
        ValueError: `out` is a file, or a folder that holds something else.
    """
    check_place(out, {name.split("/")[0] for name in written}, is_ours, what)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as workplace:
        fresh = Path(workplace) / "report"
        for name, content in written.items():
            if progress is not None:
                progress(name)
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(content.encode("utf-8"))
        if out.exists():
            out.replace(Path(workplace) / "previous")
        fresh.replace(out)
    return [out / name for name in written]


def check_place(out: Path, names: Collection[str], is_ours: Callable[[Path], bool], what: Text) -> None:
    """Refuse a place that holds something else than what is to be written there.

    Raises:
        ValueError: it does.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise ValueError(f"{out} is not a folder; give a new folder for the {what.en}")
    if not out.is_dir() or not any(out.iterdir()):
        return
    strange = sorted(own.name for own in out.iterdir() if own.name not in names)
    if not is_ours(out) or strange:
        found = f", it holds {', '.join(strange[:3])}" if strange else ""
        raise ValueError(f"{out} is not a {what.en} of ours{found}; give a new or empty folder, or remove what is there")
