"""`treeseek compare`: accuracy against tokens, with the controls that a search has to beat."""

import os
from typing import Any

import click

from treeseek.cli import faults, recipe
from treeseek.cli.choice import SearchCommand, entered, strategy_options
from treeseek.cli.judged import budgets_of, equipped, holding, judged_options, settings, standing
from treeseek.cli.output import as_text
from treeseek.cli.report import drawable, leader, table, table_options, write
from treeseek.cli.screen import screen
from treeseek.cli.solve import task_words
from treeseek.cli.spelling import spelled, split
from treeseek.cli.stepping import step_all
from treeseek.solving.comparison import Comparison
from treeseek.solving.contest import extent
from treeseek.solving.front import check_budgets, contenders, contest


@click.command(cls=SearchCommand)
@click.argument("task", metavar="TASK|FILE")
@strategy_options(None, "Strategies, with commas between, as in beam,puct(width=8).")
@click.option(
    "-b", "--budget", default="150,400,1k", show_default=True, metavar="TOKENS,...",
    help="Budgets of charged tokens a problem.",
)  # fmt: skip
@judged_options(100)
@table_options
@click.option("-q", "--quiet", is_flag=True, help="Nothing but answers and errors.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@recipe.recipe_options
@recipe.dry_run_option
def compare(task: str, **options: Any) -> int:
    """Compare strategies at equal tokens, and with what the tokens buy without a search.

    Every strategy gets every budget on every problem, and so do its controls: best-of-N, chosen
    from by the same verifier or scorer; the majority of its draws; one of them at random; and,
    where searches may ask whether a step is legal, draws that end at the first illegal step (and,
    beside a strategy that prunes tokens, draws of legal tokens alone). Shares and differences come
    with 95 % intervals, differences are paired over the problems, and who loses is said to lose.
    Budgets are equal problem by problem, which is the point: to share one budget over problems take
    treeseek solve --allocator. Interrupted, it reports the problems that all have ended.

    \b
    Examples:
      treeseek compare countdown -s best-first,puct -b 150,400 --problems 50
      treeseek compare countdown -o numbers=3 -s "beam(width=4),puct" --plot curve.svg
      treeseek compare --config recipes/countdown-four.toml --json > comparison.json
    """  # fmt: skip
    as_json, csv, plot = (options.pop(name) for name in ("as_json", "csv", "plot"))
    made, strategies = entered(task, split(options["strategy"]), options.pop("assignments"))
    budgets = budgets_of(options["budget"])
    check_budgets(budgets)
    drawable(plot)
    if options.pop("dry_run"):
        words = {
            "task": task_words(made), **options, "csv": csv, "plot": plot,
            "strategy": [spelled(one.name, one.options) for one in strategies],
        }  # fmt: skip
        entrants = contenders(strategies, verifier=options["verifier"])
        cost = extent(options["problems"], len(entrants), budgets)
        cost["charged_tokens_at_most"] = cost.pop("most")
        recipe.show("compare", words, cost, as_json=as_json)
        return 0
    del options["strategy"], options["budget"]
    with screen(options.pop("quiet")) as board:
        weak = options.pop("allow_weak")
        made = holding(made, weak=weak)
        given = settings(options, made, board.note)
        strategies, held = equipped(
            strategies, made, weak=weak, note=board.note,
            seed=given["seed"], problems=given["problems"],
        )  # fmt: skip
        run = contest(made, strategies=strategies, budgets=budgets, **given, **options)
        names = ", ".join(one.name for one in strategies)
        title = f"{names} on {made.name}, {given['model'].name}"
        step_all(run, board, lambda: standing(run.series.tally, title, leader(run.comparison)))
    found = run.comparison
    if as_json:
        click.echo(as_text({**found.to_json(), "sandbox": held}))
    else:
        click.echo(table(found, styled="NO_COLOR" not in os.environ), nl=False)
    write(found, csv=csv, plot=plot)
    return _code(found)


def _code(found: Comparison) -> int:
    if not found.done:
        return faults.INTERRUPTED
    of = len(found.rows) * found.problems
    if len(found.failures) == of:
        faults.say("every search failed; the first: " + found.failures[0].reason)
        return faults.FAILED
    return 0
