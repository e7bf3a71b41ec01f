"""Hypothesis at the form pages: whatever a signed-in person sends, no fault of the program, and nothing written unless it was done."""

import os
import secrets

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from oligami.journal import entries as e
from oligami.trial.commands import SubmitForm

EXAMPLES = int(os.environ.get("OLIGAMI_FUZZ_EXAMPLES", "12"))
FILLED = {"contact_date": "2024-06-11", "vital_status": "alive"}
WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            *(
                "",
                " ",
                "0",
                "-1",
                "1e999",
                "９９",
                "2024-02-30",
                "20240611",
                "S40.4.12",
                "none",
                "unknown",
                "yes",
                "S-0001",
                "Q001",
            ),
            *(
                "\0",
                "\ud800",
                "=1+1",
                "<script>",
                "[]",
                "{}",
                "null",
                "9" * 400,
                "../../etc/passwd",
                "s01",
                "first",
                "first_registration",
            ),
        ]
    ),
)


def _gate(examples):
    """The settings of a bounded run that is the same each time."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def lived(site):
    """A subject with a form, a data query and a cut; a client for each of three roles."""
    site.subject = site.register()
    site.submit(SubmitForm(subject=site.subject, form="follow_up", values=FILLED))
    site.submit(e.QueryRaised(subject=site.subject, query="Q001", form="follow_up", occurrence=1, text="why"))
    site.submit(e.CutTaken(cut="c1", through=1, up_to=site.trial.head.at.date(), purpose="p"))
    site.seen = set()
    site.clients = {role: site.client_for(role) for role in ("data_manager", "investigator", "safety_committee")}
    return site


def _send(site, client, method, path, fields):
    """Send a form; whatever it holds, the answer is none of the program's faults, and a no wrote nothing."""
    journal = site.desk.journal
    before = journal.head()
    plain = {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}
    answer = client.post(site.url(path), plain) if method == "post" else client.get(site.url(path), plain)
    site.seen.add(answer.status_code)
    assert answer.status_code < 500, (method, path, answer.status_code)
    if answer.status_code != 302:
        assert journal.head() == before, (method, path, answer.status_code)
    if answer.streaming:
        answer.close()


_CENTRE = {
    "data_manager": (
        *(
            "queries/",
            "queries/close/",
            "queries/warned/",
            "forms/",
            "sites/open_site/",
            "sites/close_site/",
            "sites/pause_accrual/",
        ),
        *(
            "sites/resume_accrual/",
            "cuts/",
            "heads/",
            "take/",
            "review/",
            "overdue/",
            "accrual/",
            "sites/",
            "centre/",
            "take/1/file/",
        ),
        *("subjects/{s}/queries/Q001/", "subjects/{s}/forms/follow_up/1/query/", "subjects/{s}/forms/follow_up/9/query/"),
    ),
    "safety_committee": ("cuts/1/", "cuts/2/"),
    "investigator": ("subjects/{s}/queries/Q001/", "take/", "tokens/", "queries/"),
}
_FIELDS = (
    *(
        "site",
        "name",
        "reason",
        "stage",
        "cut",
        "up_to",
        "purpose",
        "through",
        "decision",
        "text",
        "sure",
        "head",
        "where",
        "recipient",
    ),
    *("act", "chosen", "item", "status", "state", "form", "page", "as", "view", "command", "unsigned", "fictitious", "password"),
)


def test_no_post_breaks_the_data_centre(lived):
    """Fields by chance, in Japanese, with NUL and half characters, at every page of the data centre and of tokens."""
    places = [(role, path.format(s=lived.subject)) for role, paths in _CENTRE.items() for path in paths]

    @_gate(EXAMPLES * 5)
    @given(
        place=st.sampled_from(places),
        method=st.sampled_from(["post", "get"]),
        fields=st.dictionaries(st.sampled_from(_FIELDS), WORDS, max_size=8),
        fresh=st.booleans(),
    )
    def ask(place, method, fields, fresh):
        role, path = place
        if fresh:
            fields["command"] = secrets.token_hex(16)
        _send(lived, lived.clients[role], method, path, fields)

    ask()
    assert {200, 302, 409} <= lived.seen  # some were shown, done, refused


def test_no_post_breaks_the_forms(lived):
    """Values by chance in the items of every form, new, corrected or registered, are refused or saved, never a fault."""
    items = {form.id: [item.id for item in form.item] for form in lived.trial.protocol.forms}
    stages = {stage.form: stage for stage in lived.trial.protocol.eligibility.stage}

    @_gate(EXAMPLES * 3)
    @given(data=st.data(), form=st.sampled_from(sorted(items)), fresh=st.booleans())
    def ask(data, form, fresh):
        names = st.sampled_from([*items[form], "_command", "_seen", "_reason", "_version", "reason", "visit", "command", "site"])
        fields = data.draw(st.dictionaries(names, WORDS, max_size=10))
        if fresh:
            fields["_command"] = fields["command"] = secrets.token_hex(16)
        if form in stages:
            path = "register/" if stages[form].follows is None else f"subjects/{lived.subject}/register/{stages[form].id}/"
        else:
            path = data.draw(
                st.sampled_from(
                    [f"subjects/{lived.subject}/forms/{form}/new/", f"subjects/{lived.subject}/forms/follow_up/1/correct/"]
                )
            )
        _send(lived, lived.clients["investigator"], data.draw(st.sampled_from(["post", "get"])), path, fields)

    ask()
    assert 200 in lived.seen
    assert {400, 403, 409, 422} & lived.seen
