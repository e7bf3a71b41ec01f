"""Addresses of the app `registration`, below `/t/<trial>/`."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.registration.confirmation import confirmation, receipt_json, receipt_text
from oligami.web.registration.first import register, register_draft, register_verdict
from oligami.web.registration.later import register_next, register_next_draft, register_next_verdict
from oligami.web.registration.marking import mark_in_error

_SUBJECT = "subjects/<str:subject>"
_STAGE = "<str:stage>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("register/", register, name="register"),
    path("register/verdict/", register_verdict, name="register_verdict"),
    path("register/draft/", register_draft, name="register_draft"),
    path(f"{_SUBJECT}/register/{_STAGE}/", register_next, name="register_next"),
    path(f"{_SUBJECT}/register/{_STAGE}/verdict/", register_next_verdict, name="register_next_verdict"),
    path(f"{_SUBJECT}/register/{_STAGE}/draft/", register_next_draft, name="register_next_draft"),
    path(f"{_SUBJECT}/confirmation/{_STAGE}/", confirmation, name="confirmation"),
    path(f"{_SUBJECT}/confirmation/{_STAGE}/receipt.txt", receipt_text, name="receipt_text"),
    path(f"{_SUBJECT}/confirmation/{_STAGE}/receipt.json", receipt_json, name="receipt_json"),
    path(f"{_SUBJECT}/allocation/<int:k>/error/", mark_in_error, name="mark_in_error"),
]
