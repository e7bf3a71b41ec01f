"""`oligami simulate --trials`: trials by the million, told as operating characteristics."""

import sys
from pathlib import Path
from typing import Any

import typer

from oligami import __version__
from oligami.cli.speech import progress_bar, refuse
from oligami.protocol.text import Language, Text


def tell_operating(
    trial: str,
    *,
    trials: int,
    seed: int,
    scenario: str,
    version: str | None,
    out: Path | None,
    engine: str,
    workers: int | None,
    scheduler: str | None,
    checkpoint: Path | None,
    lang: Language,
) -> None:
    """Simulate a scenario and print its characteristics, or all scenarios and write the page.

    Ends with exit status 2 and a sentence if anything asked for cannot be.
    """
    from oligami.protocol.load import find_protocol, load_protocol
    from oligami.protocol.problems import ProtocolErrors
    from oligami.reports.operating_brief import brief_section
    from oligami.reports.terminal import section_text
    from oligami.simulation.fast.operating import characteristics
    from oligami.simulation.fast.planning import plan_of
    from oligami.simulation.fast.run import engine_in_use
    from oligami.simulation.fast.scale import simulate_many
    from oligami.simulation.fast.scenario import find_operating_scenario, find_operating_scenarios, load_operating_scenario
    from oligami.simulation.fast.study import make_study, study_steps
    from oligami.simulation.scenario import ScenarioError

    if out is not None and checkpoint is not None:
        refuse(
            Text(
                "--checkpoint goes with one scenario, not with --out, which simulates all of them",
                "--checkpoint は1つのシナリオに対するもので、全シナリオを行う --out とは併用できません",
            ),
            lang,
        )
    try:
        folder = find_protocol(trial, version=version)
        protocol = load_protocol(folder)
        base = load_operating_scenario(find_operating_scenario(folder, scenario))
        used = engine_in_use(engine)  # an unknown word is refused there with a sentence
        settings: dict[str, Any] = {"seed": seed, "workers": workers, "engine": used, "scheduler": scheduler}
        if out is None:
            plan = plan_of(protocol, base)
            with progress_bar(Text("Simulating", "模擬試験")[lang], trials) as show:
                counts = simulate_many(
                    plan, trials, checkpoint=checkpoint, progress=lambda done, _: show(done, f"{done:,} / {trials:,}"), **settings
                )
            heading = Text(
                f"{protocol.id} {protocol.version}, scenario {base.id}: {base.title.en} ({used})",
                f"{protocol.id} {protocol.version}、シナリオ {base.id}：{base.title.ja}（{used}）",
            )
            typer.echo(section_text(brief_section(heading, characteristics(counts, plan)), None, lang))
            return
        from oligami.reports.operating import check_operating_place, write_operating_report
        from oligami.simulation.fast.study import DEFAULT_AXES

        check_operating_place(out)
        known = find_operating_scenarios(folder)
        scenarios = [base, *(load_operating_scenario(path) for name, path in known.items() if name != base.id)]
        steps = study_steps(len(scenarios), DEFAULT_AXES)
        with progress_bar(Text("Simulating", "模擬試験")[lang], steps) as show:
            begun = -1

            def tell(step: str) -> None:
                nonlocal begun
                begun += 1
                show(begun, step)

            study = make_study(
                protocol,
                scenarios,
                lambda plan, number: simulate_many(plan, number, **settings),
                base=base.id,
                seed=seed,
                trials=trials,
                engine=used,
                progress=tell,
            )
            show(steps, Text("writing", "書き出し")[lang])
        again = f"oligami simulate {protocol.id} --version {protocol.version} --trials {trials} --seed {seed} --scenario {base.id} --out …"
        written = write_operating_report(study, out, software_version=__version__, command=again)
        typer.echo(
            Text(
                f"{written[0]}: {len(scenarios)} scenarios, {len(study.designs)} designs, {len(study.cells)} cells of a sweep",
                f"{written[0]}: シナリオ {len(scenarios)}、計画 {len(study.designs)}、組合せ {len(study.cells)}",
            )[lang]
        )
    except ProtocolErrors as error:
        problems = error.problems
        refuse(Text("\n".join(each.text.en for each in problems), "\n".join(each.text.ja for each in problems)), lang)
    except (ScenarioError, ValueError, ImportError, OSError) as error:
        refuse(Text(str(error), str(error)), lang)
    except KeyboardInterrupt:
        kept = checkpoint is not None and checkpoint.is_file()
        hint = f" {checkpoint} keeps what is done; the same command goes on from there." if kept else ""
        hint_ja = f" {checkpoint} に途中までの結果が残っています。同じコマンドで続きから再開します。" if kept else ""
        typer.echo(Text(f"Interrupted.{hint}", f"中断しました。{hint_ja}")[lang], err=True)
        sys.exit(130)
