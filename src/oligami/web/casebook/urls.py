"""Addresses of the app `casebook`, below `/t/<trial>/`."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.casebook import acts, correcting, draft_pages, filling, form_page, history, signing

_FORM = "subjects/<str:subject>/forms/<str:form>/"
_SAVED = f"{_FORM}<int:occurrence>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{_FORM}new/", filling.form_new, name="form_new"),
    path(f"{_FORM}print/", filling.form_print, name="form_print"),
    path(_SAVED, form_page.form, name="form"),
    path(f"{_SAVED}correct/", correcting.form_correct, name="form_correct"),
    path(f"{_SAVED}sign/", signing.form_sign, name="form_sign"),
    path(f"{_SAVED}history/", history.form_history, name="form_history"),
    path(f"{_SAVED}report/", acts.safety_report, name="safety_report"),
    path("subjects/<str:subject>/withdraw/", acts.withdraw, name="withdraw"),
    path("subjects/<str:subject>/annul/<str:stage>/", acts.annul, name="annul"),
    path("subjects/<str:subject>/deviation/", acts.grade_deviation, name="grade_deviation"),
    path("drafts/", draft_pages.draft_list, name="drafts"),
    path("drafts/save/", draft_pages.draft_save, name="draft_save"),
]
