"""The menu of a trial: an address for each errand, shown to those who may."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from oligami.protocol.text import Text
from oligami.web.pages.here import Here


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An entry of the menu. `act`: what one must be permitted somewhere to see it."""

    name: str
    title: Text
    act: str
    key: str = ""  # the letter that opens it


DOORS: tuple[Door, ...] = (
    Door(name="worklist", title=Text("Worklist", "作業一覧"), act="see_worklist", key="w"),
    Door(name="register", title=Text("New registration", "新規登録"), act="register_first", key="n"),
    Door(name="subjects", title=Text("Subjects", "症例一覧"), act="see_subject", key="s"),
    Door(name="queries", title=Text("Data queries", "問合せ"), act="see_queries", key="q"),
    Door(name="centre", title=Text("Data centre", "データセンター"), act="see_overview", key="d"),
    Door(name="accrual", title=Text("Accrual", "登録状況"), act="see_accrual"),
    Door(name="take", title=Text("Own data", "自施設データ"), act="take_data"),
    Door(name="amendments", title=Text("Protocol", "実施計画書"), act="see_protocol", key="p"),
    Door(name="people", title=Text("People", "担当者"), act="see_people"),
)


def doors(here: Here) -> list[tuple[Door, str]]:
    """Return the doors that the person may go through, with their addresses."""
    found = []
    for door in DOORS:
        if here.sites(door.act) == frozenset():
            continue
        try:
            found.append((door, reverse(door.name, args=[here.trial_id])))
        except NoReverseMatch:
            continue
    return found
