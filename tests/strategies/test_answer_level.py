"""Searches over whole answers and their steps keep the laws of every strategy."""

from typing import Any

from tests.strategies.test_conformance import Letters, Vowels
from treeseek import strategies
from treeseek.decoding.stops import Step
from treeseek.decoding.warp import Warp
from treeseek.requests import How, Verdict
from treeseek.strategies.ab_mcts import Action
from treeseek.testing import StrategySuite

LETTER_B = Step(("b",), tokens=2)


class Ends:
    """Verifier: solved by a last letter d, judged at any prefix by how many there are."""

    name, version = "ends", "1"

    def verify(self, text: str) -> Verdict:
        return Verdict(min(1.0, text.count("d") / 3), text.endswith("d"), False, "more d")


def again(prompt: str, answer: str, feedback: str) -> str:
    """As long as the prompt: the suite's smallest slots hold no more."""
    return (("d" if feedback else "") + answer[-1:] + prompt)[: len(prompt)]


class TestAdaptive(StrategySuite):
    strategy = strategies.ab_mcts_a(answers=9)

    def options(self) -> dict[str, Any]:
        return {"step": LETTER_B}


class TestAdaptiveVerified(StrategySuite):
    strategy = strategies.ab_mcts_a(answers=8, parallel=3, refine=again, arm="beta")
    n = 3

    def options(self) -> dict[str, Any]:
        return {"verifier": Ends()}


class TestAdaptiveScored(StrategySuite):
    strategy = strategies.ab_mcts_m(answers=8, parallel=2, refine=again)

    def options(self) -> dict[str, Any]:
        return {"scorer": Letters()}


class TestMixed(StrategySuite):
    strategy = strategies.ab_mcts_m(answers=8)
    n = 4

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels(), "step": LETTER_B}


class TestActions(StrategySuite):
    strategy = strategies.ab_mcts_a(
        answers=9,
        parallel=2,
        actions=[Action(), Action(How(warp=Warp(temperature=2.0)), again), Action(refine=again)],
    )

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels(), "step": LETTER_B}


class TestOmega(StrategySuite):
    strategy = strategies.omega_prm(k=3, searches=6)
    limit = 8

    def options(self) -> dict[str, Any]:
        return {"verifier": Ends(), "step": Step((), tokens=1)}


class TestParticle(StrategySuite):
    strategy = strategies.particle(particles=4, restarts=1)

    def options(self) -> dict[str, Any]:
        return {"step": LETTER_B}


class TestParticleVerified(StrategySuite):
    strategy = strategies.particle(particles=4, ess=0.5, resample="systematic")

    def options(self) -> dict[str, Any]:
        return {"verifier": Ends(), "step": LETTER_B}


class TestSegments(StrategySuite):
    strategy = strategies.tree_segments(width=5, segment=2, repeats=2)
    limit = 8


class TestSegmentsVerified(StrategySuite):
    strategy = strategies.tree_segments(width=4, segment=3, branch=3, lean=-1.0, restarts=1)
    n = 2

    def options(self) -> dict[str, Any]:
        return {"verifier": Ends()}


class TestRetro(StrategySuite):
    strategy = strategies.retro_search(tries=2, switches=("a",), passes=None)
    limit = 8

    def options(self) -> dict[str, Any]:
        return {"verifier": Ends(), "step": LETTER_B}


class TestRetroGiven(StrategySuite):
    strategy = strategies.retro_search(path=(0, 1, 3, 1, 2), tries=2)

    def options(self) -> dict[str, Any]:
        return {"scorer": Letters(), "step": LETTER_B}


class TestPortfolio(StrategySuite):
    strategy = strategies.portfolio(
        strategies=(
            strategies.best_of_n(n=3),
            strategies.ab_mcts_a(answers=4),
            strategies.sample(),
        ),
        first=3,
    )
    n = 2

    def options(self) -> dict[str, Any]:
        return {"verifier": Vowels(), "step": LETTER_B}
