"""Tree, slots and scheduler as one machine: searches join, step, finish, are cut short by clears.

Whatever the order of events: slots bound what is warm, addresses say what they said, a row is
computed once while nothing is lost, and every search that ends says what it says alone.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.laws.wild import SEEDS, closure, gone_wild, same, toy
from treeseek.scheduler import Scheduler
from treeseek.tree import ROOT


class Engine(RuleBasedStateMachine):
    slots: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.lm = toy(1, slots=self.slots)
        self.scheduler = Scheduler()
        self.runs = []
        self.computed_before = 0

    @rule(seed=SEEDS, tokens=st.integers(0, 40))
    @precondition(lambda self: sum(not run.ended for _, _, run in self.runs) < 5)
    def join(self, seed: int, tokens: int) -> None:
        run = gone_wild(seed, self.lm, budget=tokens, scheduler=self.scheduler)
        self.runs.append((seed, tokens, run))

    @rule(rounds=st.integers(1, 4))
    def step(self, rounds: int) -> None:
        for _ in range(rounds):
            self.scheduler.step()

    @rule()
    def clear(self) -> None:
        self.lm.clear()
        self.lm.backend.asked.clear()
        self.computed_before = self.lm.backend.spent.computed
        assert self.lm.backend.warm() == len(self.lm.tree) == 0

    @rule(token=st.integers(0, 4))
    @precondition(lambda self: self.slots is not None)
    def evict(self, token: int) -> None:
        node = self.lm.tree.extend(ROOT, [token] * self.slots)
        for _ in self.lm.backend.expand([node]):
            pass

    @rule()
    def finish(self) -> None:
        self.scheduler.run()

    @invariant()
    def slots_bound_what_is_warm(self) -> None:
        if self.slots is not None:
            assert self.lm.backend.warm() <= self.slots

    @invariant()
    def a_row_is_computed_once(self) -> None:
        if self.slots is None:
            computed = self.lm.backend.spent.computed - self.computed_before
            assert computed == len(closure(self.lm.backend.asked))

    @invariant()
    def budgets_hold(self) -> None:
        assert all(run.seat.ledger.tokens <= tokens for _, tokens, run in self.runs)

    @invariant()
    def addresses_stay_valid(self) -> None:
        tree = self.lm.tree
        for _, _, run in self.runs:
            seat = run.seat
            if seat._generations.get(self.lm) != tree.generation:
                continue
            for handle, address in seat._addresses[self.lm].items():
                path = [*seat.live.origin(handle), *seat.live.path_tokens(handle)]
                assert tree.path(address) == path
                assert tree.depth(address) == len(path)

    def teardown(self) -> None:
        self.scheduler.run()
        for seed, tokens, run in self.runs:
            assert same(run.result) == same(gone_wild(seed, toy(1), budget=tokens).run())


class TightEngine(Engine):
    slots = 24


SHORT = settings(max_examples=25, stateful_step_count=20)
Engine.TestCase.settings = TightEngine.TestCase.settings = SHORT
TestEngine = Engine.TestCase
TestTightEngine = TightEngine.TestCase
