"""Each search over answers beside the one most like it, where the two choose differently."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from treeseek import LM, load, search, strategies, strategy
from treeseek.backends.toy import Letters as LetterTokens
from treeseek.backends.toy import ToyBackend, integer_hash
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.noise import Rng
from treeseek.requests import How, Verdict, Walk
from treeseek.strategies.ab_mcts import Action
from treeseek.strategies.answer_tree import AnswerTree, adaptive, mixed
from treeseek.strategies.boundaries import boundaries
from treeseek.strategies.posteriors import NormalPrior
from treeseek.strategies.tree_segments import repeating, shared
from treeseek.testing import scripted

TOKEN = Step((), tokens=1)


class Prefixed:
    """Verifier: the share of the text that is the beginning of `wanted`; foresees nothing."""

    name, version = "prefixed", "1"

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted

    def verify(self, text: str) -> Verdict:
        right = 0
        while right < len(self.wanted) and text[right : right + 1] == self.wanted[right]:
            right += 1
        return Verdict(right / len(self.wanted), text == self.wanted, True, f"{right} right")


class Worth:
    """Scorer: what a table says of the text, a half where it says nothing."""

    name, version = "worth", "1"

    def __init__(self, table: dict[str, float]) -> None:
        self.table = table

    def score(self, texts: Sequence[str]) -> list[float]:
        return [self.table.get(text, 0.5) for text in texts]


# Adaptive branching.

QUARTERS = dict.fromkeys("abcd", 0.25)
EVEN = scripted({"": QUARTERS}, default=QUARTERS)


def solved(chosen: Any, seeds: int = 25, **options: Any) -> int:
    """How often "abcd" is found in 60 tokens."""
    count = 0
    for seed in range(seeds):
        EVEN.clear()
        result = search(
            "^", model=EVEN, strategy=chosen, limit=4, budget=60, seed=seed, step=TOKEN,
            verifier=Prefixed("abcd"), **options,
        )  # fmt: skip
        count += result.best is not None and result.best.text == "abcd"
    return count


@pytest.mark.parametrize("chosen", [strategies.ab_mcts_a(), strategies.ab_mcts_m()])
def test_adaptive_branching_builds_on_what_best_of_n_throws_away(chosen: Any) -> None:
    assert solved(chosen) > solved(strategies.best_of_n(n=60)) + 5


def test_a_prompt_that_refines_is_told_the_answer_and_what_was_wrong_with_it() -> None:
    told = []

    def refine(prompt: str, answer: str, feedback: str) -> str:
        told.append((prompt, answer, feedback))
        return prompt

    solved(strategies.ab_mcts_a(answers=12, refine=refine), seeds=2)
    assert told and {prompt for prompt, _, _ in told} == {"^"}
    for _, answer, feedback in told:
        assert feedback == Prefixed("abcd").verify(answer).feedback


ABLE = scripted({"": QUARTERS}, default={**QUARTERS, "a": 9.0})
"""The same letters; it says a nearly always after the first."""


@pytest.mark.parametrize("kind", [strategies.ab_mcts_a, strategies.ab_mcts_m])
def test_of_several_ways_the_one_that_comes_to_more_is_taken(kind: Any) -> None:
    """Two models are two ways: the abler is asked more often, unless both score the same."""
    ways = [Action(), Action(How(model=ABLE))]

    def share(value: Callable[[str], float]) -> float:
        asked = []

        class Told:
            name, version = "told", "1"

            def score(self, texts: Sequence[str]) -> list[float]:
                asked.extend(texts)
                return [value(text) for text in texts]

        for seed in range(4):
            search(
                "^", model=EVEN, strategy=kind(answers=30, actions=ways), limit=8, seed=seed,
                scorer=Told(),
            )  # fmt: skip
        return sum(text[1:].count("a") >= 5 for text in asked) / len(asked)

    able = share(lambda text: text.count("a") / 8)
    assert able > 0.65 and able > share(lambda text: 0.5) + 0.1


def test_ways_are_given_in_one_form() -> None:
    with pytest.raises(InvalidOption, match="give each Action its refine"):
        strategies.ab_mcts_a(actions=[Action()], refine=lambda *_: "^")


def test_the_mixed_model_leaves_what_no_longer_changes_and_arms_do_not() -> None:
    tree = AnswerTree(bounded=True)
    chain = 0
    for _ in range(5):
        chain = tree.add(chain)
        tree.land(chain, 0.9)
    tree.land(tree.add(0), 0.2)
    assert tree.stale(1) and not tree.stale(6)
    inside = range(1, 6)
    assert not any(mixed(tree, Rng(seed)) in inside for seed in range(60))
    assert sum(adaptive(tree, NormalPrior(), Rng(seed)) in inside for seed in range(60)) > 20


def test_the_mixed_model_learns_from_siblings_and_arms_do_not() -> None:
    """Answers that all score about .6: one more is expected there, by the model of siblings."""
    tree = AnswerTree(bounded=True)
    for nth in range(8):
        tree.land(tree.add(0), 0.6 + 0.01 * nth)
    tree.land(tree.add(1), 0.3)
    wide = [
        sum(choose(Rng(seed)) == 0 for seed in range(300)) / 300
        for choose in (
            lambda rng: mixed(tree, rng),
            lambda rng: adaptive(tree, NormalPrior(), rng),
        )
    ]
    assert wide[1] > wide[0] + 0.2


def test_answers_in_flight_never_outnumber_those_that_landed_by_more_than_one() -> None:
    """Every answer is generated from what was known; nothing is dropped."""
    result = search(
        "^", model=EVEN, strategy=strategies.ab_mcts_a(answers=20, parallel=8), limit=4, step=TOKEN,
        scorer=Worth({}),
    )  # fmt: skip
    assert len(result.candidates) == 20


# The particle filter.

FORK = scripted({"": {"a": 0.5, "b": 0.5}, "a": {"c": 1.0}, "b": {"d": 1.0}})


def test_particles_keep_what_a_beam_drops() -> None:
    """The first step of the better answer scores less: a beam of one never comes to it."""
    scorer = Worth({"a": 0.7, "b": 0.3, "ac": 0.2, "bd": 0.9})
    found: dict[str, set[str]] = {"beam": set(), "particle": set()}
    for seed in range(20):
        for name, chosen in (
            ("beam", strategies.step_beam(beams=1, width=4, restarts=0)),
            ("particle", strategies.particle(particles=4, restarts=0)),
        ):
            result = search("^", model=FORK, strategy=chosen, step=TOKEN, scorer=scorer, seed=seed)
            assert result.best is not None
            found[name].add(result.best.text)
    assert found["beam"] == {"ac"}
    assert found["particle"] == {"ac", "bd"}


def test_weights_are_odds_and_draws_keep_their_shares() -> None:
    from treeseek.strategies.particle import drawn, effective, odds

    assert odds([0.5, 0.8, 0.2], 1.0) == pytest.approx([1 / 5.25, 4 / 5.25, 0.25 / 5.25])
    assert odds([0.9, 0.1], 1e3) == pytest.approx([0.5, 0.5], abs=1e-2)
    assert odds([2.0, -1.0], 1.0)[0] == pytest.approx(1.0)
    assert effective([0.25] * 4) == pytest.approx(4) and effective([1.0, 0.0]) == 1.0
    weights = [0.1, 0.55, 0.05, 0.3]
    for seed in range(50):
        counts = [drawn(weights, 10, Rng(seed), True).count(at) for at in range(4)]
        assert all(abs(n - 10 * w) < 1 for n, w in zip(counts, weights, strict=True))
    many = drawn(weights, 20000, Rng(1), False)
    assert [many.count(at) / 20000 for at in range(4)] == pytest.approx(weights, abs=0.015)


# Segment trees.


def charged(chosen: Any, seed: int) -> tuple[int, int]:
    lm = LM(ToyBackend(integer_hash(6), 6), LetterTokens(), name="endless")
    result = search("ab", model=lm, strategy=chosen, limit=24, seed=seed)
    return result.cost.tokens, len(result.candidates)


def test_segments_share_the_tokens_that_independent_draws_pay_for() -> None:
    """As many answers, a tenth fewer tokens and more, in the mean over seeds."""
    trees, draws = [], []
    for seed in range(30):
        tokens, answers = charged(strategies.tree_segments(width=8, segment=3, repeats=None), seed)
        assert answers == 8
        trees.append(tokens)
        draws.append(charged(strategies.best_of_n(n=8), seed)[0])
    assert sum(trees) < 0.9 * sum(draws)


def test_a_branch_that_repeats_itself_dies_and_a_shallower_one_is_forked() -> None:
    """Half of the beginnings run into a loop; with `repeats` they cost a segment and no more."""
    rows: dict[str, dict[str, float]] = {"": {"a": 0.5, "b": 0.5}}
    lm = scripted(rows | {"b" + "c" * n: {"c": 1.0} for n in range(3)}, default={"a": 1.0})
    loops = {
        repeats: search(
            "^", model=lm, limit=60, seed=2,
            strategy=strategies.tree_segments(width=4, segment=4, repeats=repeats),
        )
        for repeats in (4, None)
    }  # fmt: skip
    assert loops[4].cost.tokens < 0.5 * loops[None].cost.tokens
    assert repeating([1, 2, 1, 2, 1, 2, 1], 3) and not repeating([1, 2, 1, 2, 2, 1], 2)
    assert repeating([5, 5, 5, 5], 4) and not repeating([5, 5, 5, 6], 4)


def test_room_is_shared_by_surprise_once_everybody_goes_on() -> None:
    assert shared([0.0, 0.0, 0.0], 6, 2) == [2, 2, 2]
    assert shared([0.0, 2.0], 5, 4) == [1, 4]
    assert shared([0.0, 9.0, 0.0], 4, 8) == [1, 2, 1]
    assert shared([1.0], 8, 2) == [2]


# Retro-Search.

LONG = scripted(
    {
        "": {"w": 1.0},
        "w": {"a": 0.2, "x": 0.4, "y": 0.4},
        "wa": {"b": 1.0},
        "wab": {"c": 1.0},
        "wabc": {"z": 1.0},
        "wx": {"z": 1.0},
        "wy": {"k": 1.0},
        "wyk": {"z": 1.0},
    },
    default={".": 1.0},
)


class EndsInZ:
    """Verifier: solved by a last z."""

    name, version = "ends in z", "1"

    def verify(self, text: str) -> Verdict:
        return Verdict(float(text.endswith("z")), text.endswith("z"))


def test_retro_search_shortens_an_answer_that_is_right() -> None:
    tokens = LONG.encode("wabcz.")

    def best(*switches: str) -> str:
        chosen = strategies.retro_search(path=tokens, tries=6, switches=switches)
        found = search("^", model=LONG, strategy=chosen, verifier=EndsInZ(), step=TOKEN, seed=1)
        assert found.best is not None
        return found.best.text

    assert best() == "wxz"
    assert best("w", "x") == "wykz"  # though shorter ones were met on the way
    assert best("w", "x", "y") == "wabcz"


def test_retro_search_never_trades_a_right_answer_for_a_shorter_wrong_one() -> None:
    """Best-of-n without a verifier would; here every way on that is shorter is wrong."""
    lm = scripted(
        {"": {"x": 0.9, "y": 0.1}, "x": {"a": 1.0}, "y": {"x": 1.0}, "yx": {"z": 1.0}},
        default={".": 1.0},
    )
    chosen = strategies.retro_search(path=lm.encode("yxz."), tries=6)
    found = search("^", model=lm, strategy=chosen, verifier=EndsInZ(), step=TOKEN)
    assert found.best is not None and found.best.text == "yxz"
    assert any(candidate.text == "xa" for candidate in found.candidates)


def test_boundaries_are_where_steps_would_have_stopped() -> None:
    seen: list[list[str]] = []

    @strategy()
    def cut(ctx: Any, root: Any) -> Any:
        """Walk a text and cut it."""
        (reply,) = yield [Walk(root, tuple(LetterTokens().encode("aabcabd")))]
        nodes = boundaries(ctx, reply.node)
        seen.append([ctx.text(node) for node in nodes])
        after = boundaries(ctx, reply.node, after=nodes[0])
        seen.append([ctx.text(node) for node in after])

    lm = load("toy:hash?vocabulary=6&seed=3")
    search("a", model=lm, strategy=cut(), step=Step(("ab",)))
    search("a", model=lm, strategy=cut(), step=Step(("ab",), tokens=2))
    assert seen[0] == ["aab", "aabcab", "aabcabd"] and seen[1] == ["aabcab", "aabcabd"]
    assert seen[2] == ["aa", "aabc", "aabcab", "aabcabd"]
