"""Texts that seem to name somebody, on their way into the journal: the page asks once, and the same words sent again are taken.

The record keeps what it is told for ever, so the question comes before it (practice H.3); but only people know whether a word is
a name, so their second sending stands. Programs (the API) ask nobody and are not asked here.
"""

import time

from django.http import HttpRequest

from oligami.protocol.text import Reason, Text
from oligami.trial import rights
from oligami.trial.commands import Command
from oligami.trial.refused import Refused
from oligami.trial.screening import screen_command
from oligami.trial.state import Trial

_KEY = "screened"
#: A second sending earlier than this is the double click of somebody who has not read the question yet.
READING_S = 1.0
_AGAIN = Reason(
    "privacy.again",
    Text(
        "Nothing is saved yet. Take out what names a person, or send the very same words once more if they name nobody",
        "まだ保存されていません。個人を特定する記載を削除するか、該当しない場合は同じ内容のままもう一度送信してください",
    ),
)


def ask_about_names(request: HttpRequest, command: Command, trial: Trial) -> None:
    """Stop a command whose texts seem to name somebody, unless the person was just shown this very question and sends again.

    Raises:
        Refused: each sign with the place where it stands, never the text.
    """
    screened = screen_command(command, trial)
    if not screened:
        return
    shown = request.session.get(_KEY)
    asked_now = getattr(request, "asked_about_names", False)  # many commands of one sending are one sending
    if not asked_now and shown is not None and shown[0] == screened.digest and time.time() - shown[1] >= READING_S:
        return
    request.asked_about_names = True
    if shown is None or shown[0] != screened.digest:
        request.session[_KEY] = [screened.digest, time.time()]
    raise Refused(rights.name_of(command, trial), (*screened.reasons, _AGAIN))
