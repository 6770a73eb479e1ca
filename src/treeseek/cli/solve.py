"""`treeseek solve`: problems that can be checked, and what the budget buys without a search."""

import os
from pathlib import Path
from typing import Any

import click

from treeseek.budget import Budget
from treeseek.cli import faults, recipe
from treeseek.cli.choice import SearchCommand, allocator_of, entered, strategy_options
from treeseek.cli.judged import equipped, holding, judged_options, settings, standing
from treeseek.cli.law import budget_option, number_option
from treeseek.cli.output import as_text, output_options, save
from treeseek.cli.report import UNUSED, drawable, table_options, write
from treeseek.cli.screen import screen
from treeseek.cli.spelling import spelled
from treeseek.cli.stepping import step_all
from treeseek.declare import Strategy
from treeseek.errors import InvalidOption
from treeseek.options import options_of
from treeseek.solving.attempt import Side, Solved
from treeseek.solving.contest import BEST, MAJORITY, RANDOM
from treeseek.solving.front import attempt, told
from treeseek.solving.trials import Trial
from treeseek.viewer import Grown, page, svg

DRAWN = 12
"""Trees that a page shows at most."""
_NAMES = {
    BEST: "best-of-n, same budget", MAJORITY: "majority of its draws", RANDOM: "one of its draws",
}  # fmt: skip


@click.command(cls=SearchCommand)
@click.argument("task", metavar="TASK|FILE")
@strategy_options("puct")
@budget_option("tokens=400")
@click.option(
    "--allocator", metavar="NAME",
    help="Share one budget, -b, over all problems, by picks that -s serves.  [default: -b each]",
)  # fmt: skip
@number_option("-n", 1, "Answers that a search looks for; one of them is judged.", low=1)
@judged_options(5)
@table_options
@output_options
@recipe.recipe_options
@recipe.dry_run_option
def solve(task: str, **options: Any) -> int:
    """Solve problems that can be checked, beside best-of-N with the same budget.

    TASK is a name, as in countdown or "countdown(numbers=3)"; FILE holds JSON lines with a prompt,
    and an answer or tests. The budget holds for each problem; with --allocator for all of them. The
    same problems are then given to the controls of treeseek compare, with the same budget and the
    same verifier, and it is said whether best-of-n solved more. No search stops early for being
    lucky, so all get the same chance.

    \b
    Examples:
      treeseek solve countdown --problems 5
      treeseek solve countdown -o numbers=3 -s best-first -o priority=total -b 1k --html trees.html
      treeseek solve countdown --problems 20 --allocator "adaptive(most=16)" -b 4k
      treeseek solve my-problems.jsonl --problems 100 -s beam -o width=16 --json
    """  # fmt: skip
    as_json = options.pop("as_json")
    files = {name: options.pop(name) for name in ("html", "csv", "plot")}
    html, csv, plot = files.values()
    allocator = _allocator(options.pop("allocator"), html)
    served = [] if allocator is not None and _is_default("strategy") else [options["strategy"]]
    made, strategies = entered(task, served, options.pop("assignments"))
    budget = Budget.of(options["budget"])
    drawable(plot)
    if (csv or plot) and (allocator is not None or budget.tokens is None):
        raise InvalidOption("--csv and --plot take a budget of tokens a problem: give one by -b.")
    if options.pop("dry_run"):
        words = {"task": task_words(made), **options, **files, "strategy": None}
        for kind, one in (*(("strategy", one) for one in strategies), ("allocator", allocator)):
            words[kind] = one and spelled(one.name, one.options)
        run_by = strategies if allocator is None else [*strategies, allocator]
        controls = len(told(run_by, verifier=options["verifier"]))
        shared = allocator is not None
        cost = estimate(budget, options["problems"], controls=1 + controls, shared=shared)
        recipe.show("solve", words, cost, as_json=as_json)
        return 0
    del options["strategy"], options["budget"]
    with screen(options.pop("quiet")) as board:
        weak = options.pop("allow_weak")
        made = holding(made, weak=weak)
        given = settings(options, made, board.note)
        shares = [] if allocator is None else [allocator]
        ready, held = equipped(
            [*strategies, *shares], made, weak=weak, note=board.note,
            seed=given["seed"], problems=given["problems"],
        )  # fmt: skip
        chosen = ready[0] if strategies else None
        run = attempt(
            made, strategy=chosen, allocator=ready[-1] if shares else None, budget=budget,
            keep=DRAWN, **given, **options,
        )  # fmt: skip
        name = (allocator or strategies[0]).name
        title = f"{name} on {made.name}, {given['model'].name}"
        step_all(run, board, lambda: standing(run.tally, title))
    found = run.solved
    if as_json:
        click.echo(as_text({**found.to_json(), "sandbox": held}))
    else:
        _print(found, name)
    if html is not None:
        _draw(html, found, run.trials, name, made.name)
    if csv or plot:
        write(found.table(budget.tokens or 0, name), csv=csv, plot=plot)
    return _code(found)


def _allocator(words: str | None, html: Path | None) -> Strategy | None:
    """The allocator in words; raises InvalidOption beside a picture, of which it has none."""
    if words is not None and html is not None:
        raise InvalidOption("--allocator grows one tree for all problems: leave --html out.")
    return None if words is None else allocator_of(words)


def _is_default(name: str) -> bool:
    """Whether neither the command line nor a recipe says what `name` is."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


def task_words(task: Any) -> str:
    """A task in the words of a recipe."""
    return spelled(task.name, {name: getattr(task, name) for name in options_of(type(task))})


def estimate(
    budget: Budget, problems: int, *, controls: int, shared: bool = False
) -> dict[str, Any]:
    """What a run may cost at most: its searches and those of the controls that have their own.

    With `shared` the problems share one search and one budget.
    """
    searches = (1 if shared else problems) + controls * problems
    budgets = 1 + controls if shared else searches
    most = "no bound: give tokens= by -b" if budget.tokens is None else budgets * budget.tokens
    return {"searches": searches, "charged_tokens_at_most": most}


def sentence(found: Solved, name: str) -> str:
    """The comparison in words, without a favour to either side."""
    pair = found.pair
    assert pair is not None and found.control is not None
    more = found.side.solved - found.control.solved
    words = (
        f"{name} solved {more} more than best-of-n"
        if more > 0
        else f"{name} LOST: it solved {-more} fewer than best-of-n"
        if more < 0
        else f"{name} solved as many as best-of-n"
    )
    return (
        f"{words} with the same budget (only {name}: {pair.only_strategy}, only best-of-n: "
        f"{pair.only_control}; difference {pair.difference:+.2f}, 95 % {pair.low:+.2f} to "
        f"{pair.high:+.2f})."
    )


def _print(found: Solved, name: str) -> None:
    styled = False if "NO_COLOR" in os.environ else None
    for one in found.side.outcomes:
        word, colour = ("solved", "green") if one.solved else ("not solved", "red")
        mark = click.style(word, fg=colour)
        click.echo(f"{one.prompt.strip() or one.id}  {mark}", color=styled)
        text = one.answer.text.strip("\n") if one.answer else "(no answer)"
        for line in text.split("\n"):
            click.echo(f"    {line}")
        if not one.solved:
            click.echo(f"    ({one.words})")
    click.echo()
    for line in _lines(found, name):
        click.echo(line)


def _lines(found: Solved, name: str) -> list[str]:
    """The figures of all sides, and who solved more."""
    lines = [_figures(found.side, name)]
    if found.control is None:
        return [*lines, "best-of-n was not run: interrupted"]
    lines += [_figures(one, _NAMES.get(one.strategy, one.strategy)) for one in found.controls]
    if not found.done:
        lines.append("the other controls were not run: interrupted")
    return [*lines, sentence(found, name), *_notes(found, name)]


def _notes(found: Solved, name: str) -> list[str]:
    """What a reader of the figures has to know: what failed, and what was left unspent."""
    notes, said = [], set()
    sides = ((found.side, name), *((one, one.strategy) for one in found.controls))
    for side, label in sides:
        failures = [one for one in side.outcomes if one.failure]
        same = tuple((one.id, one.failure) for one in failures)
        if failures and same not in said:
            said.add(same)
            notes.append(
                f"{label} failed on {len(failures)} of {len(found.side.outcomes)}, which count as "
                f"not solved; the first, {failures[0].id}: {failures[0].failure}"
            )
    if found.control is not None and found.side.cost.tokens < UNUSED * found.control.cost.tokens:
        notes.append(
            f"{name} did not use its budget: it was charged {found.side.cost.tokens:,} tokens, "
            f"best-of-n {found.control.cost.tokens:,}."
        )
    return notes


def _figures(side: Side, name: str) -> str:
    low, high = side.interval
    cost = side.cost
    solved = (
        f"{name + ':':<25}{side.solved} of {len(side.outcomes)} solved ({side.accuracy:.2f}, 95 % "
        f"{low:.2f} to {high:.2f})"
    )
    if side.strategy in (MAJORITY, RANDOM):
        return solved  # their draws, and what these cost, are those of best-of-n
    return (
        f"{solved}, {cost.tokens:,} tokens charged, {cost.tokens_computed:,} computed in "
        f"{cost.forwards:,} calls, {cost.verifier_calls:,} verified, {cost.seconds:.1f} s"
    )


def _draw(path: Path, found: Solved, trials: list[Trial], name: str, title: str) -> None:
    single = path.suffix == ".svg"
    grown = [
        (one, trial)
        for one, trial in zip(found.side.outcomes, trials, strict=False)
        if trial.run is not None
    ]
    if single:
        grown = sorted(grown, key=lambda pair: not pair[0].solved)[:1]
    trees = [
        Grown.of(
            trial.run, title=one.prompt, outcome=one.words, best=one.answer,
            solved={text: verdict.solved for text, verdict in trial.judge.asked.items()},
        )
        for one, trial in grown
        if trial.run is not None and trial.judge is not None
    ]  # fmt: skip
    if single and trees:
        save(path, svg(trees[0]))
        return
    lines = _lines(found, name)
    if len(found.side.outcomes) > len(trials):
        lines.append(f"{len(found.side.outcomes) - len(trials)} more trees are not drawn.")
    save(path, page(trees, title=title.capitalize(), lines=lines))


def _code(found: Solved) -> int:
    outcomes = found.side.outcomes
    if not found.done:
        return faults.INTERRUPTED
    if all(one.failure for one in outcomes):
        faults.say("every problem failed; the first: " + outcomes[0].failure)
        return faults.FAILED
    if all(one.answer is None for one in outcomes):
        faults.say("the budget ended before one token was produced: give more with -b")
        return faults.UNFED
    return 0
