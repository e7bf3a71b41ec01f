"""`oligami protocol`: check a protocol folder, print it, write its JSON Schema."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from oligami.protocol.cases import WorkedCase, load_cases, mismatches
from oligami.protocol.check import check_folder, open_protocol
from oligami.protocol.compile import Compiled
from oligami.protocol.load import find_protocol, list_protocols
from oligami.protocol.problems import Problem, ProtocolErrors, find_near_miss, group_by_file, list_words, make_problem
from oligami.protocol.schema import build_schema, schema_names
from oligami.protocol.show import PARTS, count_parts, show_protocol
from oligami.protocol.show_settings import show_settings
from oligami.protocol.text import Language, Text
from oligami.trial.allocation import check_rule
from oligami.trial.judge import JudgeError, judge_line, verbs

app = typer.Typer(no_args_is_help=True, help="Check, print and describe protocol folders.")


Lang = Annotated[Language, typer.Option("--lang", envvar="OLIGAMI_LANG", help="Language of the sentences.")]
Trial = Annotated[str | None, typer.Argument(help="Name of a trial, or path of a protocol folder.", show_default=False)]
Version = Annotated[str | None, typer.Option("--version", help="Version of the protocol; the newest if left out.")]


@app.command()
def check(name: Trial = None, version: Version = None, lang: Lang = "en") -> None:
    """Check a protocol folder and run its worked cases; without a name, every protocol there is.

    Everything that is wrong is listed by file; the exit code is then 2.
    """
    names = [name] if name is not None else list(list_protocols())
    wrong = False
    for each in names:
        try:
            folder = find_protocol(each, version=version)
        except ProtocolErrors as error:
            _print_problems(error.problems, lang)
            wrong = True
            continue
        wrong = not _check_one(folder, lang) or wrong
    if wrong:
        raise typer.Exit(2)


@app.command()
def show(
    name: Trial = None,
    file: Annotated[str | None, typer.Option("--file", help="Only this part, such as therapy.")] = None,
    settings: Annotated[bool, typer.Option("--settings", help="List what is a setting of the study office.")] = False,
    version: Version = None,
    lang: Lang = "en",
) -> None:
    """Print a protocol readably: arms, criteria, tables, schedule, endpoints and forms, each rule with its origin."""
    compiled = _open(name or _only_protocol(lang), version, lang)
    if settings:
        lines = show_settings(compiled.protocol, lang)
    else:
        # The file of limits may be asked for by its whole name too.
        part = file.removesuffix(".toml").removeprefix("radiotherapy_") if file is not None else None
        if part is not None and part not in PARTS:
            _refuse_word("--file", part, tuple(PARTS), lang)
        lines = show_protocol(compiled.protocol, lang, part=part)
    for line in lines:
        typer.echo(line)


@app.command()
def schema(
    file: Annotated[str | None, typer.Option("--file", help="Only this file, such as eligibility.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write NAME.schema.json files into this folder.")] = None,
    lang: Lang = "en",
) -> None:
    """Print or write the JSON Schema of the protocol files, for editors."""
    chosen = schema_names()
    if file is not None:
        word = file.removesuffix(".toml")
        if word not in chosen:
            _refuse_word("--file", word, chosen, lang)
        chosen = (word,)
    if out is None:
        schemas: dict[str, Any] = {name: build_schema(name) for name in chosen}
        typer.echo(_write_json(schemas[chosen[0]] if file is not None else schemas))
        return
    out.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        path = out / f"{name}.schema.json"
        path.write_text(_write_json(build_schema(name)) + "\n", encoding="utf-8")
        typer.echo(str(path))


def _check_one(folder: Path, language: Language) -> bool:
    """Check one folder and say what came out; return whether all is well."""
    compiled, problems = check_folder(folder)
    cases, faults = load_cases(folder)
    problems = (*problems, *faults)
    if compiled is not None:
        problems = (*problems, *_contradictions(compiled), *_judge_cases(compiled, cases))
    if problems or compiled is None:
        _print_problems(problems, language)
        count = len(problems)
        said = Text(f"{folder}: {count} problem{'s' if count != 1 else ''}", f"{folder}: 問題 {count} 件")
        typer.echo(said[language], err=True)
        return False
    protocol = compiled.protocol
    scenarios, misfits = _check_scenarios(folder, compiled)
    for misfit in misfits:
        typer.echo(misfit, err=True)
    if misfits:
        count = len(misfits)
        said = Text(f"{folder}: {count} problem{'s' if count != 1 else ''} in scenarios", f"{folder}: シナリオの問題 {count} 件")
        typer.echo(said[language], err=True)
        return False
    parts = count_parts(protocol)
    said = Text(
        "{name} {version}: good. digest {digest}; {forms} forms, {items} items, {criteria} criteria, {rules} rules with an "
        "origin, {settings} of them settings of the study office; {cases} worked cases right; {scenarios} scenarios fit",
        "{name} {version}: 問題なし。ダイジェスト {digest}、調査票 {forms}、項目 {items}、規準 {criteria}、出所のある規則 {rules}"
        "(うち研究事務局の設定 {settings})、計算例 {cases} 件すべて一致、シナリオ {scenarios} 件すべて適合",
    ).format(name=protocol.id, version=protocol.version, digest=protocol.digest, cases=len(cases), scenarios=scenarios, **parts)
    typer.echo(said[language])
    return True


def _check_scenarios(folder: Path, compiled: Compiled) -> tuple[int, list[str]]:
    """Hold the scenarios beside a folder against its protocol; return how many there are, and what does not fit."""
    from oligami.simulation.fast.planning import find_misfits
    from oligami.simulation.fast.scenario import find_operating_scenarios, load_operating_scenario
    from oligami.simulation.fit import find_faults
    from oligami.simulation.scenario import ScenarioError, load_scenario

    rehearsals = sorted((folder.parent / "scenarios").glob("*.toml"))
    operating = list(find_operating_scenarios(folder).values())
    misfits: list[str] = []
    for path in (*rehearsals, *operating):
        try:
            if path in operating:
                found = find_misfits(load_operating_scenario(path), compiled.protocol)
            else:
                found = find_faults(load_scenario(path), compiled.protocol)
            misfits += [f"{path.parent.name}/{path.name}: {fault}" for fault in found]
        except ScenarioError as error:
            misfits += [f"{path.parent.name}/{line}" for line in str(error).splitlines()]
    return len(rehearsals) + len(operating), misfits


def _contradictions(compiled: Compiled) -> list[Problem]:
    """Return where the rule of allocation contradicts itself, as the allocation itself would say."""
    try:
        check_rule(compiled.protocol.allocation)
    except ValueError as error:
        expected = Text("a rule without contradiction", "矛盾のない規則")
        return [make_problem("allocation.toml", "rule", found=line, expected=expected) for line in str(error).splitlines()]
    return []


def _judge_cases(compiled: Compiled, cases: Sequence[WorkedCase]) -> list[Problem]:
    """Run the worked cases; return where a judgement differs from what the protocol expects."""
    problems = []
    known = verbs(compiled)
    for case in cases:
        key = f"case[{case.id}]"
        if case.judge not in known:
            there = list_words(known)
            expected = Text(f"a judgement of this protocol: {there.en}", f"この試験の判定: {there.ja}")
            near = find_near_miss(case.judge, known)
            problems.append(make_problem(case.file, "judge", found=f'"{case.judge}"', expected=expected, near_miss=near))
            continue
        try:
            answer = judge_line(compiled, case.judge, case.input)
        except JudgeError as error:
            problems += [_refused_input(case, problem.text) for problem in error.problems]
            continue
        for place, expected_value, found_value in mismatches(case.expected, answer):
            problems.append(
                make_problem(
                    case.file,
                    f"{key} {place}",
                    found=json.dumps(found_value, ensure_ascii=False),
                    expected=json.dumps(expected_value, ensure_ascii=False),
                )
            )
    # A wrong verb is one fault of its file, however many cases stand under it.
    return list(dict.fromkeys(problems))


def _refused_input(case: WorkedCase, why: Text) -> Problem:
    """Word an input that cannot be judged at all."""
    expected = Text("an input that can be judged", "判定できる入力")
    return make_problem(case.file, f"case[{case.id}].input", found=why, expected=expected)


def _open(name: str, version: str | None, language: Language) -> Compiled:
    try:
        return open_protocol(find_protocol(name, version=version))
    except ProtocolErrors as error:
        _print_problems(error.problems, language)
        raise typer.Exit(2) from None


def _only_protocol(language: Language) -> str:
    """Return the one protocol there is; with more, or none, the command has to be told."""
    names = list(list_protocols())
    if len(names) == 1:
        return names[0]
    there = list_words(names) if names else Text("none is installed", "登録なし")
    said = Text(f"Name a protocol or the path of its folder: {there.en}.", f"試験名またはフォルダを指定してください: {there.ja}")
    typer.echo(said[language], err=True)
    raise typer.Exit(2)


def _print_problems(problems: Sequence[Problem], language: Language) -> None:
    for file, sentences in group_by_file(problems, language):
        typer.echo(file, err=True)
        for sentence in sentences:
            typer.echo(f"  {sentence}", err=True)


def _refuse_word(option: str, word: str, words: Sequence[str], language: Language) -> None:
    there = list_words(words, most=20)
    expected = Text(f"one of {there.en}", f"{there.ja} のいずれか")
    problem = make_problem(
        "oligami protocol", option, found=f'"{word}"', expected=expected, near_miss=find_near_miss(word, words)
    )
    typer.echo(problem.text[language], err=True)
    raise typer.Exit(2)


def _write_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
