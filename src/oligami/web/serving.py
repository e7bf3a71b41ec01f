"""The server: what stands against starting it, and gunicorn around the program.

A real trial is served from PostgreSQL alone, with the clock as it is and its secret of randomization at hand. Whatever is
missing is said at once, each with its remedy, before a port is opened.
"""

import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from oligami.protocol.text import Reason, Text
from oligami.web.accounts.environment import read_environment
from oligami.web.configuration import ConfigurationError, read_configuration

#: Seconds that a request may take before its worker is stopped, and that requests get to end when the server stops.
_LONGEST_S = 60
_GRACE_S = 20


def set_up(environ: Mapping[str, str] | None = None) -> None:
    """Start Django on the settings of the environment; they are judged first.

    Args:
        environ: variables to set before; those of the process stay otherwise.

    Raises:
        ConfigurationError: all that is wrong with the environment.
    """
    import django

    os.environ.update(environ or {})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oligami.web.settings")
    _judge_environment()
    django.setup()


def _judge_environment() -> None:
    """Read all chapters of the settings, so that everything wrong is said at once.

    Raises:
        ConfigurationError: it.
    """
    problems: list[Reason] = []
    for read in (read_configuration, read_environment):
        try:
            read(os.environ)
        except ConfigurationError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigurationError(problems)


def manage(arguments: list[str]) -> None:
    """Carry out a management command of Django (`migrate`, `import_journal FILE`, …).

    Raises:
        ConfigurationError: all that is wrong with the environment.
    """
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "oligami.web.settings")
    _judge_environment()
    execute_from_command_line(["oligami manage", *arguments])


def find_obstacles() -> list[Reason]:
    """Return all that stands against serving what the database holds. Django is set up.

    A trial is a rehearsal if its journal is a simulation's. A database that holds no trial yet is to hold a real one.
    """
    from django.conf import settings
    from django.db import DatabaseError, connection

    from oligami.web.durability import check_database

    try:
        connection.ensure_connection()
        waiting = _unapplied_migrations()
    except DatabaseError as error:
        text = Text(
            f"The database does not answer ({type(error).__name__}); look whether it runs, and at DATABASE_URL",
            f"データベースに接続できません（{type(error).__name__}）。起動しているか、DATABASE_URL が正しいか確認してください",
        )
        return [Reason("database.unreachable", text)]
    problems = []
    if settings.DEBUG:
        problems.append(_needed_for_real(_DEBUG))
    if settings.OLIGAMI_REHEARSAL_AT is not None:
        problems.append(_needed_for_real(_REHEARSAL))
    if not settings.SESSION_COOKIE_SECURE:
        problems.append(_needed_for_real(_HTTPS))
    if connection.vendor == "sqlite":
        problems.append(_needed_for_real(_SQLITE))
    if waiting:
        text = Text(
            f"The database lacks {len(waiting)} migrations ({', '.join(waiting[:3])}, …); run: oligami manage migrate",
            f"データベースに未適用の移行が {len(waiting)} 件あります（{', '.join(waiting[:3])} など）。"
            "oligami manage migrate を実行してください",
        )
        return [*problems, Reason("database.migrations", text)]
    try:
        check_database()
    except ConfigurationError as error:
        problems.extend(error.problems)
    problems.extend(_too_many_rights())
    trials = list_trials()
    real = [trial for trial in trials if not is_simulated(trial)]
    if trials and not real:
        problems = [problem for problem in problems if problem.rule not in _REAL_ONLY]
    return [*problems, *_lacking_secrets(trials)]


def list_trials() -> list[str]:
    """Return the ids of the trials that the database holds."""
    from oligami.web.journal.models import JournalHead

    return list(JournalHead.objects.filter(seq__gt=0).order_by("trial").values_list("trial", flat=True))


def is_simulated(trial: str) -> bool:
    """Whether a trial's journal is a simulation's, as its first record says."""
    from oligami.web.journal.store import DatabaseJournal

    first = next(DatabaseJournal(trial).records(through=1), None)
    return first is not None and first.stamp.channel == "simulation"


def warm_up() -> None:
    """Load all pages and fold every trial: the first page does not wait for it, and the workers share the memory."""
    from django.db import connections
    from django.urls import get_resolver

    from oligami.web.clock import today
    from oligami.web.desk import open_desk
    from oligami.web.worklist.tasks import waiting_at

    _ = get_resolver().url_patterns
    for name in list_trials():
        trial = open_desk(name).trial
        # What is due is computed once a subject and day; whoever comes first in the morning need not wait for all of it.
        _ = trial.rules, sum(1 for _ in waiting_at(trial, None, today()))
    # A connection must not be carried into another process.
    connections.close_all()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        OSError: the port is taken or the host is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(64)
    except OSError:
        listening.close()
        raise
    return listening


def fitting_workers() -> int:
    """Return how many processes fit the machine; SQLite has one writer at a time, and one process serves it best."""
    from django.db import connection

    return 1 if connection.vendor == "sqlite" else max(2, os.cpu_count() or 1)


class _Arbiter(Arbiter):
    """Gunicorn's master, for which a closed terminal is a reason to stop and not to start again."""

    def handle_hup(self) -> None:
        """Stop as if asked to: settings come from the environment and cannot have changed."""
        self.handle_term()


class Server(BaseApplication):
    """Gunicorn around the program, on a socket that is bound already; `run` returns when it was stopped.

    Args:
        listening: the socket; the server closes it.
        workers: processes.
        threads: requests that each process answers at once.
        ready: called in the master when requests are taken.
        behind: addresses of proxies whose word about the client's address and scheme is believed.
    """

    def __init__(
        self,
        listening: socket.socket,
        *,
        workers: int,
        threads: int,
        ready: Callable[[], None] = lambda: None,
        behind: str = "127.0.0.1,::1",
    ) -> None:
        self._listening = listening
        self._options: dict[str, Any] = {
            "bind": f"fd://{listening.detach()}",
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "timeout": _LONGEST_S,
            "graceful_timeout": _GRACE_S,
            "forwarded_allow_ips": behind,
            "loglevel": "warning",
            "logger_class": "oligami.web.logs.ServerLog",
            "proc_name": "oligami",
            "control_socket_disable": True,
            "when_ready": lambda _: ready(),
        }
        super().__init__()

    def load_config(self) -> None:
        """Take the options."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the program. `wsgi.application` would set Django up once more, and its logs back."""
        from django.core.handlers.wsgi import WSGIHandler

        return WSGIHandler()

    def run(self) -> None:
        """Serve until a signal ends it. The program is loaded first, so that what is wrong with it is said here."""
        self.wsgi()
        master = os.getpid()
        try:
            _Arbiter(self).run()
        except SystemExit as end:
            if os.getpid() != master:
                # A worker that ends must not walk back through what its master still has to do.
                os._exit(end.code if isinstance(end.code, int) else 1)
            if end.code not in (0, None):
                raise
        finally:
            if os.getpid() != master:
                os._exit(1)


def stop_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the program like Ctrl-C, so that it cleans up; gunicorn takes them over later."""

    def end(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)


def _unapplied_migrations() -> list[str]:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _too_many_rights() -> list[Reason]:
    """Say which rights on the records the program's role has beyond reading and adding."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    rights = ("UPDATE", "DELETE", "TRUNCATE")
    with connection.cursor() as cursor:
        asked = ", ".join(f"has_table_privilege(current_user, 'journal_record', '{right}')" for right in rights)
        cursor.execute(f"SELECT {asked}, current_user")
        *held, role = cursor.fetchone()
    found = ", ".join(right for right, has in zip(rights, held, strict=True) if has)
    if not found:
        return []
    text = Text(
        f"The database role {role} may {found} records; the program must run as a role that owns nothing: "
        "make one, run `oligami manage grants ROLE` and put that role into DATABASE_URL",
        f"データベースのロール {role} は記録に対する {found} の権限を持っています。何も所有しないロールを作り、"
        "`oligami manage grants ROLE` の SQL を実行して、DATABASE_URL をそのロールにしてください",
    )
    return [Reason("database.rights", text)]


def _lacking_secrets(trials: list[str]) -> list[Reason]:
    """Say for which trials the secret is missing that the next allocation is committed to."""
    from django.conf import settings

    from oligami.journal.codec import JournalError
    from oligami.web.desk import open_desk, read_secrets

    try:
        if settings.OLIGAMI_SECRETS.is_dir():
            next(settings.OLIGAMI_SECRETS.iterdir(), None)
        secrets = read_secrets(settings.OLIGAMI_SECRETS)
    except ConfigurationError as error:
        return list(error.problems)
    except OSError as error:
        text = Text(
            f"The folder of secrets cannot be read ({error.strerror}); look at OLIGAMI_SECRETS and the folder's rights",
            f"秘密値フォルダーを読めません（{error.strerror}）。OLIGAMI_SECRETS とフォルダーの権限を確認してください",
        )
        return [Reason("OLIGAMI_SECRETS", text)]
    problems = []
    for trial in trials:
        try:
            state = open_desk(trial).trial
        except ConfigurationError:
            continue  # the database's own faults are said already
        except JournalError as error:
            problems.append(Reason("journal.broken", Text(error.sentence("en"), error.sentence("ja"))))
            continue
        committed = state.commitment(state.allocated + 1)
        if committed is not None and committed.commitment not in secrets:
            text = Text(
                f"Trial {trial}: the secret of randomization {committed.commitment[:12]}… is not in the folder of secrets; "
                "put its *.secret file there (OLIGAMI_SECRETS); without it nobody can be randomized",
                f"試験 {trial}: 割付の秘密値 {committed.commitment[:12]}… が秘密値フォルダーにありません。"
                "*.secret ファイルを置いてください（OLIGAMI_SECRETS）。これがないと割付できません",
            )
            problems.append(Reason("secret.missing", text))
    return problems


_DEBUG, _REHEARSAL, _HTTPS, _SQLITE = "OLIGAMI_DEBUG", "OLIGAMI_REHEARSAL_AT", "OLIGAMI_HTTPS", "DATABASE_URL"
_REAL_ONLY = frozenset((_DEBUG, _REHEARSAL, _HTTPS, _SQLITE))
_FOR_REAL: Mapping[str, Text] = {
    _DEBUG: Text(
        "A real trial is not served with debug settings, for they show item values on error pages; leave OLIGAMI_DEBUG out",
        "実際の試験はデバッグ設定では起動しません（エラー画面に項目の値が出るため）。OLIGAMI_DEBUG を外してください",
    ),
    _REHEARSAL: Text(
        "A real trial runs by the clock as it is; leave OLIGAMI_REHEARSAL_AT out (it is for simulated trials)",
        "実際の試験は実時刻で動かします。OLIGAMI_REHEARSAL_AT を外してください（模擬試験専用です）",
    ),
    _HTTPS: Text(
        "A real trial is served over https alone; set OLIGAMI_HTTPS to proxy (https ends at a proxy before this server) or yes",
        "実際の試験は https でのみ提供します。OLIGAMI_HTTPS を proxy（手前のプロキシで https を終端）または yes にしてください",
    ),
    _SQLITE: Text(
        "A real trial is not served from SQLite, where whoever owns the file can change records; give a PostgreSQL address in "
        "DATABASE_URL. To try the program, run: oligami demo",
        "実際の試験は SQLite では起動しません（ファイルの所有者が記録を変更できるため）。DATABASE_URL に PostgreSQL の"
        "アドレスを指定してください。試用には oligami demo を使ってください",
    ),
}


def _needed_for_real(name: str) -> Reason:
    return Reason(name, _FOR_REAL[name])
