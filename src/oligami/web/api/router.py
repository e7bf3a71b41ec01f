"""The one router of the API: methods of one address must share one, or the first answers 405 for the others."""

from ninja import Router

router = Router(tags=["trial"])
