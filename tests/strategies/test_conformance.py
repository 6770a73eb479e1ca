"""Every strategy keeps the laws of treeseek.testing, and the suite notices one that does not."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from treeseek import strategies
from treeseek.declare import Search, strategy
from treeseek.decoding.stops import Step
from treeseek.decoding.warp import Warp
from treeseek.live import Context
from treeseek.requests import Expand, Node, Sample, Verdict
from treeseek.testing import StrategySuite


class Vowels:
    """Verifier: half the point for an a, solved by an e after it."""

    name, version = "vowels", "1"

    def verify(self, text: str) -> Verdict:
        return Verdict(("a" in text) / 2, solved="e" in text.partition("a")[2])


class Letters:
    """Scorer: how much of the text is a c; a longer text is worth more."""

    name, version = "letters", "1"

    def score(self, texts: Sequence[str]) -> list[float]:
        return [2.0 * text.count("c") - 3.0 + len(text) / 8 for text in texts]


class Foreseeing:
    """Verifier of prefixes: an f is beyond mending, three c are enough, the last letter matters."""

    name, version = "foreseeing", "1"

    def verify(self, text: str) -> Verdict:
        lost, solved = "f" in text, text.count("c") > 2
        return Verdict(min(1.0, text.count("c") / 3), solved, lost or solved, "", text[-1:])


class Echo:
    """Executor: prints the letters of a text in order, and fails on one that begins with b."""

    name, version = "echo", "1"

    def run(self, text: str) -> str | None:
        return None if text.startswith("b") else "".join(sorted(set(text)))


def heading(prompt: str, tried: Sequence[str]) -> str:
    """A prompt in the letters of the model, as short as the first one."""
    return prompt[:1] + (tried[0][:1] or "a")


PAIRS = Step((), 2)
WARP = Warp(temperature=0.7, repetition_penalty=1.3)


class TestGreedy(StrategySuite):
    strategy = strategies.greedy()


class TestSample(StrategySuite):
    strategy = strategies.sample()
    n = 5


class TestBestOfN(StrategySuite):
    strategy = strategies.best_of_n(n=5)
    n = 2


class TestBestOfNVerified(StrategySuite):
    strategy = strategies.best_of_n(n=5)

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels(), "warp": WARP}


class TestBestOfNScored(StrategySuite):
    strategy = strategies.best_of_n(n=5)

    def options(self) -> dict[str, Any]:
        return {"scorer": Letters(), "stop": "da"}


class TestBeam(StrategySuite):
    strategy = strategies.beam(width=3)
    n = 2


class TestBeamWarped(StrategySuite):
    strategy = strategies.beam(width=2, early_stopping="never", length_penalty=0.4)

    def options(self) -> dict[str, Any]:
        return {"warp": WARP, "min_tokens": 2}


class TestDiverseBeam(StrategySuite):
    strategy = strategies.diverse_beam(width=4, groups=2)


class TestStochasticBeam(StrategySuite):
    strategy = strategies.stochastic_beam(width=3)


class TestStochasticBeamWarped(StrategySuite):
    strategy = strategies.stochastic_beam(width=3)

    def options(self) -> dict[str, Any]:
        return {"warp": WARP}


class TestBestFirst(StrategySuite):
    strategy = strategies.best_first(width=3, leaves=2, expansions=12)
    n = 4


class TestBestFirstVerified(StrategySuite):
    strategy = strategies.best_first(width=4, expansions=12)
    n = 2

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels()}


class TestAdaDec(StrategySuite):
    strategy = strategies.adadec(threshold="learn", trials=3, lookahead=3)


class TestPuct(StrategySuite):
    strategy = strategies.puct(simulations=20, width=3, parallel=3)


class TestPuctVerified(StrategySuite):
    strategy = strategies.puct(simulations=10, width=3, rollouts=3)
    limit = 4

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels()}


class TestPuctScored(StrategySuite):
    strategy = strategies.puct(simulations=12, width=3, parallel=2)

    def options(self) -> dict[str, Any]:
        return {"scorer": Letters()}


class TestBestOfNUntilTheBudget(StrategySuite):
    strategy = strategies.best_of_n(n=None)

    def options(self) -> dict[str, Any]:
        return {"scorer": Letters()}


class TestBestOfNLegal(StrategySuite):
    strategy = strategies.best_of_n(n=4, legal="steps")

    def options(self) -> dict[str, Any]:
        return {"verifier": Foreseeing(), "step": PAIRS}


class TestBestOfNLegalTokens(StrategySuite):
    strategy = strategies.best_of_n(n=4, legal="tokens")

    def options(self) -> dict[str, Any]:
        return {"verifier": Foreseeing()}


class TestSelfConsistency(StrategySuite):
    strategy = strategies.self_consistency()


class TestPal(StrategySuite):
    strategy = strategies.pal(n=6, executor=Echo())


class Stepwise(StrategySuite):
    """Steps of two tokens, judged as they are drawn."""

    __test__ = False
    n = 2

    def options(self) -> dict[str, Any]:
        return {"verifier": Foreseeing(), "step": PAIRS}


class TestStepBeam(Stepwise):
    __test__ = True
    strategy = strategies.step_beam(beams=2, width=3, restarts=1)


class TestStepBeamScored(Stepwise):
    __test__ = True
    strategy = strategies.step_beam(beams=2, width=2)

    def options(self) -> dict[str, Any]:
        return {"scorer": Letters(), "verifier": Vowels(), "step": PAIRS}


class TestPrmBeam(Stepwise):
    __test__ = True
    strategy = strategies.prm_beam(beams=4, width=2, reduce="mean", lookahead=1, depth=2)


class TestDvts(Stepwise):
    __test__ = True
    strategy = strategies.dvts(beams=4, width=2)


class TestTot(Stepwise):
    __test__ = True
    strategy = strategies.tot(beams=2, select="sample")


class TestTotVoting(Stepwise):
    __test__ = True
    strategy = strategies.tot(
        search="dfs", beams=2, width=2, evaluate="vote", votes=2, ask=heading, generate="sample"
    )


class TestAgentBestFirst(Stepwise):
    __test__ = True
    strategy = strategies.agent_best_first(width=2, depth=2, values=5)


class TestAgentBestFirstViewing(Stepwise):
    __test__ = True
    strategy = strategies.agent_best_first(
        width=2, depth=2, values=3, view=lambda prompt, turns: prompt[:1] + "abc"[len(turns)]
    )


class TestDfsdt(Stepwise):
    __test__ = True
    strategy = strategies.dfsdt(depth=2)


class TestDfsdtAsking(Stepwise):
    __test__ = True
    strategy = strategies.dfsdt(depth=2, ask=heading)


class Sums:
    """Verifier that foresees: letters up to a sum, and a state that names it."""

    name, version = "sums", "1"

    def verify(self, text: str) -> Verdict:
        total = sum(map(ord, text)) - 97 * len(text)
        return Verdict(1 / (1 + abs(12 - total)), False, total > 12, str(total), str(total))


STEP = Step(("c",), 2)


class TestMcts(StrategySuite):
    strategy = strategies.mcts(simulations=14, width=3, parallel=3, noise=0.25)

    def options(self) -> dict[str, Any]:
        return {"step": STEP}


class TestMctsScored(StrategySuite):
    strategy = strategies.mcts(simulations=7, width=2, rule="uct", ahead=1, backup="best")

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "scorer": Letters(), "verifier": Sums()}


class TestMctsRollouts(StrategySuite):
    strategy = strategies.mcts(simulations=8, width=3)
    n = 3

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "verifier": Vowels(), "warp": WARP}


class TestRestMcts(StrategySuite):
    strategy = strategies.rest_mcts(simulations=6)

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "scorer": Letters()}


class TestRstar(StrategySuite):
    strategy = strategies.rstar(simulations=5, width=3)

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "verifier": Sums()}


class TestRethinkMcts(StrategySuite):
    strategy = strategies.rethink_mcts(
        simulations=4,
        width=2,
        rethink=lambda prompt, before, thought, said: (prompt + thought)[-2:],
    )

    def options(self) -> dict[str, Any]:
        return {"step": STEP, "verifier": Sums()}


class TestLimitedDiscrepancy(StrategySuite):
    strategy = strategies.limited_discrepancy(completions=6, parallel=2)

    def options(self) -> dict[str, Any]:
        return {"verifier": Foreseeing()}


class TestPgTd(StrategySuite):
    strategy = strategies.pg_td(simulations=12, parallel=3)

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels()}


# Negative controls: three breaches, and the tests that must see them.

CALLS = count()


@strategy()
def by_handle(ctx: Context, root: Node) -> Search:
    """Prefers nodes by their numbers, which is how the engine happened to meet them."""
    node = root
    while not node.is_end:
        (_,) = yield [Expand(node, k=2)]
        (reply,) = yield [Expand(node, k=4)]
        node = min(reply.children, key=lambda child: child.handle)
    ctx.finish(node)


@strategy()
def by_call(ctx: Context, root: Node) -> Search:
    """Remembers something outside its generator."""
    (reply,) = yield [Sample(root, n=2, limit=2 + next(CALLS) % 3)]
    for run in reply.continuations:
        ctx.finish(run.node)


@strategy()
def by_mark(ctx: Context, root: Node) -> Search:
    """Shows more than it asks for: a candidate score that grows with every run."""
    (reply,) = yield [Sample(root)]
    ctx.finish(reply.continuations[0].node, score=float(next(CALLS)))


def breaches(part: object) -> Iterator[str]:
    class Suite(StrategySuite):
        strategy = part  # type: ignore[assignment]

    for name in dir(Suite):
        if name.startswith("test_"):
            try:
                getattr(Suite(), name)()
            except AssertionError:
                yield name


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        (by_handle(), {"test_it_is_a_function_of_replies"}),
        (
            by_call(),
            {
                "test_a_neighbour_changes_nothing",
                "test_it_resumes_from_every_reply",
                "test_shuffled_serving_changes_nothing",
            },
        ),
        (
            by_mark(),
            {
                "test_junk_in_the_tree_and_tiny_slots_change_nothing",
                "test_it_is_a_function_of_replies",
            },
        ),
    ],
    ids=["by_handle", "by_call", "by_mark"],
)
def test_a_breach_is_seen(broken: object, seen: set[str]) -> None:
    assert seen <= set(breaches(broken))
