"""What the looks at a protocol share: its names, the problems found so far, and the phrases they are worded with.

A file that could not be read is replaced by an empty one (`load.read_parts`). Nothing is said about such a file, and names
that only it could give are None: whoever asks for one of them is left in peace until the file can be read.
"""

from collections.abc import Collection, Iterable
from typing import Final

from oligami.protocol.compile import resolve_codes
from oligami.protocol.model.forms import Form, FormRole, Item
from oligami.protocol.model.protocol import Protocol
from oligami.protocol.problems import Problem, find_near_miss, list_words, make_problem, shorten
from oligami.protocol.text import Text

UNIQUE: Final = Text("each name once", "同じ名前は一度だけ")
A_STAGE: Final = Text("a stage of eligibility.toml", "eligibility.toml の登録段階")
AN_ARM: Final = Text("an arm of trial.toml", "trial.toml の群")
A_FORM: Final = Text("a form", "調査票")
A_VISIT: Final = Text("a visit or activity of schedule.toml", "schedule.toml の来院または活動")
AN_ITEM: Final = Text("an item of the form", "調査票の項目")
POSITIVE: Final = Text("more than 0", "0 より大きい値")
NOT_NEGATIVE: Final = Text("0 or more", "0 以上")
SHARE: Final = Text("more than 0 and less than 1", "0 より大きく 1 未満")

Names = list[str] | None  # None: a file that gives them could not be read


class Finder:
    """The protocol, its names, and the problems found so far.

    unread: the files that could not be read, such as `therapy.toml` or `forms/death.toml`.
    """

    def __init__(self, protocol: Protocol, unread: Collection[str] = ()) -> None:
        self.protocol = protocol
        self.unread = frozenset(unread)
        self.problems: list[Problem] = []
        self.stages = self.known([stage.id for stage in protocol.eligibility.stage], "eligibility.toml")
        self.arms = self.known([arm.id for arm in protocol.trial.arm], "trial.toml")
        # A form's file bears its id, so that a form is known even if it cannot be read.
        self.unread_forms = [
            file.removeprefix("forms/").removesuffix(".toml") for file in sorted(self.unread) if file.startswith("forms/")
        ]
        self.forms = [*(form.id for form in protocol.forms), *self.unread_forms]
        derived = [each.id for each in protocol.eligibility.derived]
        if protocol.therapy is not None:
            derived += [each.id for each in protocol.therapy.derived]
        self.derived = self.known(derived, "eligibility.toml", "therapy.toml")
        self.factors = self.known([factor.id for factor in protocol.allocation.factors], "allocation.toml")
        activities = protocol.schedule.activity
        visits = [visit for activity in activities for visit in activity.visit_ids]
        self.visits = self.known(visits + [activity.id for activity in activities], "schedule.toml")
        dates = [item.concept or item.id for form in protocol.forms for item in form.item if item.type == "date"]
        self.concepts: Names = None if self.unread_forms else dates

    def known(self, names: list[str], *files: str) -> Names:
        """Return the names, or None if one of the files that give them could not be read."""
        return None if self.unread.intersection(files) else names

    def add(self, file: str, key: str, found: Text | str, expected: Text | str, near: str | None = None) -> None:
        """Report a problem, unless its file could not be read."""
        if file not in self.unread:
            self.problems.append(make_problem(file, key, found=found, expected=expected, near_miss=near))

    def exists(self, file: str, key: str, word: str, names: Iterable[str] | None, what: Text, *, times: int = 1) -> bool:
        """Report a word that is not among the names (None: they are not known now); return whether nothing is wrong."""
        if names is None:
            return True
        known = list(dict.fromkeys(names))
        if word in known:
            return True
        there = list_words(known) if known else Text("none", "なし")
        expected = Text(f"{what.en}: {there.en}", f"{what.ja}: {there.ja}")
        said = f'"{shorten(word)}"'
        found = Text(f"{said} ({times} times)", f"{said}({times} か所)") if times > 1 else Text(said, said)
        self.add(file, key, found, expected, find_near_miss(word, known))
        return False

    def each_exists(self, file: str, words: Iterable[tuple[str, str]], names: Iterable[str] | None, what: Text) -> bool:
        """Report each word (of pairs key, word) that is not among the names once, at its first place, with its count."""
        places: dict[str, list[str]] = {}
        for key, word in words:
            places.setdefault(word, []).append(key)
        known = None if names is None else list(names)
        good = True
        for word, keys in places.items():
            good = self.exists(file, keys[0], word, known, what, times=len(keys)) and good
        return good

    def unique(self, file: str, key: str, names: Iterable[str]) -> None:
        """Report each name that stands twice."""
        seen: set[str] = set()
        for name in names:
            if name in seen:
                self.add(file, f"{key}[{name}]", Text(f'a second "{name}"', f"2つ目の「{name}」"), UNIQUE)
            seen.add(name)

    def demand(self, holds: bool, file: str, key: str, found: object, expected: Text) -> None:
        """Report a value that does not hold what is expected of it."""
        if not holds:
            self.add(file, key, str(found), expected)

    def form(self, form_id: str) -> Form | None:
        """Return a form that was read, or None."""
        return next((form for form in self.protocol.forms if form.id == form_id), None)

    def forms_of(self, role: FormRole) -> list[str]:
        """Return the ids of the forms of a role, and of those whose role cannot be read."""
        return [*(form.id for form in self.protocol.forms_of(role)), *self.unread_forms]

    def codes(self, form: Form | None, concept: str, field: str | None = None) -> Names:
        """Return the codes of the item that carries a concept, or of a field of that list; None if it has none to know."""
        item = form.find(concept) if form is not None else None
        if item is not None and field is not None:
            item = next((each for each in item.field if (each.concept or each.id) == field), None)
        return self._codes_of(item)

    def _codes_of(self, item: Item | None) -> Names:
        if item is None:
            return None
        return [code.value for code in resolve_codes(self.protocol, item)] or None
