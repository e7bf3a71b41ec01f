"""The table of rights for reading, as it stands in `docs/reference/rights.md`."""

from oligami.protocol.text import Language, Text
from oligami.trial.rights.acts import Act
from oligami.trial.rights.roles import ROLES, Role
from oligami.trial.rights.table import ACTS

_HEADINGS = {"see": Text("What can be seen", "閲覧"), "do": Text("What can be done", "操作")}
_ACT, _WHY = Text("act", "行為"), Text("why", "理由")
_EVERYWHERE = Text("T", "全")
_OWN = Text("S", "施")
_BY_TELEPHONE = Text("C", "電")
_LATER = {"released": Text("R", "公"), "allocation_shown": Text("A", "示")}
_NO = Text("-", "-")


def rights_table(language: Language) -> str:
    """Return the table of rights as Markdown: acts down, roles across, with the reason of each row."""
    parts = []
    for kind, heading in _HEADINGS.items():
        head = [_ACT[language], *(role.title[language] for role in ROLES.values()), _WHY[language]]
        rows = [head, ["---"] * len(head)]
        for act in ACTS.values():
            if act.kind == kind:
                cells = [_cell(act, role)[language] for role in ROLES.values()]
                rows.append([f"`{act.id}` {act.title[language]}", *cells, act.why[language]])
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts.append(f"### {heading[language]}\n\n{table}\n")
    return "\n".join(parts)


def _cell(act: Act, role: Role) -> Text:
    """Return the sign of a cell: everywhere, at one's own site, by telephone, once it opens, no."""
    if role.id in act.roles:
        return _OWN if role.scope == "site" else _EVERYWHERE
    if role.id in act.on_behalf:
        return _BY_TELEPHONE
    if act.opens is not None and role.id in act.then:
        return _LATER[act.opens]
    return _NO
