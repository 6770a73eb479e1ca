"""All problems in one search, whose budget an allocator shares out among them.

The problems keep their prompts, verifiers and answers; what they no longer have is a budget each.
Their prompts are given and cost nothing, as they do where each problem is searched by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from treeseek.allocators.arms import Judging, Posed
from treeseek.front import start
from treeseek.result import Candidate, Cost
from treeseek.scheduler import Scheduler
from treeseek.scheduler.seat import Seat
from treeseek.solving.choices import Chooser
from treeseek.solving.judging import Forgiving
from treeseek.solving.programs import reader
from treeseek.solving.trials import Outcome, Trial
from treeseek.tree import child_name, path_name


@dataclass(slots=True)
class Joint(Trial):
    """One search by an allocator, `strategy`, for the problems of `parts`, which do not run.

    A part that cannot be posed is left out, with its failure; a verifier that breaks spoils its
    own problem alone.
    """

    parts: Sequence[Trial] = ()
    posed: list[Trial] = field(default_factory=list)

    def begin(self, scheduler: Scheduler) -> None:
        """Take one seat for all; what prevents a part is recorded with it."""
        on, problems, given = self.on, list[Posed](), list[int]()
        for part in self.parts:
            try:
                problem, names = self._posed(part)
            except Exception as error:
                part.fail(error)
                continue
            problems.append(problem)
            self.posed.append(part)
            given += names
        if not problems:
            return
        try:
            self.run = start(
                problems[0].prompt, model=on.lm, budget=self.budget, n=on.n, limit=on.limit,
                strategy=self.strategy.having(problems=tuple(problems)), seed=on.seed,
                step=on.task.step, warp=on.warp, scorer=problems[0].scorer, key=("together",),
                scheduler=scheduler,
            )  # fmt: skip
            self.run.seat.ledger.waive(given)
        except Exception as error:
            self.fail(error)

    def _posed(self, part: Trial) -> tuple[Posed, list[int]]:
        """A part as a problem of an allocator, and the names of its prompt's nodes."""
        on, task, problem = self.on, self.on.task, part.problem
        tokens = on.lm.encode(problem.prompt)
        on.lm.reach(tokens, on.limit)
        read = reader(self.strategy)
        judge = part.judge = Forgiving(task.verifier(problem), part.memory, read=read)
        names = [path_name(tokens[:1])]
        for token in tokens[1:]:
            names.append(child_name(names[-1], token))
        return Posed(
            problem.prompt,
            judge if on.shown else None,
            lambda text: task.answer(problem, judge.said(text)),
            None if on.scorer is None else on.scorer(problem),
        ), names

    def outcomes(self, choose: Chooser) -> list[Outcome]:
        """The answer that `choose` takes of what was found for each problem, judged."""
        found: list[list[Candidate]] = [[] for _ in self.posed]
        costs = [Cost() for _ in self.posed]
        if self.run is not None:
            for candidate in self.run.candidates():
                if "problem" in candidate.scores:
                    found[int(candidate.scores["problem"])].append(candidate)
            costs = costs_of(self.run.seat, len(self.posed))
        results = []
        known = {id(part): at for at, part in enumerate(self.posed)}
        for part in self.parts:
            at = known.get(id(part))
            if isinstance(part.judge, Forgiving) and part.judge.fault is not None:
                part.fail(part.judge.fault)
            part.failure = part.failure or self.failure
            pool = [] if at is None else found[at]
            cost = Cost() if at is None else costs[at]
            cost.verifier_calls = 0 if part.judge is None else len(part.judge.told)
            results.append(part.chosen(choose, pool, cost))
        return results


def costs_of(seat: Seat, problems: int) -> list[Cost]:
    """What the searches nested in an allocator's were charged, by problem.

    A node is counted for the first that asked for it, so the sum is what the whole was charged.
    """
    costs, counted = [Cost() for _ in range(problems)], set[int]()
    for child in seat.children:
        judging = child.live.strategy
        assert isinstance(judging, Judging)
        new = child.ledger.charged.keys() - counted
        counted |= new
        cost = costs[judging.problem]
        cost.tokens += len(new)
        cost.tokens_reused += child.cost.tokens_reused
    return costs
