"""Addresses of the app `api` below `/t/<trial>/`: the tokens of programs."""

from django.urls import path

from oligami.web.api import views

urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token>/revoke/", views.revoke_token, name="revoke_token"),
]
