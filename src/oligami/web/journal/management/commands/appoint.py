"""`appoint TRIAL PERSON ROLE`: the operator of the machine gives a person a role, for somebody must be first."""

import secrets
from datetime import date
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from oligami.journal.entries import RoleGranted
from oligami.protocol.text import Language, Text
from oligami.trial.refused import Refused
from oligami.trial.rights import ROLES, check_grant
from oligami.web.accounts.models import Account
from oligami.web.desk import Asked, Desk
from oligami.web.speech import SpokenCommand

#: Author and role in the record of what is done at the machine itself. It is no role of a trial: the guarded desk knows none of it.
OPERATOR = "operator"


class Command(SpokenCommand):
    """Grant a role of a trial to a person who has an account."""

    help = "Grant a role of a trial to a person who has an account; recorded as the operator's. Begin with an administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the trial, the person, the role and its site."""
        super().add_arguments(parser)
        parser.add_argument("trial")
        parser.add_argument("person", help="The account's user name, or the id by which the journal knows its owner.")
        parser.add_argument("role", help=f"One of {', '.join(ROLES)}.")
        parser.add_argument(
            "--site", help="The site of an investigator or a coordinator; a monitor's or an inspector's if only one."
        )
        parser.add_argument(
            "--until", type=date.fromisoformat, help="The role's last day, such as 2026-04-01; an inspector's is due."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant, and say what was recorded; a grant that cannot be is refused with all reasons."""
        language: Language = options["lang"]
        name, using = options["person"], options["database"]
        accounts = Account.objects.using(using).filter(Q(username=name) | Q(person=name))[:2]
        if not accounts:
            raise CommandError(Text(f"There is no account of {name}", f"{name} のアカウントはありません")[language])
        if len(accounts) > 1:
            text = Text(f"{name} is one account's name and another's id", f"{name} は別々のアカウントの名前と ID に該当します")
            raise CommandError(text[language])
        [account] = accounts
        grant = RoleGranted(person=account.person, role=options["role"], site=options["site"], until=options["until"])
        asked = Asked(command=secrets.token_hex(16), author=OPERATOR, role=OPERATOR, channel="paper")
        # The operator needs no role, but makes no impossible grant either.
        desk = Desk(options["trial"], using=using, guard=lambda _, trial, __: check_grant(grant, trial))
        try:
            receipt = desk.submit(grant, asked)
        except Refused as refused:
            raise CommandError(refused.text(language)) from refused
        role = ROLES[grant.role].title
        where = Text(f" at {grant.site}", f"（施設 {grant.site}）") if grant.site else Text("", "")
        seq = receipt.records[0].seq
        text = Text(
            f"{name} is {role.en}{where.en}, record {seq}", f"{name} に{role.ja}{where.ja}の役割を付与しました（記録 {seq}）"
        )
        self.say(text, options)
