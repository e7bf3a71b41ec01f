"""Addresses of the app `amendments`, below `/t/<trial>/`."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.amendments import acts, consents, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("amendments/", views.amendments, name="amendments"),
    path("amendments/<str:version>/", views.amendment, name="amendment"),
    path("amendments/<str:version>/impact/", views.amendment_impact, name="amendment_impact"),
    path("amendments/<str:version>/rehearsal/", acts.rehearsal, name="amendment_rehearsal"),
    path("amendments/<str:version>/activate/", acts.activate, name="amendment_activate"),
    path("amendments/<str:version>/adopt/", acts.adopt, name="amendment_adopt"),
    path("consents/", consents.consents, name="consents"),
    path("subjects/<str:subject>/consent/", consents.consent, name="consent"),
]
