"""Two models that take turns by sentence: the large one leads, the small one goes on."""

from dataclasses import dataclass
from typing import Annotated

from treeseek.declare import Search, strategy
from treeseek.live import Context
from treeseek.options import Range
from treeseek.requests import How, Node, Sample
from treeseek.strategies.steps import SENTENCE

_SAME = How()


@dataclass(slots=True)
class Text:
    """A text in two hands: its tokens, those of the large model, and whether it was led."""

    node: Node
    number: int
    sentences: int = 0
    tokens: int = 0
    large: int = 0
    led: bool = False


@strategy("foreal-decoding", tier="step")
def foreal(
    ctx: Context,
    root: Node,
    *,
    small: Annotated[How, "the small model, as How(model=...); its name in words"] = _SAME,
    lead: Annotated[int, Range(low=1), "tokens of a sentence the large model writes at most"] = 8,
    gate: Annotated[float, Range(low=0, high=1), "probability that it leads a sentence"] = 1.0,
) -> Search:
    """Let the search's own model, the large one, lead a sentence and the small one finish it.

    Each sentence is led with probability `gate`: then the large model writes its first `lead`
    tokens, the small one the rest; else the small one writes it all. As many answers as are wanted,
    side by side, not those of either model: nothing here is lossless. Cost: one charged node a
    token, and on every turn the cache of what the other wrote. Score `large` of a candidate: the
    share of tokens the large model wrote. It loses where what matters stands late in a sentence.
    Deviation: a sentence ends by its mark and a blank, or a line. Reference: foreal-decoding
    """
    texts = live = [Text(root, number) for number in range(ctx.n)]
    try:
        while live:
            leads = [
                not text.led and ctx.rng("gate", text.number, text.sentences).random() < gate
                for text in live
            ]
            replies = yield [
                Sample(text.node, until=SENTENCE.stop, limit=lead)
                if leading
                else Sample(text.node, until=SENTENCE.stop, how=small)
                for text, leading in zip(live, leads, strict=True)
            ]
            for text, leading, reply in zip(live, leads, replies, strict=True):
                (run,) = reply.continuations
                text.node, new = run.node, len(run.tokens)
                text.tokens, text.large = text.tokens + new, text.large + leading * new
                text.led = leading and run.reason == "limit"
                text.sentences += not text.led
            live = [text for text in live if not text.node.is_end]
    finally:
        for text in texts:
            if text.tokens:
                ctx.finish(text.node, large=text.large / text.tokens)
