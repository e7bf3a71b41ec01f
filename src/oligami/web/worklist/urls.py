"""Addresses of the app `worklist`, below `/t/<trial>/`."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.worklist import history_views, subject_views, subjects_views, worklist_views

_SUBJECT = "subjects/<str:subject_id>/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("work/", worklist_views.worklist, name="worklist"),
    path("work.csv", worklist_views.worklist_csv, name="worklist_csv"),
    path("work.json", worklist_views.worklist_json, name="worklist_json"),
    path("work.ics", worklist_views.worklist_ics, name="worklist_ics"),
    path("subjects/", subjects_views.subjects, name="subjects"),
    path("subjects.csv", subjects_views.subjects_csv, name="subjects_csv"),
    path("subjects.json", subjects_views.subjects_json, name="subjects_json"),
    path(_SUBJECT, subject_views.subject, name="subject"),
    path(f"{_SUBJECT}at/", subject_views.subject_past, name="subject_past"),
    path(f"{_SUBJECT}at/<str:day>/", subject_views.subject_at, name="subject_at"),
    path(f"{_SUBJECT}history/", history_views.subject_history, name="subject_history"),
    path(f"{_SUBJECT}history/take/", history_views.take_history, name="subject_history_take"),
]
