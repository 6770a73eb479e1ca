"""Options of strategies: what cannot be is refused where it is known, and the remedy is said."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from treeseek import Mirostat, load, search, strategies, strategy
from treeseek.declare import Strategy
from treeseek.errors import Incompatible, InvalidOption

TOY = "toy:hash?vocabulary=6&seed=3"


def test_options_that_do_not_fit_each_other_are_refused_where_the_strategy_is_made() -> None:
    seen: list[Mapping[str, Any]] = []

    def ordered(**options: Any) -> None:
        seen.append(options)
        if options["low"] > options["high"]:
            raise InvalidOption("between: make low at most high.")

    @strategy(check=ordered)
    def between(ctx: Any, root: Any, *, low: int = 2, high: int = 5) -> Any:
        """Do nothing between two numbers."""
        yield []

    assert repr(between(low=4)) == "between(low=4, high=5)"
    with pytest.raises(InvalidOption, match="at most high"):
        between(low=6)
    with pytest.raises(InvalidOption, match="give a whole number"):
        between(high="5")
    assert seen == [{"low": 4, "high": 5}, {"low": 6, "high": 5}], (
        "options are checked one by one first"
    )


class Even:
    """A function of a node that prints as Python prints any object."""

    def __call__(self, node: Any) -> float:
        return 0.0


def test_a_strategy_prints_no_address_and_equals_what_has_equal_options() -> None:
    one, other = strategies.best_first(priority=Even()), strategies.best_first(priority=Even())
    assert repr(one) == repr(other) and "Even object" in repr(one) and "0x" not in repr(one)
    assert one != other and one == one and {one: 1}[one] == 1
    same = strategies.best_first(priority=one.options["priority"])
    assert one == same and hash(one) == hash(same)
    assert one != strategies.beam() and one != "best-first"


@pytest.mark.parametrize("width", [5, 2])
def test_groups_that_share_no_beams_evenly(width: int) -> None:
    with pytest.raises(InvalidOption, match=rf"width={width}, groups=4.*make width a multiple"):
        strategies.diverse_beam(width=width)


@pytest.mark.parametrize(
    ("factory", "option"),
    [
        (strategies.beam, "length_penalty"),
        (strategies.diverse_beam, "length_penalty"),
        (strategies.diverse_beam, "penalty"),
        (strategies.adadec, "threshold"),
        (strategies.puct, "exploration"),
    ],
)
def test_what_is_no_number_is_refused(factory: Any, option: str) -> None:
    with pytest.raises(InvalidOption, match=rf"{option}=nan\): give a number"):
        factory(**{option: math.nan})


@pytest.mark.parametrize(
    ("made", "options", "remedy"),
    [
        (strategies.beam(width=2), {"n": 3}, "widen to 3"),
        (strategies.diverse_beam(width=2, groups=2), {"n": 3}, "widen to 3"),
        (strategies.stochastic_beam(width=2), {"n": 3}, "widen to 3"),
        (strategies.best_of_n(n=2), {"n": 3}, "set n=3"),
        (strategies.puct(value="scorer"), {}, "a scorer=, or choose value='confidence'"),
        (strategies.puct(value="verifier"), {}, "a verifier=, or choose value='confidence'"),
        (strategies.beam(), {"sampler": Mirostat()}, "leave sampler= out, or choose a strategy"),
        (strategies.greedy(), {"min_tokens": 9, "limit": 3}, "limit=3: lower it"),
    ],
)
def test_what_only_the_search_knows_is_refused_with_the_remedy(
    made: Strategy, options: dict[str, Any], remedy: str
) -> None:
    lm = load(TOY)
    with pytest.raises((InvalidOption, Incompatible), match=remedy):
        search("ab", model=lm, strategy=made, **options)
    assert lm.backend.spent.computed == 0
