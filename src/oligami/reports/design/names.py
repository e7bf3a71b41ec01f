"""What methods, spending functions and plans are called."""

from oligami.protocol.text import Text
from oligami.reports import phrases
from oligami.reports.phrases import Filling, phrase

METHOD_NAMES: dict[str, Text] = {
    "schoenfeld": Text("Schoenfeld", "Schoenfeld"),
    "freedman": Text("Freedman", "Freedman"),
    "rubinstein": Text("Rubinstein", "Rubinstein"),
    "lachin_foulkes": Text("Lachin-Foulkes", "Lachin-Foulkes"),
    "lachin_foulkes_unpooled": Text("Lachin-Foulkes unpooled", "Lachin-Foulkes 非併合"),
    "lakatos": Text("Lakatos", "Lakatos"),
    "collett_simpson": Text("Collett-Simpson", "Collett-Simpson"),
    "freedman_midpoint": Text("Freedman midpoint", "Freedman 中央時点"),
    "schoenfeld_milestone": Text("Schoenfeld, events by the milestone", "Schoenfeld（時点までのイベント）"),
    "freedman_milestone": Text("Freedman, events by the milestone", "Freedman（時点までのイベント）"),
    "two_binomials": Text("Two proportions", "2群の割合"),
    "two_binomials_arcsine": Text("Two proportions, arcsine", "2群の割合（逆正弦）"),
    "kaplan_meier_milestone": Text("Kaplan-Meier, log-log", "Kaplan-Meier（log-log）"),
}

_SPENDING: dict[str, Text] = {
    "lan_demets_obrien_fleming": Text("O'Brien-Fleming (Lan-DeMets)", "O'Brien-Fleming型（Lan-DeMets）"),
    "lan_demets_pocock": Text("Pocock (Lan-DeMets)", "Pocock型（Lan-DeMets）"),
    "hwang_shih_decani": Text("Hwang-Shih-DeCani", "Hwang-Shih-DeCani"),
    "kim_demets": Text("Kim-DeMets", "Kim-DeMets"),
    "none": Text("none", "なし"),
}


def spending_name(name: str, parameter: float | None) -> Filling:
    """Name a spending function with its parameter."""
    if parameter is None:
        return _SPENDING[name]
    return phrase("{n} ({p})", "{n}（{p}）", n=_SPENDING[name], p=phrases.decimal(parameter, 1))


def percent_label(share: float) -> str:
    """Write a share as a label: 45 %."""
    return f"{100 * share:g} %"


def years_number(years: float | None) -> phrases.Number:
    """Show years with two decimals."""
    return phrases.decimal(years, 2)
