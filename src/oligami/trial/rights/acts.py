"""What can be seen and done in a trial, and which command is which act. Who may, stands in `table`."""

from dataclasses import dataclass
from typing import Literal, assert_never

from oligami.journal import entries as e
from oligami.journal.entries import SiteId
from oligami.protocol.text import Text
from oligami.trial.commands import ActivateProtocol, Command, CorrectItems, RedactBody, Register, SubmitForm
from oligami.trial.state import Trial

#: The site of what does not exist: nobody is bound to it, so a foreign subject and an unknown one get the same answer.
NOWHERE: SiteId = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that can be seen or done, and by whom: a row of the table of rights. Who is not named may not.

    scope: `site`: of one site at a time; a role at this site or one for the whole trial will do. `trial`: of the trial as a whole;
        a role at one site never does.
    roles: may at any time.
    on_behalf: may only for a caller on the telephone, and the record names him (`Stamp.channel`, `Stamp.caller`).
    then: may as well once `opens` holds. `released`: results by arm were released (`is_released`). `allocation_shown`: the
        protocol does not hide the rule of allocation from sites (`Allocation.hidden_from_sites`).
    withheld: until it opens, who holds one of these roles anywhere may not, whatever else the person is.
    why: the reason for the row, and its source.
    """

    id: str
    title: Text
    kind: Literal["see", "do"]
    scope: Literal["site", "trial"]
    roles: frozenset[str]
    why: Text
    on_behalf: frozenset[str] = frozenset()
    opens: Literal["released", "allocation_shown"] | None = None
    then: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()


def act_of(command: Command | RedactBody, trial: Trial | None = None) -> str:
    """Return the id of the act that a command is.

    A registration is `register_first` at a stage that follows no other, else `register_next`; without the trial's protocol
    at hand, whether the subject has a number yet decides.
    """
    match command:
        case ActivateProtocol():
            return "activate_protocol"
        case Register():
            return "register_first" if _is_first(command, trial) else "register_next"
        case SubmitForm():
            return "submit_form"
        case CorrectItems():
            return "correct_items"
        case RedactBody():
            return "redact_body"
        case e.RecordRevised():
            return "revise_record"
        case e.SecretCommitted():
            return "commit_secret"
        case e.SecretOpened():
            return "open_secret"
        case e.SiteOpened():
            return "open_site"
        case e.SiteClosed():
            return "close_site"
        case e.ProtocolAdopted():
            return "adopt_version"
        case e.RoleGranted():
            return "grant_role"
        case e.RoleRevoked():
            return "revoke_role"
        case e.AccrualPaused():
            return "pause_accrual"
        case e.AccrualResumed():
            return "resume_accrual"
        case e.CutTaken():
            return "take_cut"
        case e.MonitoringDecided():
            return "decide_monitoring"
        case e.HeadPublished():
            return "publish_head"
        case e.ExportMade():
            return "record_export"
        case e.ConsentGiven():
            return "give_consent"
        case e.ConsentWithdrawn():
            return "withdraw_consent"
        case e.AllocationMarkedInError():
            return "mark_allocation_in_error"
        case e.RegistrationAnnulled():
            return "annul_registration"
        case e.QueryRaised():
            return "raise_query"
        case e.QueryAnswered():
            return "answer_query"
        case e.QueryClosed():
            return "close_query"
        case e.FormVerified():
            return "verify_form"
        case e.FormSigned():
            return "sign_form"
        case e.FormLocked():
            return "lock_form"
        case e.FormUnlocked():
            return "unlock_form"
        case e.SafetyReported():
            return "report_safety"
        case e.DeviationGraded():
            return "grade_deviation"
        case _:
            assert_never(command)


def _is_first(command: Register, trial: Trial | None) -> bool:
    if trial is not None and trial.study.protocol is not None:
        for stage in trial.protocol.eligibility.stage:
            if stage.id == command.stage:
                return stage.follows is None
    return command.subject is None


def site_of(command: Command | RedactBody, trial: Trial) -> SiteId | None:
    """Return the site that a command concerns: its subject's, else the one it names, else None.

    Of a subject that is not in the trial it is `NOWHERE`.
    """
    subject = getattr(command, "subject", None)
    if subject is not None:
        known = trial.subjects.get(subject)
        return NOWHERE if known is None else known.site
    return named_site(command)


def named_site(command: Command | RedactBody) -> SiteId | None:
    """Return the site that the command itself names; None: none."""
    site: SiteId | None = getattr(command, "site", None)
    return site
