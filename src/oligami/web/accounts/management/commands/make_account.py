"""`make_account NAME EMAIL DISPLAY_NAME`: the operator of the machine makes an account, for somebody must be first."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from oligami.protocol.text import Language, Text
from oligami.trial.refused import Refused
from oligami.web.accounts.people import link_token, make_account
from oligami.web.speech import SpokenCommand


class Command(SpokenCommand):
    """Make an account and say by which link its owner sets a password."""

    help = "Make an account; prints the link by which its owner sets a password. Then give a role by `appoint`."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the account's names and address."""
        super().add_arguments(parser)
        parser.add_argument("username", help="Login name: small letters, digits, dots, hyphens, underscores.")
        parser.add_argument("email")
        parser.add_argument("display_name", help="The name that pages and signatures show.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it, or say why not."""
        language: Language = options["lang"]
        if options["database"] != "default":
            text = Text("Accounts are made in the default database only", "アカウントは既定のデータベースにのみ作成できます")
            raise CommandError(text[language])
        try:
            account = make_account(
                None, username=options["username"], email=options["email"], display_name=options["display_name"]
            )
        except Refused as refused:
            raise CommandError(refused.text(language)) from refused
        number, _, key = link_token(account).partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": number, "key": key})
        scheme, host = (
            settings.ACCOUNT_DEFAULT_HTTP_PROTOCOL,
            settings.ALLOWED_HOSTS[0] if settings.ALLOWED_HOSTS else "localhost",
        )
        text = Text(
            f"The account {account.username} is made. Its owner alone is to open this link, once, within a day: "
            f"{scheme}://{host}{path}",
            f"アカウント {account.username} を作成しました。本人だけが次のリンクを 1 日以内に 1 回開いてください: {scheme}://{host}{path}",
        )
        self.say(text, options)
