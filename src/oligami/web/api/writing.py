"""What programs may write: every command, with the rights and the refusals of the pages."""

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, get_args, get_type_hints

from django.http import Http404, HttpRequest
from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, create_model

from oligami.journal import entries as e
from oligami.protocol.text import Text
from oligami.trial import rights
from oligami.trial.commands import CorrectItems, Register, Said, SubmitForm
from oligami.web.api.asking import about, confirm, here, write
from oligami.web.api.router import router
from oligami.web.api.schemas import CommandId, CorrectBody, No, RegisterBody, Seen, SubmitBody, Unreadable, Written

_ANSWERS = {200: Written, 400: No, 401: No, 403: No, 404: No, 409: No, 422: Unreadable, 503: No}


@router.post("/t/{slug:trial}/registrations", response=_ANSWERS, summary="Register a subject, and randomize if the stage does")
def register(request: HttpRequest, trial: str, body: RegisterBody) -> Written:
    """Register; an ineligible subject gives a recorded refusal with every reason. Every registration is signed."""
    place = here(request, trial)
    if all(stage.id != body.stage for stage in place.trial.protocol.eligibility.stage):
        raise Http404
    command = Register(stage=body.stage, site=body.site, values=body.values, subject=body.subject, reasons=body.reasons)
    about(place, command)
    place.demand(rights.act_of(command, place.trial), rights.site_of(command, place.trial))
    confirm(request, body.password)
    return write(place, command, command_id=body.command, seen=body.seen, caller=body.caller)


@router.post("/t/{slug:trial}/subjects/{subject}/forms", response=_ANSWERS, summary="Fill a form")
def submit(request: HttpRequest, trial: str, subject: str, body: SubmitBody) -> Written:
    """Fill a form for the first time, or a further occurrence where it repeats."""
    place = here(request, trial)
    command = SubmitForm(subject=subject, form=body.form, values=body.values, visit=body.visit, reasons=body.reasons)
    about(place, command)
    return write(place, command, command_id=body.command)


@router.patch(
    "/t/{slug:trial}/subjects/{subject}/forms/{form}/{occurrence}", response=_ANSWERS, summary="Correct items of a form"
)
def correct(request: HttpRequest, trial: str, subject: str, form: str, occurrence: int, body: CorrectBody) -> Written:
    """Change saved items, with a reason; refused with the comparison if the form changed after the record seen."""
    place = here(request, trial)
    command = CorrectItems(
        subject=subject, form=form, occurrence=occurrence, new=body.new, reason=body.reason, reasons=body.reasons
    )
    about(place, command)
    return write(place, command, command_id=body.command, seen=body.seen)


#: What a hand signs: the password of the person goes with it.
_SIGNED = (e.FormSigned, e.AllocationMarkedInError)


class _Strict(Schema):
    """A body in which every field counts."""

    model_config = ConfigDict(extra="forbid")


def _only_text(value: Any) -> Any:
    """Refuse numbers where a date belongs: they would be taken for seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError("a date is written as 2024-06-30")
    return value


_Date = Annotated[date, BeforeValidator(_only_text)]


def _entry_of(kind: type[Any]) -> type[Schema]:
    """Return the shape of what a command says: its fields and no others."""
    hints = get_type_hints(kind)
    shape: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        hint = _Date if hints[field.name] is date else hints[field.name]
        if field.default is not dataclasses.MISSING:
            shape[field.name] = (hint, field.default)
        elif field.default_factory is not dataclasses.MISSING:
            shape[field.name] = (hint, Field(default_factory=field.default_factory))
        else:
            shape[field.name] = (hint, ...)
    made: Any = create_model(kind.__name__, __base__=_Strict, **shape)
    made.__doc__ = kind.__doc__
    return made


def _body_of(kind: type[Any]) -> type[Schema]:
    """Return the shape of a command: what it says, the command id, and the password where it is signed."""
    more: dict[str, Any] = {"command": (CommandId, ...), "seen": (Seen | None, None)}
    if issubclass(kind, _SIGNED):
        more["password"] = (str, "")
    made: Any = create_model(f"{kind.__name__}Body", __base__=_Strict, entry=(_entry_of(kind), ...), **more)
    return made


def _said(kind: type[Any], entry: Schema) -> Any:
    """Return the command itself."""
    fields = {name: getattr(entry, name) for name in type(entry).model_fields}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def _answer(kind: type[Any], body: type[Schema]) -> Callable[..., Written]:
    def said(request: HttpRequest, trial: str, body: Any) -> Written:
        place = here(request, trial)
        command = _said(kind, body.entry)
        about(place, command)
        if isinstance(command, _SIGNED):
            place.demand(rights.act_of(command, place.trial), rights.site_of(command, place.trial))
            confirm(request, body.password)
        return write(place, command, command_id=body.command, seen=body.seen)

    said.__name__ = f"say_{kind.__name__}"
    said.__doc__ = kind.__doc__
    said.__annotations__ = {"request": HttpRequest, "trial": str, "body": body, "return": Written}
    return said


def _act_of(kind: type[Any]) -> str:
    """Return the act that a command is; which it is does not depend on what it says."""
    blank: dict[str, Any] = {field.name: "" for field in dataclasses.fields(kind)}
    return rights.act_of(kind(**blank))


def _title(act: str) -> Text:
    return rights.ACTS[act].title


for _kind in get_args(Said):
    _act = _act_of(_kind)
    router.post(
        f"/t/{{slug:trial}}/commands/{_act}",
        response=_ANSWERS,
        summary=f"{_title(_act).en} / {_title(_act).ja}",
        tags=["commands"],
    )(_answer(_kind, _body_of(_kind)))
