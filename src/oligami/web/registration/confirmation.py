"""The confirmation of a registration: number, arm, record and seal, read back from the journal; printable, and as a receipt to keep."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from oligami.protocol.compile import Compiled
from oligami.protocol.model.forms import FormRole
from oligami.protocol.text import Reason, Text
from oligami.trial import rights
from oligami.trial.registration import casebook_of
from oligami.trial.state import Subject
from oligami.trial.therapy import allowed_regimens
from oligami.web.accounts.access import record_export
from oligami.web.accounts.models import Account
from oligami.web.casebook.advice import STATUS
from oligami.web.pages.here import Here, page
from oligami.web.registration.receipt import RegistrationReceipt, as_text, dump_json, read_receipt

CHANNELS = {
    "web": Text("web", "ウェブ"),
    "telephone": Text("telephone", "電話"),
    "paper": Text("paper", "書面"),
    "import": Text("import", "取込み"),
    "simulation": Text("simulation", "シミュレーション"),
}
#: The forms that tell of what an arm gives, by the words of `Arm.includes`.
_GIVEN = {"local_therapy": (FormRole.RADIOTHERAPY, FormRole.SURGERY), "systemic_therapy": (FormRole.COURSE,)}


@page("see_subject")
def confirmation(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Show what was registered."""
    known, receipt, arm_reasons = _read(here, subject, stage)
    author = Account.objects.filter(person=receipt.stamp.author).first()
    role = rights.ROLES.get(receipt.stamp.role)
    context = {
        "subject": known,
        "receipt": receipt,
        "arm_reasons": arm_reasons,
        "author": author.shown_name if author is not None else receipt.stamp.author,
        "role": role.title if role is not None else Text(receipt.stamp.role, receipt.stamp.role),
        "channel": CHANNELS[receipt.stamp.channel],
        **_next_steps(here, known, receipt),
    }
    return here.render("registration/confirmation.html", context)


@page("see_subject")
def receipt_text(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Give the receipt as plain text."""
    known, receipt, _ = _read(here, subject, stage)
    record_export(request, f"receipt {known.id} {stage}")
    return _file(as_text(receipt, here.language), f"{here.trial_id}-{known.id}-{stage}.txt", "text/plain; charset=utf-8")


@page("see_subject")
def receipt_json(request: HttpRequest, here: Here, subject: str, stage: str) -> HttpResponse:
    """Give the receipt as JSON."""
    known, receipt, _ = _read(here, subject, stage)
    record_export(request, f"receipt {known.id} {stage}")
    return _file(dump_json(receipt), f"{here.trial_id}-{known.id}-{stage}.json", "application/json")


def _file(content: str, name: str, kind: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _read(here: Here, subject_id: str, stage: str) -> tuple[Subject, RegistrationReceipt, tuple[Reason, ...]]:
    """Return the receipt, its arm left out where the person may not see it, and then the reasons.

    Raises:
        Http404: there is no such subject or registration, or it is another site's.
    """
    known = here.subject(subject_id)
    permit = here.permit("see_own_arm", known.site)
    receipt = read_receipt(here.desk, here.trial, known, stage, with_arm=bool(permit))
    if receipt is None:
        raise Http404
    return known, receipt, () if permit else permit.reasons


def _next_steps(here: Here, subject: Subject, receipt: RegistrationReceipt) -> dict[str, Any]:
    """Return what there is to do now: the therapy that the table allows, the forms, the next registration."""
    rules = here.trial.rules_for(subject.site, here.trial.day_of(here.now))
    protocol = rules.protocol
    steps: dict[str, Any] = {}
    therapy = protocol.form_of(FormRole.THERAPY)
    is_first = (
        protocol.stage(receipt.stage).follows is None if any(s.id == receipt.stage for s in protocol.eligibility.stage) else False
    )
    if is_first and protocol.therapy is not None and therapy is not None:
        verdicts = allowed_regimens(rules, {**casebook_of(subject, rules), "site": subject.site})
        codes = {code.value: code.label for code in rules.forms[therapy.id].codes[therapy.key("regimen")]}
        steps["regimens"] = [
            {
                "status": STATUS[each.status],
                "label": codes.get(each.regimen or "", Text(each.regimen or "", each.regimen or "")),
                "verdict": each,
                "reason": each.reasons[0],
            }
            for each in verdicts
            if each.status in ("ALLOWED", "ALLOWED_WITH_QUERY", "UNDETERMINED")
        ]
        steps["subtype"] = _subtype(rules, protocol.therapy.subtype, verdicts[0].subtype) if verdicts else None
    following = next((stage for stage in protocol.eligibility.stage if stage.follows == receipt.stage), None)
    steps["therapy_form"] = therapy
    steps["therapy_filled"] = therapy is not None and (therapy.id, 1) in subject.forms
    steps["next_stage"] = following if following is not None and following.id not in subject.stages else None
    if receipt.arm is not None:
        roles = [role for given in receipt.arm.includes for role in _GIVEN.get(given, ())]
        steps["arm_forms"] = [form for role in roles for form in protocol.forms_of(role)]
    steps["may_next"] = here.permit("register_next", subject.site)
    return steps


def _subtype(rules: Compiled, item: str, value: str | None) -> Text | None:
    """Return the words for a value of the derived item by which the therapy table goes."""
    labels = {code.value: code.label for each in rules.derived if each.derived.id == item for code in each.derived.label}
    return None if value is None else labels.get(value, Text(value, value))
