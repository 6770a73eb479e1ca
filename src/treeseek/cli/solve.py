"""`treeseek solve`: problems that can be checked, and best-of-N at the same cost beside them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from treeseek.budget import Budget
from treeseek.cli import faults
from treeseek.cli.arm import Arm, Trial, attempt, by_chance, wilson
from treeseek.cli.choice import SearchCommand, configured, factory, strategy_options
from treeseek.cli.law import budget_option, loaded, model_options, number_option
from treeseek.cli.output import as_text, output_options, save
from treeseek.cli.screen import screen
from treeseek.model import LM
from treeseek.result import Cost
from treeseek.tasks.countdown import CountdownVerifier, generate
from treeseek.viewer import Grown, page, svg

DRAWN = 12
"""Trees that a page shows at most."""


@click.group()
def solve() -> None:
    """Solve problems that can be checked, beside best-of-N at the same cost.

    \b
    Example:
      treeseek solve countdown --problems 5
    """


@solve.command(cls=SearchCommand)
@number_option("--problems", 5, "How many.", low=1)
@click.option(
    "--numbers",
    type=click.IntRange(2, 5),
    default=4,
    show_default=True,
    help="Numbers in a problem.",
)
@model_options
@strategy_options("puct")
@budget_option("tokens=400")
@number_option("--limit", 64, "Longest answer in tokens.", low=1)
@number_option("--seed", 0, "Seed of the problems and of all noise.")
@output_options
def countdown(**options: Any) -> int:
    """Reach a target from given numbers, each used once.

    The budget holds for each problem. The same problems are then given to best-of-n, each with the
    tokens that the search was charged on it and the same verifier, and it is said which of the two
    solved more. No search stops early for being lucky, so the two are given the same chance.

    \b
    Examples:
      treeseek solve countdown --problems 5
      treeseek solve countdown --numbers 3 -s best-first -o priority=total -b 1k --html trees.html
      treeseek solve countdown --problems 100 -s beam -o width=16 --json
    """  # fmt: skip
    strategy = configured(options["strategy"], options["assignments"])
    budget = Budget.of(options["budget"])
    problems = generate(options["seed"], numbers=options["numbers"], count=options["problems"])
    with screen(options["quiet"]) as board:
        lm = loaded(options, board.note)
        shared: dict[str, Any] = {
            "lm": lm, "verifier": CountdownVerifier, "limit": options["limit"],
            "seed": options["seed"], "screen": board,
        }  # fmt: skip
        count = len(problems)
        arm = attempt(problems, strategies=[strategy] * count, budgets=[budget] * count, **shared)
        control = None
        if arm.done:
            control = _control(problems, arm, budget, shared)
    if options["as_json"]:
        click.echo(as_text(report(arm, control, lm=lm, seed=options["seed"])))
    else:
        _print(arm, control)
    if options["html"] is not None:
        _draw(options["html"], arm, control)
    return _code(arm, control)


def _control(problems: Sequence[Any], arm: Arm, budget: Budget, shared: dict[str, Any]) -> Arm:
    """Best-of-n with the tokens that each search was charged, drawing until they are spent."""
    charged = [(trial.cost or Cost()).tokens for trial in arm.trials]
    best_of_n = factory("best-of-n")
    strategies = [best_of_n(n=max(1, tokens)) for tokens in charged]
    budgets = [Budget(tokens=tokens, scores=budget.scores) for tokens in charged]
    return attempt(problems, strategies=strategies, budgets=budgets, **shared)


def report(arm: Arm, control: Arm | None, *, lm: LM, seed: int) -> dict[str, Any]:
    """The object that `--json` prints."""
    return {
        "task": "countdown",
        **arm.to_json(),
        "control": None if control is None else control.to_json(),
        "comparison": None if control is None else compare(arm, control),
        "model": lm.name,
        "seed": seed,
    }


def compare(arm: Arm, control: Arm) -> dict[str, Any]:
    """Which arm solved what the other did not, and whether chance alone would do the same."""
    pairs = [(a.solved, b.solved) for a, b in zip(arm.trials, control.trials, strict=True)]
    ours, theirs = pairs.count((True, False)), pairs.count((False, True))
    word = "wins" if ours > theirs else "loses" if ours < theirs else "ties"
    return {
        "search": word,
        "only_search": ours,
        "only_control": theirs,
        "p": by_chance(ours, theirs),
    }


def sentence(arm: Arm, control: Arm) -> str:
    """The comparison in words, without a favour to either side."""
    found = compare(arm, control)
    name, other = arm.strategy.name, control.strategy.name
    words = {
        "wins": f"{name} solved {arm.solved - control.solved} more than {other}",
        "loses": f"{name} LOST: it solved {control.solved - arm.solved} fewer than {other}",
        "ties": f"{name} solved as many as {other}",
    }[found["search"]]
    return (
        f"{words} at the same tokens a problem (only {name}: {found['only_search']}, only {other}: "
        f"{found['only_control']}; chance alone does as much with p = {found['p']:.2f})."
    )


def _print(arm: Arm, control: Arm | None) -> None:
    styled = False if "NO_COLOR" in os.environ else None
    for trial in arm.trials:
        word, colour = ("solved", "green") if trial.solved else ("not solved", "red")
        mark = click.style(word, fg=colour)
        click.echo(f"{trial.problem.prompt.strip()}  {mark}", color=styled)
        text = trial.answer.text.strip("\n") if trial.answer else "(no answer)"
        for line in text.split("\n"):
            click.echo(f"    {line}")
        if trial.failure or not trial.solved:
            click.echo(f"    ({trial.failure or outcome(trial)})")
    click.echo()
    click.echo(_figures(arm, arm.strategy.name))
    if control is None:
        click.echo("best-of-n was not run: interrupted")
        return
    click.echo(_figures(control, f"{control.strategy.name}, same tokens"))
    click.echo(sentence(arm, control))


def outcome(trial: Trial) -> str:
    """What became of a problem, in words."""
    if trial.failure:
        return f"failed: {trial.failure}"
    if trial.verdict is None:
        return "no answer within the budget"
    return f"{'solved: ' if trial.solved else ''}{trial.verdict.feedback}"


def _figures(arm: Arm, name: str) -> str:
    low, high = wilson(arm.solved, len(arm.trials))
    cost = arm.cost
    return (
        f"{name + ':':<24}{arm.solved} of {len(arm.trials)} solved ({arm.accuracy:.2f}, 95 % "
        f"{low:.2f} to {high:.2f}), {cost.tokens:,} tokens charged, "
        f"{cost.tokens_computed:,} computed in {cost.forwards:,} calls, "
        f"{cost.verifier_calls:,} verified, {cost.seconds:.1f} s"
    )


def _draw(path: Path, arm: Arm, control: Arm | None) -> None:
    grown = [trial for trial in arm.trials if trial.run is not None]
    single = path.suffix == ".svg"
    if single:
        grown = sorted(grown, key=lambda trial: not trial.solved)[:1]
    trees = [
        Grown.of(
            trial.run, title=trial.problem.prompt, outcome=outcome(trial),
            solved={text: verdict.solved for text, verdict in trial.verifier.verdicts.items()},
            best=trial.answer,
        )
        for trial in grown[:DRAWN]
        if trial.run is not None
    ]  # fmt: skip
    if single and trees:
        save(path, svg(trees[0]))
        return
    lines = [_figures(arm, arm.strategy.name)]
    if control is not None:
        lines += [_figures(control, f"{control.strategy.name}, same tokens")]
        lines += [sentence(arm, control)]
    if len(grown) > DRAWN:
        lines.append(f"{len(grown) - DRAWN} more trees are not drawn.")
    save(path, page(trees, title="Countdown", lines=lines))


def _code(arm: Arm, control: Arm | None) -> int:
    if not arm.done or control is None or not control.done:
        return faults.INTERRUPTED
    if all(trial.failure for trial in arm.trials):
        faults.say("every problem failed; the first: " + arm.trials[0].failure)
        return faults.FAILED
    if all(trial.answer is None for trial in arm.trials):
        faults.say("the budget ended before one token was produced: give more with -b")
        return faults.UNFED
    return 0
