"""R9, arm leaks: the arms carry words that stand nowhere else, the draws digits; everything anybody can get is searched for them.

Three worlds differ in nothing but who got which arm. Whoever may see no arm must get the same in all of them, byte for byte: then
neither a word, nor a count, nor a date that is due tells anything. Whoever may see the arms of one site must get the same whatever
the other sites' arms are. Pages that are not about one subject must name no arm of anybody, whoever asks.

The control is a page that prints the total of an arm: it must be found.
"""

import io
import itertools
import logging
import re
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

#: The words that stand for the arms, everywhere the protocol names one.
ARMS = ("zinnia", "quince")
_ARM = re.compile("|".join(ARMS), re.IGNORECASE)
#: The draws: no other number looks like these. The first arm is drawn below a half, the second above.
_DRAWS = (0.0173940518, 0.9173940518)
_DRAW = re.compile(r"[09]\.17394\d*")
#: What else `Randomized` keeps for whoever may see how an arm was drawn.
_BEHIND = re.compile(r"""["'](?:tally|imbalance|u)["']\s*:|["']probability["']\s*:\s*\{""")
#: Who is at which site; s01 has the first subject.
SITES = ("s01", "s02", "s02")
#: The arms of the three subjects in each world.
WORLDS = {"as it is": (0, 0, 1), "other at s02": (0, 1, 1), "other everywhere": (1, 1, 1)}
#: Most pages that one person looks at; links beyond are of a kind seen before.
_MOST = 400
#: Data taken away.
_ARCHIVE = re.compile(r"/take/\d+/file/$")
#: These end a session or lead nowhere.
_NOT_FOLLOWED = re.compile(r"/accounts/(logout|hospital|oidc)|^/static/|^/language|^/look")


def word_arms(protocol: Path, folder: Path) -> Path:
    """Copy a protocol's folder with other words for its arms, and return the copy."""
    copy = folder / protocol.parent.name / protocol.name
    shutil.copytree(protocol, copy)
    for path in copy.rglob("*.toml"):
        text = path.read_text(encoding="utf-8")
        for letter, word in zip("AB", ARMS, strict=True):
            text = text.replace(f'"{letter}"', f'"{word}"')
            text = text.replace(
                f'short_title = {{en = "Arm {letter}", ja = "{letter}群"}}', f'short_title = {{en = "{word}", ja = "{word}群"}}'
            )
            text = text.replace(f'title = {{en = "Arm {letter}: ', f'title = {{en = "{word}: ').replace(
                f'ja = "{letter}群：', f'ja = "{word}：'
            )
        path.write_text(text, encoding="utf-8")
    return copy


@dataclass
class World:
    """A site whose arms are known, and the people who look at it."""

    name: str
    site: Any
    subjects: tuple[str, ...]
    mails: list[str] = field(default_factory=list)
    exports: dict[str, int] = field(default_factory=dict)


def settle(site: Any, name: str, bench: Any, entries: Any) -> World:
    """Register three subjects, give them the arms of a world, and send the notices."""
    from django.core import mail
    from django.test import override_settings

    from oligami.web.registration.notice import send_notice
    from oligami.web.registration.receipt import read_receipt

    subjects = tuple(site.register(place) for place in SITES)
    for subject, place, arm in zip(subjects, SITES, WORLDS[name], strict=True):
        desk = site.desk
        desk._draws = lambda trial, arm=arm: lambda digest, of, k: _DRAWS[arm] + k * 1e-7
        desk.submit(bench.second(subject, place), bench.asked())
        given = site.trial.subjects[subject].allocation.arm
        assert given == ARMS[arm], f"{name}: {subject} was given {given}"
    for subject in subjects:
        site.submit(entries.QueryRaised(subject=subject, query="Q1", form="first_registration", occurrence=1, text="確認 please"))
    site.submit(entries.CutTaken(cut="c1", through=site.trial.head.seq, up_to=date(2024, 6, 12), purpose="drill"))
    for place in ("s01", "s02"):
        site.person("investigator", place)
    world = World(name, site, subjects)
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        for subject in subjects:
            receipt = read_receipt(site.desk, site.trial, site.trial.subjects[subject], "second", with_arm=True)
            assert receipt is not None
            sent = send_notice(receipt, site.trial, address="https://trial.example.org/")
            assert sent is not None
            sent.result()
        world.mails = [f"{one.subject}\n{one.body}" for one in mail.outbox]
    return world


class _Links(HTMLParser):
    """Gathers the addresses a page leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the address of a link."""
        self.found += [word for name, word in attrs if name in ("href", "hx-get") and word and tag != "link"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody got at an address: its status and its text, without what differs from one request to the next."""

    status: int
    text: str


_PASSING: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\b[A-Za-z0-9]{64}\b|nonce=\"[^\"]+\""), "~"),  # tokens against forged requests
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "~"),  # identifiers of calendars and documents
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8,64}(?![0-9A-Za-z])"), "~"),  # seals, command ids, digests: of the journal's bytes
    (re.compile(r"\b[A-Z2-7]{32}\b"), "~"),  # a new secret of a second factor
    (re.compile(r"\d\d:?\d\d:?\d\d(?:\.\d+)?Z?|\b\d\d:\d\d\b"), "~"),  # the time of day
    (re.compile(r"(?:data:image/[^\"']+|<path[^>]*>)"), "~"),  # pictures of such a secret
)


def _plain(response: Any) -> str:
    """Return what an answer says, headers included; of an archive, what its files say."""
    body = b"".join(response) if response.streaming else response.content
    said = [f"{name}: {response[name]}" for name in ("Location", "Content-Disposition") if response.has_header(name)]
    if body[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            said += [f"{name}\n{archive.read(name).decode('utf-8', 'replace')}" for name in archive.namelist()]
    else:
        said.append(body.decode("utf-8", "replace"))
    return "\n".join(said)


def _bare(text: str) -> str:
    for pattern, sign in _PASSING:
        text = pattern.sub(sign, text)
    return text


class Looker:
    """Somebody in a world, who asks for pages."""

    def __init__(self, world: World, role: str | None, place: str | None) -> None:
        """Sign in, and make a token for the API."""
        from oligami.web.api.tokens import make_token

        self._world = world
        self._client = world.site.client_for(role, place)
        self._client.raise_request_exception = False
        self._token = role and make_token(world.site.person(role, place), trial=world.site.trial_id, site=None, purpose="drill")

    def get(self, address: str) -> tuple[Seen, str]:
        """Return what an address shows, and the same as it came."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token and address.startswith("/api/") else {}
        response = self._client.get(address, headers=headers)
        text = _plain(response)
        return Seen(response.status_code, _bare(text)), text

    def take(self, site: str) -> str | None:
        """Take a site's data away and return the address of the archive; None if that is refused."""
        fields = {"site": site, "purpose": "drill", "recipient": "office", "command": "ab" * 16}
        response = self._client.post(self._world.site.url("take/"), fields)
        return f"{response['Location']}file/" if response.status_code == 302 else None


def _kind(address: str, subjects: Sequence[str]) -> tuple[Any, ...]:
    """Return what sort of page an address is: pages of one sort are looked at once."""
    from django.urls import Resolver404, resolve

    parts = urlsplit(address)
    try:
        found = resolve(parts.path)
    except Resolver404:
        return ("?",)
    names = tuple(sorted({name for name, _ in parse_qsl(parts.query)}))
    about = tuple(
        str(word)
        for name, word in found.kwargs.items()
        if name in ("subject", "subject_id", "form", "stage", "act", "site", "number")
    )
    return (*found.namespaces, found.url_name, about, names)


def crawl(looker: Looker, seeds: Iterable[str], subjects: Sequence[str]) -> dict[str, tuple[Seen, str]]:
    """Look at addresses and at all that they lead to, one of each sort."""
    waiting, known = list(seeds), set()
    seen: dict[str, tuple[Seen, str]] = {}
    while waiting and len(seen) < _MOST:
        address = waiting.pop(0)
        kind = _kind(address, subjects)
        if kind in known or kind == ("?",) or _NOT_FOLLOWED.search(address):
            continue
        known.add(kind)
        seen[address] = looker.get(address)
        if "<html" in seen[address][1]:
            links = _Links()
            links.feed(seen[address][1])
            waiting += [
                urljoin(address, link).split("#")[0] for link in links.found if urlsplit(urljoin(address, link)).netloc == ""
            ]
    return seen


def seeds(matrix: Any, world: World) -> list[str]:
    """Return every address of the project that can be looked at, about the first subject and about another site's."""
    own, _, other = world.subjects
    words = {
        "trial_id": world.site.trial_id, "trial": world.site.trial_id, "stage": "second", "form": "second_registration", "occurrence": 1,
        "k": 1, "day": "2024-06-12", "number": 1, "a": 1, "b": 1, "version": "1.0", "record": 1, "act": "open_site",
        "person_id": world.site.person("investigator", "s01").person, "token": 1, "query_id": "Q1", "pk": 1, "uidb36": "1", "key": "a-b",
        "provider_id": "hospital",
    }  # fmt: skip
    ground = matrix.Ground(site=world.site, subjects={matrix.OWN: own, matrix.OTHER: other}, words=words)
    found = []
    for address in matrix.addresses():
        for kind in (matrix.OWN, matrix.OTHER) if matrix.has_subject(address) else (matrix.OWN,):
            found.append(matrix.address_of(address, ground, kind))
    front = world.site.url("confirmation").removesuffix("confirmation")
    found += [f"{front}subjects/{subject}/confirmation/second/" for subject in world.subjects]
    found += [
        f"{front}subjects/{subject}/confirmation/second/receipt.{kind}" for subject in world.subjects for kind in ("txt", "json")
    ]
    return found


@dataclass
class Found:
    """What was looked at, and what leaked."""

    pages: int = 0
    told: int = 0  # pages that name an arm to somebody who may see it
    faults: list[str] = field(default_factory=list)


def _about(address: str, subjects: Sequence[str]) -> str | None:
    """Return the one subject that a page is about."""
    return next((subject for subject in subjects if subject in urlsplit(address).path), None)


def compare(
    who: str,
    worlds: Sequence[str],
    looks: dict[str, dict[str, tuple[Seen, str]]],
    subjects: Sequence[str],
    *,
    may: Callable[[str | None], bool],
) -> Found:
    """Hold what somebody got in one world against what he got in the others.

    may: whether he may see the arm of a subject (None: of any).
    """
    found = Found()
    first = looks[worlds[0]]
    for address, (seen, raw) in first.items():
        found.pages += 1
        about = _about(address, subjects)
        told = bool(_ARM.search(raw))
        for world in worlds[1:]:
            other, _ = looks[world][address]
            # Elsewhere only the other site's arms differ: of those, somebody at the first site learns nothing at all.
            foreign = world == "other at s02"
            if about is not None and may(about) and not (foreign and not may(subjects[-1])):
                found.told += told and seen != other
                continue
            if _ARCHIVE.search(address) and may(None) and not (foreign and not may(subjects[-1])):
                found.told += told and seen != other  # a site's own data, with the arms it may see
                continue
            if about is None and may(None) and not (foreign and not may(subjects[-1])):
                # A list may say what is due, which follows from the arm; it names no arm and counts none.
                if _named(seen) != _named(other):
                    found.faults.append(f"{who}: {address} names arms: {_named(seen)} or {_named(other)}")
                continue
            if seen != other:
                found.faults.append(f"{who}: {address} differs with arms ({world}): {_difference(seen, other)}")
    return found


def _named(seen: Seen) -> dict[str, int]:
    return dict(Counter(word.lower() for word in _ARM.findall(seen.text)))


def _difference(one: Seen, other: Seen) -> str:
    """Return the first line in which two answers differ."""
    if one.status != other.status:
        return f"{one.status} or {other.status}"
    for mine, yours in itertools.zip_longest(one.text.splitlines(), other.text.splitlines(), fillvalue=""):
        if mine != yours:
            at = next((number for number, (a, b) in enumerate(zip(mine, yours, strict=False)) if a != b), 0)
            return f"…{mine[max(0, at - 60) : at + 80]!r} or …{yours[max(0, at - 60) : at + 80]!r}"
    return "?"


def behind(who: str, looks: dict[str, tuple[Seen, str]]) -> list[str]:
    """Return where a draw or what an allocation rests on is told to somebody who may not see it."""
    found = []
    for address, (_, raw) in looks.items():
        for pattern in (_DRAW, _BEHIND):
            hit = pattern.search(raw)
            if hit and not address.startswith("/api/openapi"):
                found.append(f"{who}: {address} tells {raw[max(0, hit.start() - 60) : hit.end() + 60]!r}")
    return found


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Catch what the server logs, as it logs it."""
    from oligami.web import logs

    root, text = logging.getLogger(), io.StringIO()
    handlers, level, off = root.handlers[:], root.level, root.manager.disable
    logging.disable(logging.NOTSET)
    logs.configure(to=text)
    try:
        yield text
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.disable(off)
        import structlog

        structlog.reset_defaults()


def spoken(texts: Iterable[str], what: str) -> list[str]:
    """Return which mails or lines of a log name an arm or a draw."""
    return [
        f"{what} tells {hit.group()!r}: {text[:200]!r}"
        for text in texts
        for hit in (_ARM.search(text), _DRAW.search(text))
        if hit
    ]


@contextmanager
def counting(name: str) -> Iterator[None]:
    """Let a page print the total of an arm: the control."""
    from django.urls import get_resolver

    from oligami.web.desk import open_desk

    pattern = next(each for each in _patterns(get_resolver()) if each.name == name)
    view = pattern.callback

    def count(request: Any, trial_id: str, **named: Any) -> Any:
        response = view(request, trial_id, **named)
        arms = Counter(subject.allocation.arm for subject in open_desk(trial_id).trial.subjects.values())
        response.content += f"<p>{arms[ARMS[1]]}</p>".encode()
        return response

    pattern.callback = count
    try:
        yield
    finally:
        pattern.callback = view


def _patterns(resolver: Any) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern)
        else:
            yield pattern


def look(
    world: World, role: str | None, place: str | None, addresses: Iterable[str], *, follow: bool
) -> dict[str, tuple[Seen, str]]:
    """Return all that somebody gets in a world: at these addresses, and where they lead if `follow`; and what he takes away."""
    looker = Looker(world, role, place)
    archives = [looker.take(site) for site in ("s01", "s02")] if role else []
    if follow:
        seen = crawl(looker, addresses, world.subjects)
    else:
        seen = {address: looker.get(address) for address in addresses if address not in archives}
    # The number of its record stands in an archive's address; both worlds come to the same one.
    return seen | {archive: looker.get(archive) for archive in archives if archive}


def search(
    matrix: Any, open_world: Callable[[str], Any], role: str | None, place: str | None, *, only: Sequence[str] | None = None
) -> Found:
    """Look at everything as one role, in each world that tells something about it; return what leaked.

    open_world: opens a world by its name, as a context. only: names of addresses, for the control.
    """
    from oligami.trial import rights

    who = f"{role or 'nobody'} at {place or 'the trial'}"
    worlds = ("as it is", "other at s02", "other everywhere") if place else ("as it is", "other everywhere")
    looks: dict[str, dict[str, tuple[Seen, str]]] = {}
    said: list[str] = []
    permits: dict[str | None, bool] = {}
    subjects: tuple[str, ...] = ()
    detail = totals = False
    for number, name in enumerate(worlds):
        with open_world(name) as world, logged() as log:
            subjects = world.subjects
            chosen = seeds(matrix, world)
            if only is not None:
                chosen = [address for address in chosen if _kind(address, subjects)[0] in only]
            looks[name] = look(world, role, place, looks[worlds[0]] if number else chosen, follow=number == 0 and only is None)
            trial = world.site.trial
            person = world.site.person(role, place).person if role else ""
            at: dict[str | None, str | None] = {subject: trial.subjects[subject].site for subject in subjects} | {None: None}
            permits = {subject: bool(rights.permit(trial, person, "see_own_arm", site=site)) for subject, site in at.items()}
            detail = bool(rights.permit(trial, person, "see_allocation_detail"))
            totals = bool(rights.permit(trial, person, "see_arm_totals"))
            said += spoken(world.mails, "a mail") + spoken(log.getvalue().splitlines(), "the log")
    found = (
        Found(pages=len(looks[worlds[0]]))
        if totals
        else compare(who, worlds, looks, subjects, may=lambda subject: permits[subject])
    )
    if not detail:
        found.faults += behind(who, looks[worlds[0]])
    found.faults += said + [
        f"{who}: {address} answers {seen.status}" for address, (seen, _) in looks[worlds[0]].items() if seen.status >= 500
    ]
    return found


def main() -> None:
    """Look at everything as everybody."""
    from _ground import bench, folder, judge, sites, tell

    from oligami.journal import entries as e
    from oligami.protocol.load import find_protocol, load_protocol

    matrix = bench.load(bench.ROOT / "drills" / "matrix.py")
    faults = []
    with folder() as path:
        protocol = load_protocol(word_arms(find_protocol("jcog2110", version="1.0"), path))

        @contextmanager
        def open_world(name: str) -> Iterator[World]:
            with sites.new_site(path, protocol) as site:
                yield settle(site, name, bench, e)

        for role, place in ((None, None), *matrix.HOLDINGS):
            found = search(matrix, open_world, role, place)
            tell("R9", who=f"{role}@{place}", pages=found.pages, told=found.told, faults=len(found.faults))
            faults += found.faults
        with counting("centre"):
            missed = not search(matrix, open_world, "study_chair", None, only=("centre",)).faults
    tell("R9", control_missed=missed)
    judge([*faults, *(["the control was missed"] if missed else [])])


if __name__ == "__main__":
    sys.exit(main())
