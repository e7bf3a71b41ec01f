"""Addresses of the app `public`, below `/t/<trial>/`."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.public import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.record, name="record"),
    path("record.json", views.record_document, name="record_json"),
    path("locations/", views.locations, name="record_locations"),
    path("versions/", views.versions, name="record_versions"),
    path("versions/since/", views.since, name="record_since"),
    path("versions/compare/", views.choose, name="record_choose"),
    path("versions/<int:number>/", views.version, name="record_version"),
    path("versions/<int:number>/record.json", views.version_document, name="record_version_json"),
    path("versions/<int:a>/compare/<int:b>/", views.compare, name="record_compare"),
]
