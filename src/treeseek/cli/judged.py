"""What the verbs that run a task share: their options, what these mean, and how a series stands."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import click

from treeseek import registry
from treeseek.cli.choice import selector_of
from treeseek.cli.law import law, law_options, loaded, model_options, number_option
from treeseek.cli.screen import Standing, spending
from treeseek.cli.spelling import made, read
from treeseek.declare import Strategy
from treeseek.errors import InvalidOption
from treeseek.model import LM
from treeseek.options import options_of
from treeseek.requests import Reader, Scorer
from treeseek.solving.judging import Patient
from treeseek.solving.programs import armed, unarmed
from treeseek.solving.trials import Tally
from treeseek.tasks.protocol import Problem, Task

_PLACES = ("lm", "prompt", "verifier")
"""What a scorer is given by the problem that it scores answers to."""


def judged_options(problems: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Model, law, and all that says on which problems and how answers are chosen."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            law_options,
            number_option("--seed", 0, "Seed of the problems and of all noise."),
            click.option(
                "--limit", type=click.IntRange(1),
                help="Longest answer in tokens.  [default: what the task says]",
            ),
            click.option(
                "--scorer", default="auto", show_default=True, metavar="NAME",
                help="Who scores prefixes and answers: a name, none, or auto: the model itself "
                "where it can.",
            ),
            click.option(
                "--selector", metavar="NAME",
                help="How the answer is chosen.  [default: by the verifier; without it, by rank]",
            ),
            click.option(
                "--verifier/--no-verifier", default=True,
                help="Whether searches may ask the verifier; answers are judged by it either way.",
            ),
            click.option(
                "--allow-weak", is_flag=True,
                help="Hold programs by limits on resources alone where nothing stronger is there.",
            ),
            number_option("--problems", problems, "How many.", low=1),
            model_options,
        ):  # fmt: skip
            function = option(function)
        return function

    return decorate


def settings(
    options: dict[str, Any], task: Task, note: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """What `options` mean to the library, the model loaded; taken out of them."""
    warp = law(options)
    selector = options.pop("selector")
    lm = loaded(options, note)
    return {
        "model": lm,
        "warp": warp,
        "scorer": _scorer(options.pop("scorer"), lm, task, shown=options["verifier"]),
        "selector": None if selector is None else selector_of(selector),
        **{name: options.pop(name) for name in ("problems", "verifier", "limit", "seed")},
    }


def _scorer(
    name: str, lm: LM, task: Task, *, shown: bool
) -> Callable[[Problem], Scorer | Reader] | None:
    if name == "none":
        return None
    own = lm.value
    if name == "auto":
        return None if own is None else lambda _: own
    kind_name, given = read(name)
    kind = registry.find("scorers", kind_name)
    known = options_of(kind)
    own_options = {key: option for key, option in known.items() if key not in _PLACES}
    if "verifier" in known and not shown:
        raise InvalidOption(
            f"--scorer {name} asks the verifier, which --no-verifier hides: leave one of them out."
        )
    missing = [
        key
        for key, option in own_options.items()
        if option.default is inspect.Parameter.empty and key not in given
    ]
    if missing:
        raise InvalidOption(
            f"--scorer {name}: it needs {', '.join(missing)}, which words cannot give: use it from "
            "Python, or choose another scorer."
        )
    made(kind_name, dict, own_options, given)  # refused before anything runs

    places: dict[str, Callable[[Problem], Any]] = {
        "lm": lambda _: lm,
        "prompt": lambda problem: problem.prompt,
        "verifier": lambda problem: Patient(task.verifier(problem)),
    }

    def scorer(problem: Problem) -> Scorer:
        here = {key: place(problem) for key, place in places.items() if key in known}
        made_here: Scorer = made(
            kind_name, lambda **options: kind(**here, **options), own_options, given
        )
        return made_here

    return scorer


Held = dict[str, Any] | None
"""Who holds the programs that are run, as a record says it; None where none are."""


def holding(task: Task, *, weak: bool) -> Task:
    """`task`, whose programs, if it has any, may be held by limits alone where `weak` says so."""
    field: Any = task
    return replace(field, allow_weak=True) if weak and hasattr(task, "allow_weak") else task


def equipped(
    strategies: Sequence[Strategy],
    task: Task,
    *,
    weak: bool,
    seed: int,
    problems: int,
    note: Callable[[str], None],
) -> tuple[list[Strategy], Held]:
    """`strategies`, of which those that run programs are given the strongest sandbox there is.

    Who holds programs, those that are answers to `task` included, is noted once, and what that
    leaves open. Raises NoSandbox where a strategy needs one.
    """
    found, sandbox = list(strategies), None
    for place, one in enumerate(found):
        if unarmed(one):
            from treeseek.verifiers.output import Output

            output = Output(allow_weak=weak or getattr(task, "allow_weak", False))
            found[place], sandbox = armed(one, output), output.sandbox
    sandbox = sandbox or _sandbox_of(task, seed, problems)
    if sandbox is None:
        return found, None
    tier = sandbox.tier
    note(f"programs are held by {tier.name}, which does not stop: {'; '.join(tier.leaves)}")
    return found, {"tier": tier.name, "leaves": list(tier.leaves)}


def _sandbox_of(task: Task, seed: int, problems: int) -> Any:
    """What holds the programs that are answers to `task`; None where they are none."""
    try:
        posed = task.problems(seed, problems if hasattr(task, "allow_weak") else 1)
    except Exception:
        return None  # the run says so itself
    for problem in posed:
        try:
            if (sandbox := getattr(task.verifier(problem), "sandbox", None)) is not None:
                return sandbox
        except Exception:
            continue  # the problem says so itself
    return None


def budgets_of(words: str) -> list[int]:
    """The budgets of charged tokens in "150,400,1k"; raises InvalidOption."""
    from treeseek.budget import Budget

    found = []
    for part in words.split(","):
        budget = Budget.of(part.strip())
        if budget.tokens is None:
            raise InvalidOption(f"-b {words}: budgets here are tokens, as in -b 150,400,1k.")
        found.append(budget.tokens)
    return found


def standing(tally: Tally, title: str, best: str = "") -> Standing:
    """How a series stands, for a screen."""
    spent = tally.charged / tally.most if tally.most else None
    done = max(tally.ended / tally.searches, spent or 0.0)
    left = tally.seconds * (1 - done) / done if done else None
    facts = (
        *spending(tally.charged, tally.most, tally.computed, tally.seconds),
        f"{tally.ended:,} of {tally.searches:,} searches ended",
        f"{tally.seconds:.0f} s" + ("" if left is None else f", about {left:.0f} s left"),
    )
    return Standing(title, spent, facts, best or tally.best)
