"""Addresses of the app `accounts` below `/t/<trial>/`: the people of a trial, its access log, who its subjects are."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.accounts import people_views as people
from oligami.web.accounts.identity.views import identity, identity_erase
from oligami.web.accounts.views import access_log_of, access_log_of_csv

urlpatterns: list[URLPattern | URLResolver] = [
    path("people/", people.people, name="people"),
    path("people/new/", people.person_new, name="person_new"),
    path("people/recovery/<int:number>/", people.recovery_close, name="recovery_close"),
    path("people/<slug:person_id>/", people.person, name="person"),
    path("people/<slug:person_id>/grant/", people.role_grant, name="role_grant"),
    path("people/<slug:person_id>/revoke/", people.role_revoke, name="role_revoke"),
    path("people/<slug:person_id>/close/", people.person_close, name="person_close"),
    path("people/<slug:person_id>/open/", people.person_open, name="person_open"),
    path("people/<slug:person_id>/invite/", people.person_invite, name="person_invite"),
    path("people/<slug:person_id>/recovery/", people.recovery_ask, name="recovery_ask"),
    path("access-log/", access_log_of, name="access_log_of"),
    path("access-log/access-log.csv", access_log_of_csv, name="access_log_of_csv"),
    path("subjects/<slug:subject_id>/identity/", identity, name="identity"),
    path("subjects/<slug:subject_id>/identity/erase/", identity_erase, name="identity_erase"),
]
