"""Addresses of the app `centre`, below `/t/<trial>/`."""

from django.urls import URLPattern, URLResolver, path

from oligami.web.centre import accrual, bulk, cuts, heads, overview, queries, review, sites, take

urlpatterns: list[URLPattern | URLResolver] = [
    path("centre/", overview.centre, name="centre"),
    path("overdue/", overview.overdue, name="overdue"),
    path("accrual/", accrual.accrual, name="accrual"),
    path("sites/", sites.sites, name="sites"),
    path("sites/<slug:act>/", sites.change_site, name="change_site"),
    path("cuts/", cuts.cuts, name="cuts"),
    path("cuts/<int:number>/", cuts.cut, name="cut"),
    path("review/", review.review_page, name="review"),
    path("heads/", heads.heads, name="heads"),
    path("take/", take.take, name="take"),
    path("take/<int:record>/", take.taken, name="taken"),
    path("take/<int:record>/file/", take.take_file, name="take_file"),
    path("forms/", bulk.forms, name="forms"),
    path("queries/", queries.queries, name="queries"),
    path("queries/close/", queries.close_queries, name="close_queries"),
    path("queries/warned/", queries.warned, name="warned"),
    path("subjects/<str:subject_id>/queries/<str:query_id>/", queries.query, name="query"),
    path("subjects/<str:subject_id>/forms/<str:form>/<int:occurrence>/query/", queries.raise_query, name="raise_query"),
]
