"""What the prefixes of a search are worth by: what the caller gave, or the model's own confidence.

This file believes that a value of prefixes is the caller's to give, and that a verifier of whole
answers must not be mistaken for one. It does not cover how values are used.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.requests import Node, Request, Verdict, Verify, mean_logprob

SOLVED = 2.0
"""Least merit of a solved verdict."""

Value: TypeAlias = Literal["auto", "scorer", "verifier", "confidence"] | Callable[[Node], float]
Valued: TypeAlias = Annotated[
    Value, "what a prefix is worth; auto: the scorer, else the verifier's score, else confidence"
]


def confidence(node: Node) -> float:
    """Geometric mean of the model's probabilities of the tokens, in [0, 1]."""
    return math.exp(mean_logprob(node))


def merit(verdict: Verdict) -> float:
    """A verdict as one number: its score in [0, 1], and SOLVED more where it is solved."""
    return verdict.score + SOLVED * verdict.solved


def source(ctx: Context, value: Any, order: Sequence[str] = ("scorer", "verifier")) -> Any:
    """`value`, or for "auto" the first of `order` that the caller gave, else "confidence".

    Raises InvalidOption for a scorer or a verifier that the caller did not give.
    """
    given: dict[Any, object] = {"scorer": ctx.scorer, "verifier": ctx.verifier}
    if value == "auto":
        return next((name for name in order if given[name] is not None), "confidence")
    if given.get(value, value) is None:
        raise InvalidOption(
            f"value={value!r}: give the search a {value}=, or choose value='confidence'."
        )
    return value


@dataclass(frozen=True, slots=True)
class Measure:
    """What prefixes are worth by (a `source`), and whether the verifier foresees their ends.

    By "outcomes" ends are worth what the verifier says of them, and other prefixes are not valued.
    """

    source: Any
    foresees: bool


def measure(
    ctx: Context, root: Node, value: Value = "auto"
) -> Generator[list[Request], Any, Measure]:
    """How this search judges prefixes, found by asking the verifier, if there is one, of the root.

    One that calls the root terminal and unsolved judges whole answers only: it is asked of ends
    alone, and "auto" passes over it.
    """
    foresees = False
    if ctx.verifier is not None:
        (reply,) = yield [Verify(root, ctx.verifier)]
        foresees = reply.verdict.solved or not reply.verdict.terminal
    return Measure(source(ctx, value, ("scorer", "verifier")[: 1 + foresees]), foresees)
