"""Who may see and do what: every cell of the table of rights, against a second table written by hand."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oligami.journal import entries as e
from oligami.journal.record import Stamp
from oligami.protocol.text import LANGUAGES, Reason
from oligami.trial import rights
from oligami.trial.commands import ActivateProtocol, Command, CorrectItems, RedactBody, Register, SubmitForm
from oligami.trial.draws import commitment
from oligami.trial.rights import ACTS, NOWHERE, ROLES, SITE_ROLES
from oligami.trial.state import Head, SiteState, Study, Subject, Trial

#: T at every site and in the trial as a whole; S at one's own site; C only for a caller on the telephone; R once results by arm
#: are released; A if the protocol shows the rule of allocation; - never.
RIGHTS = """
                         | inv coo dm  mon ts  cs  sc  rr  pi  ch  adm ins | of
see_protocol             | S   S   T   T   T   T   T   T   T   T   T   T   | site
see_sites                | S   S   T   T   T   T   T   T   T   T   T   T   | site
see_accrual              | S   S   T   T   T   T   T   -   T   T   -   T   | site
see_worklist             | S   S   T   T   -   -   -   T   -   -   -   T   | site
see_subject              | S   S   T   T   -   -   -   T   -   -   -   T   | site
see_form                 | S   S   T   T   -   -   -   T   -   -   -   T   | site
see_history              | S   S   T   T   -   -   -   T   -   -   -   T   | site
see_identity             | S   S   -   -   -   -   -   -   -   -   -   -   | site
see_own_arm              | S   S   T   T   -   T   -   T   -   -   -   T   | site
see_arm_totals           | -   -   -   -   R   T   R   -   R   R   -   R   | trial
see_outcome_by_arm       | -   -   -   -   R   T   R   -   R   R   -   R   | trial
see_allocation_rule      | A   A   T   A   T   T   A   A   A   A   A   T   | site
see_allocation_detail    | -   -   -   -   -   T   -   -   -   -   -   T   | trial
see_queries              | S   S   T   T   -   -   -   T   -   -   -   T   | site
see_safety               | S   S   T   T   -   T   T   -   T   T   -   T   | site
see_overview             | -   -   T   T   T   -   -   -   T   T   -   T   | site
see_people               | S   -   T   T   -   -   -   -   T   T   T   T   | site
see_access_log           | -   -   T   -   -   -   -   -   -   -   T   T   | trial
take_data                | S   S   T   -   T   T   -   -   -   -   -   T   | site
register_first           | S   S   C   -   -   -   -   -   -   -   -   -   | site
register_next            | S   -   C   -   -   -   -   -   -   -   -   -   | site
submit_form              | S   S   -   -   -   -   -   -   -   -   -   -   | site
correct_items            | S   S   -   -   -   -   -   -   -   -   -   -   | site
sign_form                | S   -   -   -   -   -   -   -   -   -   -   -   | site
give_consent             | S   S   -   -   -   -   -   -   -   -   -   -   | site
withdraw_consent         | S   S   -   -   -   -   -   -   -   -   -   -   | site
report_safety            | S   S   -   -   -   -   -   -   T   -   -   -   | site
answer_query             | S   S   -   -   -   -   -   -   -   -   -   -   | site
raise_query              | -   -   T   T   -   -   -   T   -   -   -   -   | site
close_query              | -   -   T   T   -   -   -   T   -   -   -   -   | site
verify_form              | -   -   -   T   -   -   -   -   -   -   -   -   | site
lock_form                | -   -   T   -   -   -   -   -   -   -   -   -   | site
unlock_form              | -   -   T   -   -   -   -   -   -   -   -   -   | site
grade_deviation          | -   -   T   -   -   -   -   -   T   T   -   -   | site
annul_registration       | S   -   T   -   -   -   -   -   -   -   -   -   | site
mark_allocation_in_error | -   -   T   -   -   -   -   -   -   -   -   -   | site
open_site                | -   -   T   -   -   -   -   -   -   -   -   -   | site
close_site               | -   -   T   -   -   -   -   -   -   -   -   -   | site
adopt_version            | -   -   T   -   -   -   -   -   -   -   -   -   | site
record_export            | S   S   T   -   T   T   -   -   -   -   -   T   | site
activate_protocol        | -   -   -   -   -   -   -   -   T   T   -   -   | trial
revise_record            | -   -   T   -   -   -   -   -   T   T   -   -   | trial
pause_accrual            | -   -   T   -   -   -   -   -   -   -   -   -   | trial
resume_accrual           | -   -   T   -   -   -   -   -   -   -   -   -   | trial
take_cut                 | -   -   T   -   T   T   -   -   -   -   -   -   | trial
decide_monitoring        | -   -   -   -   -   -   T   -   -   -   -   -   | trial
commit_secret            | -   -   T   -   T   -   -   -   -   -   -   -   | trial
open_secret              | -   -   -   -   -   T   -   -   -   -   -   -   | trial
publish_head             | -   -   T   -   -   -   -   -   -   -   T   -   | trial
redact_body              | -   -   T   -   -   -   -   -   -   -   -   -   | trial
grant_role               | -   -   -   -   -   -   -   -   -   -   T   -   | trial
revoke_role              | -   -   -   -   -   -   -   -   -   -   T   -   | trial
"""
COLUMNS = {
    "inv": "investigator",
    "coo": "coordinator",
    "dm": "data_manager",
    "mon": "monitor",
    "ts": "trial_statistician",
    "cs": "committee_statistician",
    "sc": "safety_committee",
    "rr": "radiation_reviewer",
    "pi": "principal_investigator",
    "ch": "study_chair",
    "adm": "administrator",
    "ins": "inspector",
}
#: Where a role may be held: these at one site only, these in the trial or at one site, the others in the trial only.
ONE_SITE, EITHER = {"investigator", "coordinator"}, {"monitor", "inspector"}


def read_table() -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Return the sign of each cell (act, role), and what each act is of."""
    head, *rows = RIGHTS.strip("\n").splitlines()
    columns = [COLUMNS[word] for word in head.split("|")[1].split()]
    cells, of = {}, {}
    for row in rows:
        act, signs, scope = (part.strip() for part in row.split("|"))
        of[act] = scope
        for role, sign in zip(columns, signs.split(), strict=True):
            cells[act, role] = sign
    return cells, of


CELLS, OF = read_table()
PLACES = {role: ["s01"] if role in ONE_SITE else [None, "s01"] if role in EITHER else [None] for role in COLUMNS.values()}
HOLDINGS = [(role, place) for role, places in PLACES.items() for place in places]
STATES = ("running", "released", "shown")
SITES = ("s01", "s02", None)


def expected(act: str, role: str, place: str | None, site: str | None, state: str) -> bool:
    """Whether a role held at a place (None: in the trial) permits an act at a site (None: anywhere), as the table has it."""
    sign = CELLS[act, role]
    open_now = sign in "TSC" or (sign == "R" and state == "released") or (sign == "A" and state == "shown")
    if OF[act] == "trial":
        return open_now and place is None
    return open_now and (place is None or site is None or place == site)


def appoint(trial: Any, *grants: tuple[str, str, str | None]) -> Any:
    """The trial with these grants (person, role, site) and no others."""
    return replace(trial, study=replace(trial.study, roles=frozenset(grants)))


def in_state(trial: Any, state: str) -> Any:
    """The trial while it runs, once its results are released, or with a protocol that shows the rule of allocation."""
    study = trial.study
    if state == "released":
        study = replace(study, decisions=(("final", "release", ""),))
    if state == "shown":
        protocol = study.protocol
        study = replace(study, protocol=replace(protocol, allocation=replace(protocol.allocation, hidden_from_sites=False)))
    return replace(trial, study=study)


def stamp(role: str = "investigator", **changes: Any) -> Stamp:
    """The stamp of a command of person p."""
    at = datetime(2024, 7, 1, tzinfo=UTC)
    values = {"recorded_at": at, "author": "p", "role": role, "channel": "web", "command": "0" * 32}
    return Stamp(**(values | changes))


def check_reasons(reasons: tuple[Reason, ...]) -> None:
    """Hold that there are reasons, each with its rule and a sentence in both languages."""
    assert reasons
    for reason in reasons:
        assert reason.rule.startswith(("rights.", "role."))
        assert reason.text.en.isascii()
        assert reason.text.en.strip()
        assert any(character > "\u3000" for character in reason.text.ja)


def samples(protocol: Any, site: str, subject: str) -> Iterator[tuple[str, Command | RedactBody]]:
    """One command of every kind, about a site or about a subject of it, with the act that it is."""
    stages = [stage.id for stage in protocol.eligibility.stage]
    place = {"subject": subject, "form": "f", "occurrence": 1}
    day = date(2024, 6, 20)
    yield "register_first", Register(stage=stages[0], site=site, values={})
    if len(stages) > 1:
        yield "register_next", Register(stage=stages[1], site=site, subject=subject, values={})
    yield "submit_form", SubmitForm(subject=subject, form="f", values={})
    yield "correct_items", CorrectItems(**place, new={}, reason="r")
    yield "activate_protocol", ActivateProtocol(protocol=protocol)
    yield "adopt_version", e.ProtocolAdopted(site=site, version="1.0", from_date=day)
    yield "redact_body", RedactBody(record=1, texts=["t"], reason="r")
    yield "revise_record", e.RecordRevised(changes={"a": 1}, reason="r")
    yield "commit_secret", e.SecretCommitted(commitment="ab" * 32)
    yield "open_secret", e.SecretOpened(commitment="ab" * 32, secret="cd" * 32)
    yield "open_site", e.SiteOpened(site=site, name="Hospital")
    yield "close_site", e.SiteClosed(site=site, reason="r")
    yield "grant_role", e.RoleGranted(person="q", role="coordinator", site=site)
    yield "revoke_role", e.RoleRevoked(person="q", role="coordinator", site=site)
    yield "pause_accrual", e.AccrualPaused(reason="r")
    yield "resume_accrual", e.AccrualResumed(reason="r")
    yield "take_cut", e.CutTaken(cut="c", through=1, up_to=day, purpose="p")
    yield "decide_monitoring", e.MonitoringDecided(cut="c", decision="continue")
    yield "publish_head", e.HeadPublished(record=1, seal="00", where="w")
    yield "record_export", e.ExportMade(what="w", purpose="p", recipient="r", digest="00")
    yield "give_consent", e.ConsentGiven(subject=subject, document="d", consent_date=day)
    yield "withdraw_consent", e.ConsentWithdrawn(subject=subject, scope="treatment", withdrawal_date=day)
    yield "mark_allocation_in_error", e.AllocationMarkedInError(subject=subject, k=1, reason="r")
    yield "annul_registration", e.RegistrationAnnulled(subject=subject, stage=stages[0], reason="r")
    yield "raise_query", e.QueryRaised(**place, query="q", text="t")
    yield "answer_query", e.QueryAnswered(subject=subject, query="q", text="t")
    yield "close_query", e.QueryClosed(subject=subject, query="q")
    yield "verify_form", e.FormVerified(**place)
    yield "sign_form", e.FormSigned(**place, meaning="m", shown="00")
    yield "lock_form", e.FormLocked(**place)
    yield "unlock_form", e.FormUnlocked(**place, reason="r")
    yield "report_safety", e.SafetyReported(**place, report="first", category="c", aware_date=day)
    yield "grade_deviation", e.DeviationGraded(subject=subject, rule="r", grade="g", text="t")


def build(protocol: Any) -> Trial:
    """The trial of a protocol, with S-0001 at s01 and S-0002 at s02."""
    opened = datetime(2024, 6, 10, tzinfo=UTC)
    sites = {site: SiteState(site, f"Hospital {site}", False, opened) for site in ("s01", "s02")}
    study = Study(trial=protocol.id, protocol=protocol, versions={protocol.version: protocol}, sites=sites)
    return Trial(study, {f"S-000{n}": Subject(f"S-000{n}", f"s0{n}", n) for n in (1, 2)}, head=Head(2, "0" * 64, opened))


@pytest.fixture(scope="module", params=["jcog", "tiny"])
def trial(request: pytest.FixtureRequest) -> Trial:
    """Each of two trials."""
    return build(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def jcog_trial(jcog: Any) -> Trial:
    """The real trial."""
    return build(jcog)


def test_both_tables_have_the_same_rows_and_columns():
    """No act and no role is forgotten by either table, and an act is of a site or of the trial in both."""
    assert {act: row.scope for act, row in ACTS.items()} == OF
    assert list(ROLES) == list(COLUMNS.values())
    for role in ROLES.values():
        assert role.fits("s01") == (role.id in ONE_SITE | EITHER)
        assert role.fits(None) == (role.id not in ONE_SITE)


@pytest.mark.parametrize("act", OF)
def test_every_cell(trial, act):
    """Each role, at its own site, at another, in the whole trial, in every state of the trial: as the second table has it."""
    for (role, place), state, site in itertools.product(HOLDINGS, STATES, SITES):
        held = appoint(in_state(trial, state), ("p", role, place))
        found = rights.permit(held, "p", act, site=site)
        cell = f"{role} at {place}, {act} at {site}, {state}"
        assert bool(found) == expected(act, role, place, site, state), cell
        if found:
            assert found.role == role
            assert found.on_behalf == (CELLS[act, role] == "C")
            assert not found.reasons
        else:
            check_reasons(found.reasons)


def test_every_command_of_every_role(trial):
    """At the desk: each kind of command about the own and another site's subject, by each role, as the second table has it."""
    for (role, place), (site, subject) in itertools.product(HOLDINGS, (("s01", "S-0001"), ("s02", "S-0002"))):
        held = appoint(trial, ("p", role, place))
        for act, command in samples(trial.protocol, site, subject):
            reasons = rights.against(command, held, stamp(role, channel="telephone", caller="investigator, s01"))
            at = None if act == "record_export" else site  # an export names no site: the page that makes it asks for it
            cell = f"{role} at {place}, {act} at {site}"
            assert (not reasons) == expected(act, role, place, at, "running"), cell
            if reasons:
                check_reasons(reasons)
                assert rights.name_of(command, held).ja


def test_no_command_is_forgotten(jcog):
    """Every class of the union of commands is one act that is done, and every act that is done is a command."""
    commands = list(samples(jcog, "s01", "S-0001"))
    assert {type(command) for _, command in commands} == {*get_args(Command), RedactBody}
    assert {act for act, _ in commands} == {act.id for act in ACTS.values() if act.kind == "do"}
    assert all(rights.act_of(command) == act for act, command in commands)
    assert {act.id for act in ACTS.values() if act.kind == "see"} == {act for act in OF if act.startswith(("see_", "take_data"))}


def test_who_sees_arms_gives_no_roles():
    """No role both gives roles and sees by arm; no role of a site reaches the trial as a whole; inspectors only read."""
    for role in ROLES:
        may = {act.id for act in ACTS.values() if role in act.roles | act.on_behalf | act.then}
        assert not (
            {"grant_role", "revoke_role"} & may and {"see_arm_totals", "see_outcome_by_arm", "see_allocation_detail"} & may
        )
        if role in SITE_ROLES:
            assert all(ACTS[act].scope == "site" for act in may)
        if role == "inspector":
            assert [act for act in may if ACTS[act].kind == "do"] == ["record_export"]
        if role == "administrator":
            assert not may & {"see_subject", "see_form", "see_history", "see_worklist", "see_own_arm", "take_data"}


_GRANTS = st.frozensets(
    st.tuples(st.just("p"), st.sampled_from([*ROLES, "owner"]), st.sampled_from([None, "s01", "s02"])), max_size=4
)


@given(grants=_GRANTS, act=st.sampled_from(sorted(ACTS)), state=st.sampled_from(STATES))
def test_the_sites_of_an_act_are_those_where_it_is_permitted(jcog_trial, grants, act, state):
    """`sites_of` and `permit` agree on every site, known or not, and on "anywhere"."""
    held = appoint(in_state(jcog_trial, state), *grants)
    sites = rights.sites_of(held, "p", act)
    for site in ("s01", "s02", "s99", NOWHERE):
        assert bool(rights.permit(held, "p", act, site=site)) == (sites is None or site in sites)
    assert bool(rights.permit(held, "p", act)) == (sites is None or bool(sites))


def test_a_stranger_may_nothing(jcog_trial):
    """Without a role, or with a grant that does not fit its role, nothing may be seen or done, and every no has its reasons."""
    for grants in ((), (("p", "coordinator", None),), (("p", "data_manager", "s01"),), (("p", "owner", None),)):
        held = appoint(jcog_trial, *grants)
        assert rights.roles_of(held, "p") == ()
        for act in ACTS:
            check_reasons(rights.permit(held, "p", act).reasons)


def test_an_unknown_act_is_a_fault_of_the_program(jcog_trial):
    """An act that is not in the table is no question that can be answered."""
    with pytest.raises(ValueError, match="see_everything"):
        rights.permit(jcog_trial, "p", "see_everything")


def test_the_sentence_says_which_role_is_needed_where(jcog_trial):
    """A denial names the act, the role it needs, the site, and what the person is."""
    held = appoint(jcog_trial, ("p", "coordinator", "s01"))
    [reason] = rights.permit(held, "p", "sign_form", site="s01").reasons
    assert reason.rule == "rights.sign_form"
    assert reason.text.en == "Signing a form needs the role investigator at site s01; acting as: coordinator at s01"
    assert reason.text.ja.startswith("調査票への署名には施設 s01 での担当医の役割が必要です")
    [elsewhere] = rights.against(Register(stage="first", site="s02", values={}), held, stamp("coordinator"))
    assert "at site s02" in elsewhere.text.en
    [whole] = rights.permit(held, "p", "lock_form", site="s01").reasons
    assert "the role data manager for the whole trial" in whole.text.en


def test_another_sites_subject_and_no_subject_sound_the_same(jcog_trial):
    """Whoever is bound to a site learns nothing from a refusal of whether a subject of others exists, nor where it is."""
    held = appoint(jcog_trial, ("p", "investigator", "s01"), ("p", "monitor", "s01"))
    for role, make in (
        ("investigator", lambda subject: SubmitForm(subject=subject, form="f", values={})),
        ("investigator", lambda subject: Register(stage="second", site="s01", subject=subject, values={})),
        ("monitor", lambda subject: e.FormVerified(subject=subject, form="f", occurrence=1)),
    ):
        foreign, unknown = (rights.against(make(subject), held, stamp(role)) for subject in ("S-0002", "S-0099"))
        assert foreign == unknown
        assert not any("s02" in reason.text[language] for reason in foreign for language in LANGUAGES)
        site = rights.site_of(make("S-0099"), held)
        permits = [rights.permit(held, "p", rights.act_of(make("S-0002"), held), site=at) for at in ("s02", site)]
        assert permits[0] == permits[1]


def test_a_registration_must_name_the_subjects_own_site(jcog_trial):
    """A subject of one's own cannot be registered at a site one is not bound to."""
    held = appoint(jcog_trial, ("p", "investigator", "s01"))
    command = Register(stage="second", site="s02", subject="S-0001", values={})
    assert [reason.rule for reason in rights.against(command, held, stamp())] == ["rights.register_next"]


def test_only_the_role_of_the_stamp_counts(jcog_trial):
    """A command is refused in a role that its author does not hold, and in one that does not do it though another would."""
    held = appoint(jcog_trial, ("p", "coordinator", "s01"), ("p", "monitor", None))
    command = SubmitForm(subject="S-0001", form="f", values={})
    assert rights.against(command, held, stamp("coordinator")) == ()
    assert [reason.rule for reason in rights.against(command, held, stamp("monitor"))] == ["rights.submit_form"]
    for role in ("investigator", "operator"):
        reasons = rights.against(command, held, stamp(role))
        assert [reason.rule for reason in reasons] == ["rights.role_not_held"]
        check_reasons(reasons)


def test_the_data_centre_registers_only_for_a_caller_on_the_telephone(jcog_trial):
    """A data manager's registration needs the channel telephone and the caller's name; a site's own needs neither."""
    held = appoint(jcog_trial, ("p", "data_manager", None), ("d", "investigator", "s01"))
    for command in (
        Register(stage="first", site="s01", values={}),
        Register(stage="second", site="s01", subject="S-0001", values={}),
    ):
        caller = "investigator, s01"
        assert rights.against(command, held, stamp("data_manager", channel="telephone", caller=caller)) == ()
        for channel, name in (("web", caller), ("paper", caller), ("telephone", None), ("telephone", " ")):
            reasons = rights.against(command, held, stamp("data_manager", channel=channel, caller=name))
            assert [reason.rule for reason in reasons] == ["rights.telephone"]
            check_reasons(reasons)
        assert rights.against(command, held, stamp(author="d")) == ()


def test_results_by_arm_open_when_the_committee_releases_them(jcog_trial):
    """Not with any decision, but with `release`, as long as no later one on the same cut takes its place."""
    held = appoint(jcog_trial, ("p", "study_chair", None))

    def decided(*decisions: tuple[str, str, str]) -> Any:
        return replace(held, study=replace(held.study, decisions=decisions))

    closed = rights.permit(held, "p", "see_outcome_by_arm")
    assert [reason.rule for reason in closed.reasons] == ["rights.see_outcome_by_arm", "rights.not_released"]
    assert not rights.permit(decided(("a", "continue", "")), "p", "see_arm_totals")
    assert rights.permit(decided(("a", "release", ""), ("b", "continue", "")), "p", "see_arm_totals")
    assert not rights.permit(decided(("a", "release", ""), ("a", "continue", "")), "p", "see_arm_totals")


def test_results_by_arm_open_with_the_last_secret(bench):
    """A secret opened because another took its place releases nothing; with all of them open anyone can recompute the arms."""
    other = bytes(32)
    bench.say(e.SecretCommitted(commitment=commitment(other), from_k=1))
    bench.say(e.SecretOpened(commitment=commitment(bench.SECRET), secret=bench.SECRET.hex()))
    assert not rights.is_released(bench.trial)
    bench.say(e.SecretOpened(commitment=commitment(other), secret=other.hex()))
    assert rights.is_released(bench.trial)


def test_before_activation_nothing_is_released_or_shown(make_bench, jcog):
    """In an empty journal everything by arm is closed, the rule of allocation too."""
    empty = appoint(make_bench(jcog).trial, ("p", "study_chair", None), ("p", "trial_statistician", None))
    assert not rights.permit(empty, "p", "see_arm_totals")
    chair = appoint(empty, ("p", "study_chair", None))
    assert [reason.rule for reason in rights.permit(chair, "p", "see_allocation_rule").reasons][-1] == "rights.hidden_from_sites"


def test_what_one_role_must_not_know_no_second_role_tells(jcog_trial):
    """Who registers does not see tallies and draws by being the committee's statistician as well; who gives roles holds no other."""
    both = appoint(jcog_trial, ("p", "investigator", "s01"), ("p", "committee_statistician", None))
    for act in ("see_allocation_detail", "see_arm_totals", "see_outcome_by_arm"):
        found = rights.permit(both, "p", act)
        assert found.reasons[0].rule == "rights.apart"
        check_reasons(found.reasons)
    assert rights.permit(in_state(both, "released"), "p", "see_arm_totals")
    both = appoint(jcog_trial, ("p", "administrator", None), ("p", "data_manager", None))
    command = e.RoleGranted(person="q", role="monitor")
    assert [reason.rule for reason in rights.against(command, both, stamp("administrator"))] == ["rights.apart"]
    assert rights.permit(both, "p", "lock_form").role == "data_manager"


@pytest.mark.parametrize(
    ("held", "role", "site", "rule"),
    [
        ((), "owner", None, "role.unknown"),
        ((), "investigator", None, "role.scope"),
        ((), "study_chair", "s01", "role.scope"),
        (("study_chair", None), "administrator", None, "role.apart"),
        (("administrator", None), "committee_statistician", None, "role.apart"),
        (("investigator", "s02"), "committee_statistician", None, "role.apart"),
        (("inspector", None), "coordinator", "s01", "role.apart"),
        (("coordinator", "s01"), "coordinator", "s02", None),
        (("investigator", "s01"), "study_chair", None, None),
        ((), "monitor", "s01", None),
        ((), "monitor", None, None),
    ],
)
def test_a_grant_must_be_possible(jcog_trial, held, role, site, rule):
    """No role that does not exist, none at a wrong place, none beside one that must stay apart from it."""
    grants = [("q", *held)] if held else []
    trial = appoint(jcog_trial, ("p", "administrator", None), *grants)
    reasons = rights.against(e.RoleGranted(person="q", role=role, site=site), trial, stamp("administrator"))
    assert [reason.rule for reason in reasons] == ([rule] if rule else [])
    if reasons:
        check_reasons(reasons)


def test_the_first_fitting_role_is_taken(jcog_trial):
    """Of several roles that permit an act the first in the order of roles is named, with its site."""
    held = appoint(jcog_trial, ("p", "data_manager", None), ("p", "coordinator", "s02"), ("p", "investigator", "s01"))
    assert rights.roles_of(held, "p") == (("investigator", "s01"), ("coordinator", "s02"), ("data_manager", None))
    assert rights.permit(held, "p", "see_form").role == "investigator"
    assert rights.permit(held, "p", "see_form", site="s02").role == "coordinator"
    assert rights.permit(held, "p", "register_next", site="s02") == rights.Permit("data_manager", on_behalf=True)


def test_a_closed_sites_people_go_on_with_their_subjects(bench):
    """Closing a site takes away no right: its subjects are followed on."""
    bench.first()
    bench.say(e.RoleGranted(person="p", role="coordinator", site="s01"))
    bench.say(e.SiteClosed(site="s01", reason="left"))
    command = CorrectItems(subject="S-0001", form="first_registration", occurrence=1, new={}, reason="r")
    assert rights.against(command, bench.trial, stamp("coordinator")) == ()
    assert rights.permit(bench.trial, "p", "see_form", site="s01")


def test_who_held_which_role_on_a_day(bench):
    """The journal answers for any instant: granted by then and not yet revoked."""
    bench.say(e.RoleGranted(person="p", role="monitor"))
    granted = bench.records[-1].stamp.recorded_at
    bench.say(e.RoleGranted(person="p", role="coordinator", site="s01"))
    bench.say(e.RoleRevoked(person="p", role="monitor", reason="left"))
    revoked = bench.records[-1].stamp.recorded_at
    assert rights.roles_at(bench.records, granted - timedelta(seconds=1)) == frozenset()
    assert rights.roles_at(bench.records, granted) == {("p", "monitor", None)}
    assert rights.roles_at(bench.records, revoked) == {("p", "coordinator", "s01")} == bench.trial.study.roles
    then = appoint(bench.trial, *rights.roles_at(bench.records, granted))
    assert rights.permit(then, "p", "verify_form", site="s02")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reference_prints_the_table(language):
    """`docs/reference/rights.md` holds the table of both languages as the code has it."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "rights.md").read_text(encoding="utf-8")
    begin, end = f"<!-- table {language}: written by rights_table -->\n", "<!-- end of table -->"
    assert page.split(begin)[1].split(end)[0].strip() == rights.rights_table(language).strip()
