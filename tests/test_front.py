"""The front door: many ways in, one result; and mistakes answered before anything runs."""

import asyncio
from typing import Any

import numpy as np
import pytest

from tests.laws.wild import Vowels, gone_wild, same, toy
from treeseek import (
    LM,
    Expand,
    MemoryJournal,
    Progress,
    Result,
    Walk,
    asearch,
    load,
    search,
    search_all,
    start,
    strategies,
    strategy,
    stream,
)
from treeseek.backends.toy import Letters, ToyBackend
from treeseek.errors import (
    BrokenLogits,
    ContextOverflow,
    EmptyPrompt,
    Incompatible,
    InvalidOption,
    TreeseekError,
    UnknownName,
)

OPTIONS = {"strategy": strategies.sample, "n": 4, "limit": 6, "seed": 3, "budget": 20}


def test_every_door_gives_the_same_result() -> None:
    direct = same(search("ab", model=toy(1), **OPTIONS))
    stepped = start("ab", model=toy(1), **OPTIONS)
    while stepped.step():
        assert stepped.progress.tokens <= 20
    streamed = list(stream("ab", model=toy(1), **OPTIONS))
    waited = asyncio.run(asearch("ab", model=toy(1), **OPTIONS))
    (listed,) = search_all(["ab"], model=toy(1), **OPTIONS)
    ids = search([0, 1], model=toy(1), **OPTIONS)
    found = [stepped.result, streamed[-1], waited, listed, ids]
    assert all(same(result) == direct for result in found)
    assert all(isinstance(item, Progress) for item in streamed[:-1])
    assert isinstance(streamed[-1], Result)
    rounds = [item.round for item in streamed[:-1]]
    assert rounds == list(range(1, len(rounds) + 1))


def test_a_search_works_inside_a_running_loop() -> None:
    async def inside() -> Result:
        return search("ab", model=toy(1), **OPTIONS)

    assert same(asyncio.run(inside())) == same(search("ab", model=toy(1), **OPTIONS))


def test_the_same_call_gives_the_same_answer_and_another_seed_another() -> None:
    lm = toy(1)
    first = search("ab", model=lm, **OPTIONS)
    assert same(search("ab", model=lm, **OPTIONS)) == same(first)
    others = {same(search("ab", model=lm, **OPTIONS | {"seed": seed}))[0] for seed in range(9)}
    assert len(others) > 5


def test_few_are_the_first_of_many() -> None:
    few = search("ab", model=toy(1), **OPTIONS | {"n": 3, "budget": None})
    many = search("ab", model=toy(1), **OPTIONS | {"n": 24, "budget": None})
    assert [c.token_ids for c in few.candidates] == [c.token_ids for c in many.candidates[:3]]


def test_a_run_that_is_left_between_steps_has_a_result_too() -> None:
    run = gone_wild(2, toy(1), budget=None)
    run.step()
    assert run.result.cost.tokens == run.progress.tokens
    assert not run.result.budget_spent


def test_a_models_name_is_enough() -> None:
    result = search("ab", model="toy:hash?vocabulary=6&seed=3", **OPTIONS)
    assert result.model == "toy:hash?vocabulary=6&seed=3"
    assert same(result) == same(search("ab", model=load(result.model), **OPTIONS))


def test_the_result_tells_what_was_run_and_is_plain_in_json() -> None:
    result = search("ab", model=toy(1), **OPTIONS)
    said = result.to_json()
    assert said["strategy"] == "sample()" and said["seed"] == 3 and said["run"] == result.run
    assert said["best"] == said["candidates"][0]
    assert said["cost"]["tokens"] == result.cost.tokens <= 20
    assert str(result) == result.best.text == said["best"]["text"]


# Mistakes.


@pytest.mark.parametrize(
    ("wrong", "error", "why"),
    [
        ({"prompt": ""}, EmptyPrompt, "at least one token"),
        ({"prompt": []}, EmptyPrompt, "at least one token"),
        ({"prompt": "123"}, EmptyPrompt, "at least one token"),
        ({"prompt": None}, InvalidOption, "give text or a list of token ids"),
        ({"prompt": 5}, InvalidOption, "give text or a list of token ids"),
        ({"prompt": [0.5]}, InvalidOption, "give text or a list of token ids"),
        ({"prompt": ["a"]}, InvalidOption, "give text or a list of token ids"),
        ({"prompt": [0, 5]}, InvalidOption, "outside the vocabulary 0..4"),
        ({"prompt": [-1]}, InvalidOption, "outside the vocabulary 0..4"),
        ({"prompt": [0] * 12}, ContextOverflow, "shorten it to at most 11"),
        ({"n": 0}, InvalidOption, "n=0: give a whole number of at least 1"),
        ({"n": 1.5}, InvalidOption, "n=1.5"),
        ({"limit": 0}, InvalidOption, "limit=0"),
        ({"limit": "9"}, InvalidOption, "limit='9'"),
        ({"min_tokens": -1}, InvalidOption, "min_tokens=-1"),
        ({"min_tokens": 9, "limit": 3}, InvalidOption, "min_tokens=9 is more than limit=3"),
        ({"seed": 1.5}, InvalidOption, "seed=1.5: give a whole number"),
        ({"seed": "x"}, InvalidOption, "seed='x': give a whole number"),
        ({"key": (1.5,)}, InvalidOption, "key"),
        ({"budget": -1}, InvalidOption, "number of at least 0"),
        ({"budget": "tokens=many"}, InvalidOption, "write tokens=N"),
        ({"budget": 2.5}, InvalidOption, "budget 2.5"),
        ({"strategy": 3}, InvalidOption, "one of treeseek.strategies"),
        ({"strategy": lambda ctx, root: None}, InvalidOption, "one of treeseek.strategies"),
        ({"model": 3}, InvalidOption, "what treeseek.load returned"),
        ({"model": "toy:what"}, UnknownName, "toy:hash"),
        ({"model": "toy:hash?vocabulary=1"}, InvalidOption, "at least 2"),
        ({"model": "toy:hash?size=8"}, InvalidOption, "takes vocabulary, seed, context"),
        ({"stop": 3}, InvalidOption, "stop"),
        ({"stop": ""}, InvalidOption, "not empty"),
        ({"warp": {"top_k": 2}}, InvalidOption, "warp"),
        ({"sampler": "greedy"}, InvalidOption, "sampler"),
        ({"constraint": "json"}, InvalidOption, "constraint"),
        ({"scorer": print}, InvalidOption, "scorer"),
        ({"verifier": print}, InvalidOption, "verifier"),
        ({"journal": []}, InvalidOption, "journal"),
    ],
)
def test_a_wrong_argument_is_a_typed_error_that_says_what_to_do(
    wrong: Any, error: Any, why: str
) -> None:
    lm = toy(1, context=12)
    options = {"prompt": "ab", "model": lm, "limit": 4} | wrong
    with pytest.raises(error, match=why) as caught:
        search(options.pop("prompt"), **options)
    assert isinstance(caught.value, TreeseekError)
    assert lm.backend.spent.computed == 0


def test_wrong_options_of_a_strategy_are_refused_where_it_is_made() -> None:
    for wrong in ({"width": 0}, {"width": 1.5}, {"width": True}, {"breadth": 3}):
        with pytest.raises(InvalidOption, match="beam"):
            strategies.beam(**wrong)


def test_a_limit_is_what_the_context_leaves() -> None:
    result = search([0] * 9, model=toy(1, context=12), strategy=strategies.sample, n=30, limit=99)
    assert max(c.tokens for c in result.candidates) == 3


def test_a_path_that_the_slots_cannot_hold_is_refused_at_the_start() -> None:
    lm = toy(1, slots=10)
    with pytest.raises(ContextOverflow, match="lower limit= or raise slots="):
        search("ab", model=lm, limit=10)
    assert lm.backend.spent.computed == 0
    search("ab", model=lm, limit=9, strategy=strategies.sample, n=9)


def test_a_full_tree_says_so_and_serves_again_after_clear() -> None:
    lm = toy(1, nodes=12)
    with pytest.raises(ContextOverflow, match=r"clear\(\)"):
        search("ab", model=lm, strategy=strategies.sample, n=40, limit=6)
    lm.clear()
    small = search("ab", model=lm, limit=3)
    assert same(small) == same(search("ab", model=toy(1), limit=3))


def test_broken_logits_are_named_not_searched() -> None:
    lm = LM(ToyBackend(np.array([0.0, np.nan, 1.0]), 3), Letters(), name="broken")
    for chosen in (strategies.sample, strategies.beam(width=2), strategies.greedy):
        with pytest.raises(BrokenLogits):
            search("a", model=lm, strategy=chosen, limit=3)


def test_a_token_strategy_is_refused_by_a_model_that_only_samples() -> None:
    lm = toy(1)
    object.__setattr__(lm.backend.capabilities, "tier", "step")
    with pytest.raises(Incompatible, match="choose a strategy of the step tier"):
        search("a", model=lm, strategy=strategies.beam(width=2))


def test_prompts_that_would_share_records_are_refused() -> None:
    with pytest.raises(InvalidOption, match="key= of its own"):
        search_all(["a", "b"], model=toy(1), journal=MemoryJournal())


def test_what_a_strategy_changes_in_its_replies_changes_no_record() -> None:
    @strategy()
    def vandal(ctx: Any, root: Any) -> Any:
        """Empty every list it is given."""
        for _ in range(2):
            (one, two) = yield [Expand(root, k=3), Walk(root, (1, 2))]
            assert len(one.tokens) == 3 and len(two.logprobs) == 2
            one.tokens.clear(), one.logprobs.clear(), two.logprobs.clear()
        ctx.finish(root)

    journal, lm = MemoryJournal(), toy(1)
    for _ in range(2):
        search("a", model=lm, strategy=vandal, journal=journal)
    assert journal.get((), 1, 0)["reply"]["tokens"]


def test_a_callers_verifier_and_scorer_reach_the_strategy() -> None:
    judge = Vowels()
    seen: list[Any] = []

    @strategy()
    def looks(ctx: Any, root: Any) -> Any:
        """Look at what it was given."""
        seen.append((ctx.scorer, ctx.verifier, ctx.n, ctx.limit))
        yield []

    search("a", model=toy(1), strategy=looks, scorer=judge, verifier=judge, n=3, limit=7)
    assert seen == [(judge, judge, 3, 7)]
