"""Votes: each candidate speaks for its answer, all alike or by their scores."""

from collections.abc import Sequence
from typing import Annotated

from treeseek.errors import InvalidOption
from treeseek.selectors.pool import Pooled
from treeseek.selectors.selector import Choice, answers, selector, summed


@selector("self-consistency")
def majority(candidates: Sequence[Pooled]) -> list[Choice]:
    """The answer most candidates give (self-consistency).

    Candidates without an answer do not vote. Exact: the mode of the answers. It loses where the
    model is wrong more often than right on a problem, and no number of candidates mends that.
    Reference: self-consistency
    """
    return summed(candidates, answers(candidates), [1.0] * len(candidates))


@selector("weighted-voting")
def weighted(
    candidates: Sequence[Pooled],
    *,
    by: Annotated[str, "score that a vote weighs, at least 0"] = "score",
) -> list[Choice]:
    """The answer with the largest sum of scores: a vote that weighs what a scorer says.

    With equal scores it is the majority; a score that tells right from wrong beats both the
    majority and the best single score. Raises InvalidOption for a negative score, which would make
    a second vote count against its answer. Reference: weighted-voting
    """
    scores = [candidate.score(by) for candidate in candidates]
    if min(scores) < 0:
        raise InvalidOption(
            f"weighted(by={by!r}): a score is {min(scores):g}, and votes weigh at least 0: "
            "take its exponential, or use best."
        )
    return summed(candidates, answers(candidates), scores)
