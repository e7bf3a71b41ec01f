"""The demonstration: a simulated trial half-way through, one account a role, in a database that is built once and copied.

What is built lies in the user's cache folder under a name that says what it was built from; each run serves a copy of its own
in a temporary folder, so that nothing of a run stays behind and every run begins alike.
"""

import hashlib
import json
import os
import secrets as chance
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from oligami import __version__
from oligami.journal.entries import SiteId
from oligami.protocol.load import find_protocol, load_protocol
from oligami.protocol.model.forms import FormRole
from oligami.protocol.model.protocol import Protocol
from oligami.simulation.scenario import Scenario, find_scenario, load_scenario
from oligami.trial.rights import ROLES
from oligami.trial.state import Subject, Trial

TRIAL = "jcog2110"
SEED = 1
#: Password of all accounts of the demonstration. It is printed, and the server answers on this machine alone.
PASSWORD = "rehearsal-of-a-trial"
TIME_ZONE = "Asia/Tokyo"
_DATABASE, _CARD = "oligami.sqlite3", "demo.json"
_MORNING = time(9, 0)
#: Share of the whole build that each step takes.
_SIMULATED, _MIGRATED, _IMPORTED, _VERIFIED = 0.45, 0.6, 0.9, 0.95
#: What the database is built from, beside the protocol and the scenario: the code below these names.
_SOURCES = ("protocol", "journal", "trial", "simulation", "web/journal", "web/ledger", "web/accounts", "web/demo.py")

Show = Callable[[float, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """An account of the demonstration: its user name, its role, and its site if the role has one."""

    username: str
    role: str
    site: SiteId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demonstration's database as built.

    Attributes:
        trial: the trial's id.
        begins: the instant at which its clock begins, ISO 8601 with offset.
        digest: SHA-256 of the database's file, so that a damaged copy is not served.
        guests: the accounts.
    """

    trial: str
    begins: str
    digest: str
    guests: tuple[Guest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a demonstration is built from."""

    protocol: Protocol
    scenario: Scenario
    until: date

    @property
    def begins(self) -> datetime:
        """The instant at which the demonstration's clock begins: the next morning."""
        return datetime.combine(self.until + timedelta(days=1), _MORNING, tzinfo=ZoneInfo(TIME_ZONE))


def plan_demo() -> tuple[Plan, str]:
    """Return what the demonstration is built from, and the name under which it is kept."""
    folder = find_protocol(TRIAL)
    protocol = load_protocol(folder)
    path = find_scenario(folder, "standard")
    scenario = load_scenario(path)
    until = scenario.accrual.half_way or scenario.accrual.start + timedelta(days=int(protocol.design.accrual_years * 365.25 / 2))
    known = hashlib.sha256(f"{__version__}|{protocol.digest}|{SEED}|{until}|{PASSWORD}|".encode())
    known.update(path.read_bytes())
    for source in _source_files():
        known.update(source.read_bytes())
    return Plan(protocol=protocol, scenario=scenario, until=until), f"demo-{known.hexdigest()[:20]}"


def _source_files() -> Iterator[Path]:
    package = Path(__file__).parents[1]
    for name in _SOURCES:
        path = package / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder in which this user's programs keep what they can make again."""
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]) / "oligami"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "oligami"
    return Path.home() / ".cache" / "oligami"


def environment(run: Path, begins: datetime) -> dict[str, str]:
    """Return the settings of a demonstration that lies in a folder: all its own, none of the machine's."""
    return {
        "DJANGO_SETTINGS_MODULE": "oligami.web.settings",
        "OLIGAMI_SECRET_KEY": chance.token_urlsafe(48),
        "OLIGAMI_DATA": str(run),
        "OLIGAMI_SECRETS": str(run / "secrets"),
        "OLIGAMI_HOSTS": "localhost,127.0.0.1",
        "OLIGAMI_REHEARSAL_AT": begins.astimezone(UTC).isoformat(),
        "OLIGAMI_TIME_ZONE": TIME_ZONE,
        **dict.fromkeys(
            ("DATABASE_URL", "OLIGAMI_DEBUG", "OLIGAMI_HTTPS", "OLIGAMI_PROXIES", "OLIGAMI_OIDC", "OLIGAMI_MAIL"), ""
        ),
        **dict.fromkeys(("OLIGAMI_SECOND_FACTOR", "OLIGAMI_MAIL_FROM"), ""),
        "OLIGAMI_IDLE_MINUTES": "720",  # who looks at a demonstration goes for lunch
        "OLIGAMI_SESSION_HOURS": "24",
    }


# ------------------------------------------------------------ the copy that is kept


def take_copy(kept: Path, run: Path) -> Demo | None:
    """Copy a demonstration that was built before into the folder of a run; None if there is none or it is damaged."""
    try:
        card = json.loads((kept / _CARD).read_text(encoding="utf-8"))
        demo = Demo(**{**card, "guests": tuple(Guest(**guest) for guest in card["guests"])})
        shutil.copytree(kept, run, dirs_exist_ok=True)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return demo if _digest(run / _DATABASE) == demo.digest else None


def keep_copy(run: Path, kept: Path) -> None:
    """Keep what was built for the next run, all of it or nothing; older ones go.

    Raises:
        OSError: the cache folder cannot be written.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    try:
        shutil.copytree(run, part)
        shutil.rmtree(kept, ignore_errors=True)
        part.rename(kept)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for old in kept.parent.glob("demo-*"):
        if old != kept and not old.name.endswith(".part"):
            shutil.rmtree(old, ignore_errors=True)


# ------------------------------------------------------------ building


def build(plan: Plan, run: Path, show: Show) -> Demo:
    """Build the demonstration in the folder of a run. Django is set up on `environment(run, …)`, and holds nothing open after.

    Args:
        plan: what it is built from.
        run: an empty folder.
        show: told how far it is, from 0 to 1, with a word.

    Raises:
        RuntimeError: the journal in the database does not hold.
    """
    from django.core.management import call_command
    from django.db import connection, connections

    from oligami.simulation.rehearse import simulate_to_file
    from oligami.web.desk import Desk
    from oligami.web.journal.store import DatabaseJournal
    from oligami.web.transfer import import_journal

    start, days = plan.scenario.accrual.start, max(1, (plan.until - plan.scenario.accrual.start).days)

    def progress(records: int, today: date) -> None:
        show(_SIMULATED * (today - start).days / days, f"{today}  {records}")

    path = run / "trial.jsonl"
    rehearsal = simulate_to_file(plan.protocol, plan.scenario, path, seed=SEED, until=plan.until, progress=progress)
    secrets = run / "secrets"
    secrets.mkdir(mode=0o700)
    secret = secrets / "trial.secret"
    secret.touch(mode=0o600)
    secret.write_text(rehearsal.secret.hex() + "\n", encoding="ascii")
    with connection.cursor() as cursor:
        # While it is being built a loss of power costs only the building. The desk refuses to write before it is FULL again.
        cursor.execute("PRAGMA synchronous=OFF")
    call_command("migrate", verbosity=0)
    show(_MIGRATED, "")
    trial = import_journal(path)
    path.unlink()
    show(_IMPORTED, "")
    found = DatabaseJournal(trial).verify()
    if not found.ok:
        raise RuntimeError(f"the journal just built does not hold: {found}")
    show(_VERIFIED, "")
    connections.close_all()  # the next connection has the durable settings
    desk = Desk(trial)
    guests = tuple(_invite(desk))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    demo = Demo(trial=trial, begins=plan.begins.isoformat(), digest=_digest(run / _DATABASE), guests=guests)
    (run / _CARD).write_text(json.dumps(asdict(demo), ensure_ascii=False, indent=1), encoding="utf-8")
    show(1.0, "")
    return demo


def _invite(desk: Any) -> Iterator[Guest]:
    """Make one account a role, grant it its role by an entry of the journal, and yield it."""
    from django.contrib.auth.hashers import make_password

    from oligami.journal.entries import RoleGranted
    from oligami.web.accounts.models import Account
    from oligami.web.desk import Asked

    home = choose_site(desk.trial)
    for role in ROLES.values():
        site = home if role.scope == "site" else None
        Account.objects.create(
            username=role.id,
            person=role.id,
            email=f"{role.id}@example.org",
            password=make_password(PASSWORD),
        )
        asked = Asked(command=chance.token_hex(16), author="operator", role="operator", channel="simulation")
        desk.submit(RoleGranted(person=role.id, role=role.id, site=site), asked)
        yield Guest(username=role.id, role=role.id, site=site)


def choose_site(trial: Trial) -> SiteId:
    """Return the site at which most different things are going on; of several the one with most subjects.

    It has somebody who waits for the last registration, where any site has.
    """
    last = trial.protocol.eligibility.stage[-1].id
    steps: dict[SiteId, Counter[str]] = {site: Counter() for site in trial.study.sites}
    for subject in trial.subjects.values():
        steps[subject.site].update(_steps(subject, trial.protocol, last))

    def rank(site: SiteId) -> tuple[bool, int, int, str]:
        return bool(steps[site][_AWAITED]), len(steps[site]), steps[site].total(), site

    return max(steps, key=rank)


_AWAITED = "awaited"


def _steps(subject: Subject, protocol: Protocol, last: str) -> Iterator[str]:
    """Yield words for where a subject stands and what is going on with it."""
    roles = {form.id: form.role for form in protocol.forms}
    filled = {roles[form] for form, _ in subject.forms}
    is_over = FormRole.TREATMENT_END in filled
    if FormRole.DEATH in filled:
        yield "died"
    elif subject.allocation is not None:
        yield f"arm {subject.allocation.arm}{' over' if is_over else ''}"
    elif is_over:
        yield "over"
    elif FormRole.ASSESSMENT in filled and not subject.is_registered(last):
        yield _AWAITED
    elif FormRole.THERAPY in filled:
        yield "treated"
    else:
        yield "new"
    yield from (f"query {query.status}" for query in subject.queries.values() if query.status != "closed")
    yield from (f"withdrew {withdrawal.scope}" for withdrawal in subject.withdrawals)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
