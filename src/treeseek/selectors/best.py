"""The best score, over all candidates or over the answers that come often enough."""

from collections.abc import Sequence
from typing import Annotated

from treeseek.options import Range
from treeseek.selectors.pool import Pooled
from treeseek.selectors.selector import Choice, answers, ranked, selector


@selector("best-of-n")
def best(
    candidates: Sequence[Pooled], *, by: Annotated[str, "score that ranks"] = "score"
) -> list[Choice]:
    """The answer of the candidate with the highest score (best of n).

    Exact where the score is: the more candidates, the better. With a noisy score it falls as N
    grows, because it looks for the candidate that fools the scorer. Reference: best-of-n
    """
    return ranked(_standing(candidates, by))


@selector("best-of-majority")
def best_of_majority(
    candidates: Sequence[Pooled],
    *,
    by: Annotated[str, "score that ranks"] = "score",
    threshold: Annotated[float, Range(low=0, high=1), "least share of an answer"] = 0.1,
) -> list[Choice]:
    """The answers with the highest scores among those that at least `threshold` of N give.

    An answer's score is its best candidate's. Where fewer than k answers are that frequent, the
    rest follow, most frequent first. threshold=0 is best. It does not fall as N grows: a rare
    answer that fools the scorer is never looked at. It loses where right answers are rarer than
    the threshold, which is to be of the order of how often the right one is expected.
    Reference: best-of-majority
    """
    standing = _standing(candidates, by)
    least = threshold * len(candidates)
    often = {key for key, group in answers(candidates).items() if len(group) >= least}
    rest = [one for one in standing if one.key not in often]
    rest.sort(key=lambda one: (-one.weight, -one.score))
    return [*ranked(one for one in standing if one.key in often), *rest]


def _standing(candidates: Sequence[Pooled], by: str) -> list[Choice]:
    """Every answer with its best candidate's score and its share of the candidates."""
    scores = [candidate.score(by) for candidate in candidates]
    found = []
    for key, group in answers(candidates).items():
        index = max(group, key=lambda index: scores[index])
        found.append(Choice(key, index, scores[index], len(group) / len(candidates)))
    return found
