"""`oligami judge`: the clinical rules used alone, JSON lines in and out.

Lines are answered in their order. A few lines, or lines typed by hand, are answered one after the other as they come; many
are shared among processes. What is read ahead is bounded, so the input may be of any length.
"""

import json
import multiprocessing
import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from io import UnsupportedOperation
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, NoReturn

import typer

from oligami.protocol.check import open_protocol
from oligami.protocol.compile import Compiled
from oligami.protocol.load import find_protocol
from oligami.protocol.problems import ProtocolErrors, find_near_miss
from oligami.protocol.text import Language, Text
from oligami.trial.judge import JudgeError, JudgeProblem, in_language, judge_line, verbs

app = typer.Typer(help="Use the clinical rules alone: JSON lines in, JSON lines out.")

FAULTY: Final = 2  # exit status when a line, the command or a file is faulty
INTERRUPTED: Final = 130

LONGEST_LINE: Final = 1_000_000  # bytes; a longer line is refused and not kept
_READ: Final = LONGEST_LINE  # at most so much at once, so that no line within what was read is longer
_FEW: Final = 2000  # lines answered by this process before others are started
_SHARE: Final = 400  # lines given to a process at once
_AHEAD: Final = 4  # shares under way for each process
_GRACE: Final = 0.02  # seconds to wait for more lines before the answers under way are awaited

#: Answers the lines of a share: the bytes to print, and how many lines were faulty.
Answer = Callable[[Sequence[bytes], int], tuple[bytes, int]]

_ONE_OBJECT: Final = Text("Send one JSON object a line.", "1行に1つの JSON オブジェクトを送ってください。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of every line; small enough to be sent to a process."""

    folder: Path
    verb: str
    tree: bool
    language: Language | None


@app.command()
def judge(
    verb: Annotated[str, typer.Argument(help="What to judge, such as eligibility-first or therapy.", show_default=False)],
    trial: Annotated[str, typer.Option("--trial", help="The trial's name, or its protocol folder.", show_default=False)],
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="JSON lines; - is standard input.")] = "-",
    protocol_version: Annotated[
        str | None, typer.Option("--protocol-version", help="Version of the protocol; the newest if not given.")
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="Add every step of the judgement.")] = False,
    lang: Annotated[Language | None, typer.Option("--lang", help="One language for all texts, instead of both.")] = None,
) -> None:
    """Judge lines of JSON by the trial's clinical rules: an answer a line, in the same order.

    A line that cannot be judged is answered with an error that names the item and the remedy; the others are still judged,
    and the exit status is 2. Blank lines are skipped.
    """
    said: Language = lang or "en"
    try:
        folder = find_protocol(trial, version=protocol_version)
        compiled = open_protocol(folder)
    except ProtocolErrors as error:
        _refuse("\n".join(problem.text[said] for problem in error.problems))
    known = verbs(compiled)
    if verb not in known:
        near = find_near_miss(verb, known)
        hint = Text(f" Did you mean {near}?", f"{near} ではありませんか。") if near else Text("", "")
        there = ", ".join(known)
        text = Text(
            f'{trial} has no judgement "{verb[:40]}". There are: {there}.{hint.en}',
            f"{trial} に判定「{verb[:40]}」はありません。あるのは {there} です。{hint.ja}",
        )
        _refuse(text[said])
    question = Question(folder=folder, verb=verb, tree=tree, language=lang)
    faulty = 0
    try:
        with _open(file, said) as stream:
            faulty = answer_stream(question, compiled, stream, sys.stdout.buffer)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has seen enough. Nothing may be written at exit either, or Python complains of the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except BrokenProcessPool:
        text = Text(
            "A process that judged lines was ended from outside; the answers are incomplete.",
            "判定中のプロセスが外部から終了されました。結果は不完全です。",
        )
        _refuse(text[said])
    if faulty:
        lines = "1 line" if faulty == 1 else f"{faulty} lines"
        text = Text(f"{lines} could not be judged.", f"{faulty} 行を判定できませんでした。")
        _refuse(text[said])


judge_command = judge


def answer_stream(question: Question, compiled: Compiled, stream: BinaryIO, out: BinaryIO) -> int:
    """Answer every line of a stream; return how many were faulty.

    Raises:
        BrokenPipeError: nobody reads the answers any more.
        BrokenProcessPool: a process was ended from outside.
    """
    alone: Answer = partial(answer_lines, compiled, question)
    pool: ProcessPoolExecutor | None = None
    under_way: deque[Future[tuple[bytes, int]]] = deque()
    waiting: list[bytes] = []
    seen = faulty = 0
    workers = os.cpu_count() or 1

    def write(answer: tuple[bytes, int]) -> None:
        nonlocal faulty
        out.write(answer[0])
        faulty += answer[1]

    def settle() -> None:
        """Answer all that was read, since nothing more is there for now."""
        nonlocal seen
        while under_way:
            write(under_way.popleft().result())
        if waiting:
            write(alone(waiting, seen + 1))
            seen += len(waiting)
            waiting.clear()
        out.flush()

    try:
        for block in read_blocks(stream, lambda: _GRACE if under_way else 0.0):
            if block is None:
                settle()
                continue
            waiting += block
            if workers == 1 or seen + len(waiting) <= _FEW:
                settle()
                continue
            pool = pool or _start_pool(workers, question)
            while len(waiting) >= _SHARE:
                under_way.append(pool.submit(_answer_share, waiting[:_SHARE], seen + 1))
                seen += _SHARE
                del waiting[:_SHARE]
                if len(under_way) > workers * _AHEAD:
                    write(under_way.popleft().result())
        settle()
    finally:
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
    return faulty


def read_blocks(stream: BinaryIO, grace: Callable[[], float]) -> Iterator[list[bytes] | None]:
    """Yield the whole lines of each read, and None before a read that would have to wait.

    Args:
        stream: what to read.
        grace: how long, in seconds, a read may wait without saying so.
    """
    try:
        descriptor: int | None = stream.fileno()
    except UnsupportedOperation:
        descriptor = None
    parts: list[bytes] = []
    kept = 0
    while True:
        if descriptor is None:
            data = stream.read(_READ)
        else:
            if not _is_ready(descriptor, grace()):
                yield None
            data = os.read(descriptor, _READ)
        pieces = data.split(b"\n")
        if len(pieces) > 1:
            lines = [b"".join([*parts, pieces[0]]), *pieces[1:-1]]
            parts, kept = [], 0
            yield lines
        # Of a line that is too long only so much is kept as shows that it is.
        if kept <= LONGEST_LINE:
            parts.append(pieces[-1])
            kept += len(pieces[-1])
        if not data:
            if kept:
                yield [b"".join(parts)]
            return


def answer_lines(compiled: Compiled, question: Question, lines: Sequence[bytes], first: int) -> tuple[bytes, int]:
    """Answer lines of which the first has number `first`; return the answers and how many lines were faulty."""
    told = []
    faulty = 0
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            data = _parse(line, is_first=number == 1)
            answer = judge_line(compiled, question.verb, data, tree=question.tree, language=question.language)
        except JudgeError as error:
            faulty += 1
            answer = {"error": {"line": number, **error.as_json()}}
            if question.language is not None:
                answer = in_language(answer, question.language)
        told.append(json.dumps(answer, ensure_ascii=False))
    # An answer may quote half a character that the input had escaped; such a thing has no place in UTF-8.
    return ("\n".join(told) + "\n").encode("utf-8", "replace") if told else b"", faulty


# ---------------------------------------------------------------- one line


class _UnclearError(ValueError):
    """JSON that Python would read but that says two things, or nothing."""

    def __init__(self, text: Text, remedy: Text) -> None:
        self.text = text
        self.remedy = remedy
        super().__init__(text.en)


def _parse(line: bytes, *, is_first: bool) -> Any:
    """Read a line.

    Raises:
        JudgeError: it is no JSON, or not clear.
    """
    if len(line) > LONGEST_LINE:
        raise _no_json(Text(f"longer than {LONGEST_LINE} bytes", f"{LONGEST_LINE} バイトを超えています"))
    try:
        text = line.decode("utf-8-sig" if is_first else "utf-8")
    except UnicodeDecodeError as error:
        raise _no_json(
            Text(f"byte {error.start + 1} is not UTF-8", f"{error.start + 1} バイト目が UTF-8 ではありません")
        ) from None
    try:
        return _DECODER.decode(text)
    except _UnclearError as error:
        raise _no_json(error.text, error.remedy) from None
    except json.JSONDecodeError as error:
        raise _no_json(Text(f"character {error.pos + 1}: {error.msg}", f"{error.pos + 1} 文字目: {error.msg}")) from None
    except RecursionError:
        raise _no_json(Text("nested too deeply", "入れ子が深すぎます")) from None
    except ValueError:  # a whole number of thousands of digits
        raise _no_json(Text("a number is too long", "数が長すぎます")) from None


def _no_json(found: Text, remedy: Text = _ONE_OBJECT) -> JudgeError:
    text = Text(f"The line cannot be read: {found.en}.", f"この行を読めません:{found.ja}。")
    return JudgeError([JudgeProblem(item="", text=text, remedy=remedy)])


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:60]
        remedy = Text("Leave each item once in the line.", "各項目は1行に1回だけにしてください。")
        raise _UnclearError(Text(f"the item {twice} stands twice", f"項目 {twice} が2回あります"), remedy)
    return table


def _constant(word: str) -> NoReturn:
    remedy = Text("Give a number, or null if it is missing.", "数を入力し、不明なら null にしてください。")
    raise _UnclearError(Text(f"{word} is no number", f"{word} は数ではありません"), remedy)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


# ---------------------------------------------------------------- processes


_answer_here: Answer | None = None  # of this process, once it was prepared


def _start_pool(workers: int, question: Question) -> ProcessPoolExecutor:
    # Started afresh instead of forked: a fork would copy whatever threads numpy holds at that moment.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(question,))


def _prepare(question: Question) -> None:
    """Make a process ready; the interrupt key is the first process's business."""
    global _answer_here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _answer_here = partial(answer_lines, open_protocol(question.folder), question)


def _answer_share(lines: Sequence[bytes], first: int) -> tuple[bytes, int]:
    assert _answer_here is not None
    return _answer_here(lines, first)


# ---------------------------------------------------------------- files


def _open(file: str, lang: Language) -> BinaryIO:
    """Open the input. Standard input stays open after use."""
    if file == "-":
        return sys.stdin.buffer
    try:
        return Path(file).open("rb")
    except OSError as error:
        why = error.strerror or str(error)
        _refuse(Text(f"{file} cannot be read: {why}.", f"{file} を読めません:{why}。")[lang])


def _is_ready(descriptor: int, grace: float) -> bool:
    try:
        return bool(select.select([descriptor], [], [], grace)[0])
    except OSError:  # Windows asks only sockets: answer what there is before every read
        return False


def _refuse(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(FAULTY)
