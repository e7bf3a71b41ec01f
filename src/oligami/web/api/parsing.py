"""What a request may be spelled with: JSON that the journal could hold as well."""

import json
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser


class StrictParser(Parser):
    """Reads a body as UTF-8 JSON without NaN, infinities, NUL characters or half characters; what fails is answered with 400."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body's value.

        Raises:
            ValueError: it is not such JSON.
        """
        body = json.loads(request.body.decode("utf-8"), parse_constant=_refuse)
        _look_through(body)
        return body


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _look_through(body: Any) -> None:
    waiting = [body]
    while waiting:
        value = waiting.pop()
        match value:
            case str():
                value.encode()  # half a surrogate pair cannot be
                if "\0" in value:
                    raise ValueError("a text holds NUL")
            case float() if value in (float("inf"), float("-inf")):
                raise ValueError("a number is too large")
            case int() if abs(value) > 1 << 62:
                raise ValueError("a number is too large")
            case dict():
                waiting.extend(value)
                waiting.extend(value.values())
            case list():
                waiting.extend(value)
