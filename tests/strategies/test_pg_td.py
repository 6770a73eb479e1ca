"""PG-TD: completions that are paid for once, and the best of what was found below."""

from typing import Any

from treeseek import LM, Verdict, search, start
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.strategies import pg_td, puct
from treeseek.testing import scripted


def test_pg_td_pays_for_a_completion_once() -> None:
    """The greedy child's completion is its parent's: only the others cost tokens."""
    lm = LM(ToyBackend(integer_hash(4, seed=2), 4), Letters(), name="toy")
    seen: list[str] = []

    class Counts:
        name, version = "counts", "1"

        def verify(self, text: str) -> Verdict:
            seen.extend([text] if text else [])
            return Verdict(0.1, False, terminal=True)

    alone = search([0], model=lm, strategy=pg_td(simulations=1), limit=8, verifier=Counts())
    assert alone.cost.tokens == 7 and len(seen) == 1
    seen.clear()
    run = start([0], model=lm, strategy=pg_td(simulations=40), limit=8, verifier=Counts())
    found = run.run()
    assert len(seen) == len(set(seen)) < 40, "a completion was judged twice"
    whole = {c.token_ids for c in found.candidates}
    assert len(whole) == len(found.candidates) == len(seen)
    rows = {tokens[:end] for tokens in whole for end in range(1, len(tokens))}
    leaves = found.cost.tokens - len(rows)
    assert 0 <= leaves < 40


def test_pg_td_ends_by_itself() -> None:
    lm = LM(ToyBackend(integer_hash(3, seed=2), 3), Letters(), name="toy")
    found = search([0], model=lm, strategy=pg_td(simulations=10**4, width=3), limit=3, n=99)
    assert len(found.candidates) == 27


def test_pg_td_does_not_go_on_from_what_is_lost() -> None:
    class NoB:
        """No answer with a b in it; `foresees` says whether it says so before the end."""

        name, version = "no b", "1"

        def __init__(self, foresees: bool) -> None:
            self.foresees = foresees

        def verify(self, text: str) -> Verdict:
            return Verdict(0.0, False, terminal=not self.foresees or "b" in text or len(text) == 3)

    def found(foresees: bool) -> Any:
        lm = LM(ToyBackend(integer_hash(3, seed=2), 3), Letters(), name="toy")
        return search(
            [0], model=lm, strategy=pg_td(simulations=10**4, width=3), limit=3, n=99,
            verifier=NoB(foresees),
        )  # fmt: skip

    pruned, whole = found(True), found(False)
    texts = {candidate.text for candidate in pruned.candidates}
    assert {text for text in texts if "b" not in text} == {
        x + y + z for x in "ac" for y in "ac" for z in "ac"
    }
    assert len(texts) < len(whole.candidates) == 27
    assert pruned.cost.tokens < whole.cost.tokens


def test_pg_td_trusts_the_best_where_puct_trusts_the_mean() -> None:
    """Behind a one kind of answer is nearly perfect and no other is anything; b is fair."""
    odds = {"z": 0.3, "y": 0.22, "x": 0.2, "u": 0.15, "v": 0.13}
    table = {
        "": {"a": 0.5, "b": 0.5}, "a": odds, "b": odds, **{p + q: odds for p in "ab" for q in odds},
    }  # fmt: skip

    class Peaks:
        name, version = "peaks", "1"

        def __init__(self) -> None:
            self.seen: list[str] = []

        def verify(self, text: str) -> Verdict:
            self.seen += [text] if text else []
            return Verdict(
                0.6 if text[:1] == "b" else 0.9 * (text[:2] == "ay"), False, terminal=True
            )

    def judged(how: Any, exploration: float) -> list[str]:
        judge = Peaks()
        strategy = how(simulations=32, exploration=exploration, width=5, parallel=1)
        search("^", model=scripted(table), strategy=strategy, limit=3, verifier=judge)
        return judge.seen

    shares = [
        sum(text[0] == "a" for text in texts) / len(texts)
        for texts in (judged(pg_td, 4.0), judged(puct, 4.0))
    ]
    assert shares[0] > 0.7 > 0.5 > shares[1]
    # And where little is explored puct comes back to the end it knows, pg-td to no end at all.
    assert len(judged(pg_td, 0.3)) > 20 > 5 > len(judged(puct, 0.3))
