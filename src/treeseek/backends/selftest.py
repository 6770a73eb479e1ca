"""Which route a model passes, found by trial at load: trees against the plain forward.

Some families are silently wrong under a tree: they slice a mask by index, bias by slot, or scale by
the longest sequence of the call. So nothing is believed from a name. A small random tree, several
levels and prompts in a call, cold and warm nodes, eviction, is computed by each route and compared;
sliding windows are narrowed meanwhile, so that the trial crosses them. It costs about two short
forwards. Scaling by length shows only past the trained length and is read from the configuration.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from treeseek.backends.calibration import crossover
from treeseek.backends.fused import FusedRoute
from treeseek.backends.graphs import GraphRoute
from treeseek.backends.head import Head, decoder_of
from treeseek.backends.local import LocalBackend
from treeseek.backends.native import NativeLinear, NativeRoute
from treeseek.backends.protocol import Backend, Logits
from treeseek.backends.replay import ReplayBackend
from treeseek.backends.routes import MaskRoute, Route, TreeRoute
from treeseek.backends.split import SplitLinear, SplitRoute
from treeseek.errors import BrokenLogits, Incompatible, NotAModel
from treeseek.native.build import Unbuilt
from treeseek.tree import ROOT

FORKS = ((0, 0), (0, 3), (1, 4), (0, 2), (4, 0), (4, 5))
"""The trial's paths: each begins with this many tokens of an earlier one, then has its own."""
LENGTH = 7
ROUNDS = (((0, 2), (4, 0), (3, 3)), ((1, 6), (2, 6), (0, 4), (5, 6)), ((0, 1), (4, 5), (4, 6)))
"""What is asked, as (path, index); in the end every node of the tree."""
SLOTS = 20
"""Fewer than the trial's tree has nodes, so that some are dropped and computed again."""
WINDOW = 3
WINDOWS = ("sliding_window", "attention_chunk_size", "local_attention", "attention_window_size")
FUSED = ("llama", "mistral", "qwen2", "qwen3")
"""Families whose layers do nothing but what `fused` does, at any depth; others may look alike."""
ROUTES = ("native", "graphs", "fused", "tree", "mask")
"""What is tried, best first; what is left when none will do is replay."""
BY_LENGTH = ("dynamic", "longrope")
TOLERANCE = 1e-4
ROUNDED = 5e-3
"""Error allowed with weights in eight bits, where activations are rounded to some fourteen."""
LOOSE = 0.06
"""Error allowed in half precision, where two right answers differ by a percent or two."""


def serve(
    model: Any,
    *,
    slots: int | None = None,
    nodes: int | None = None,
    eight: bool = False,
    deterministic: bool | None = None,
) -> Backend:
    """A backend for `model` on the best route that agrees with its plain forward.

    `eight` multiplies by weights in eight bits, which those of `model` were rounded to.
    `deterministic` asks for rows whose bits depend on nothing else in a call (True: or refuse;
    False: not where torch is faster; None: where it costs nothing, which is where it is possible).

    `capabilities.path` names the route, `capabilities.notes` says why a better one was not taken.
    Without `slots`, a quarter of the memory is what they may take.
    Raises NotAModel for a model whose rows depend on later tokens, BrokenLogits on NaN,
    Incompatible where what is deterministic cannot be had.
    """
    head = Head(model, decoder_of(model))
    attention = model.config._attn_implementation
    scaled = scaled_by_length(model.config)
    with narrowed(model):
        trial = Trial(model)
        if eight:
            trial.tolerance = max(trial.tolerance, ROUNDED)
        reasons = [f"its rope scaling ({scaled}) depends on the length"] if scaled else []
        for name, make in () if scaled else _candidates(model, head, attention, eight):
            if name not in ROUTES:
                continue
            tried = _attempt(trial, name, make)
            if isinstance(tried, LocalBackend):
                if deterministic and not tried.capabilities.exact:
                    break
                slots = _room(tried) if slots is None else slots
                if deterministic is False and not eight:
                    tried = _loosened(tried, head)
                if eight and isinstance(tried.route, NativeRoute):
                    tried.route.fused.release()
                notes = _notes(model, name, reasons)
                return LocalBackend(tried.head, tried.route, slots=slots, nodes=nodes, notes=notes)
            reasons.append(tried)
        model.set_attn_implementation(attention)
        if deterministic:
            why = "; ".join(reasons) or "its family has no compiled kernels"
            raise Incompatible(
                f"deterministic=True: the rows of {type(model).__name__} would depend on what else "
                f"is in a call ({why}): leave it out, or take a Llama-shaped model in float32 or "
                "int8 on a CPU with a C compiler."
            )
        error = trial.error(ReplayBackend(head, pure=not scaled))
    if not error <= trial.tolerance:
        raise NotAModel(
            f"{type(model).__name__} gives other logits when its prompt is computed again "
            f"(relative error {error:.0e}): it cannot be searched."
        )
    notes = _notes(model, "replay", reasons)
    return ReplayBackend(head, pure=not scaled, slots=slots, nodes=nodes, notes=notes)


class Trial:
    """A small random tree and the logits the plain forward gives at each of its nodes."""

    def __init__(self, model: Any, *, seed: int = 0) -> None:
        """Run the plain forward on the tree's paths, and on their beginnings."""
        rng = random.Random(seed)
        size = model.get_input_embeddings().weight.shape[0]
        paths: list[list[int]] = []
        for source, shared in FORKS:
            begin = paths[source][:shared] if shared else []
            paths.append(begin + [rng.randrange(size) for _ in range(LENGTH - shared)])
        self.paths = paths
        self.truth = self._plain(model, paths)
        precise = next(model.parameters()).dtype in (torch.float32, torch.float64)
        self.tolerance = TOLERANCE if precise else LOOSE
        name = type(model).__name__
        if np.isnan(self.truth).any():
            raise BrokenLogits(
                f"{name} gives NaN on ordinary tokens: its weights are damaged or overflow in this "
                "precision; try dtype='float32', or download it again."
            )
        half = self._plain(model, [path[: LENGTH // 2] for path in paths])
        if difference(half, self.truth[:, : LENGTH // 2]) > self.tolerance:
            raise NotAModel(
                f"{name} gives other logits for a prefix when more tokens follow: it is no causal "
                "language model."
            )

    def error(self, backend: Backend) -> float:
        """Largest difference between the rows of `backend` and the plain forward's."""
        tree = backend.tree
        nodes = [
            [tree.extend(ROOT, path[: index + 1]) for index in range(len(path))]
            for path in self.paths
        ]
        truth = {
            node: self.truth[path, index]
            for path, line in enumerate(nodes)
            for index, node in enumerate(line)
        }
        asked = [[nodes[path][index] for path, index in ask] for ask in ROUNDS]
        worst = 0.0
        for ask in [*asked, list(truth)]:
            for block in backend.expand(ask):
                expected = np.stack([truth[ask[index]] for index in block.index])
                worst = max(worst, difference(block.logits, expected))
        return worst

    @staticmethod
    def _plain(model: Any, paths: Sequence[Sequence[int]]) -> Logits:
        tokens = torch.tensor(paths, device=next(model.parameters()).device)
        with torch.inference_mode():
            logits = model(input_ids=tokens, use_cache=False).logits
        array: Logits = logits.to(device="cpu", dtype=torch.float32).numpy()
        return array


def difference(rows: Logits, truth: Logits) -> float:
    """Largest distance of a row [..., V] from the truth, relative to the truth's largest value.

    Infinite values have to stand in the same places; NaN anywhere is an infinite distance.
    """
    finite = np.isfinite(truth)
    if np.isnan(rows).any() or not np.array_equal(rows[~finite], truth[~finite]):
        return float("inf")
    return float(np.abs(rows[finite] - truth[finite]).max() / np.abs(truth[finite]).max())


@contextmanager
def narrowed(model: Any, width: int = WINDOW) -> Iterator[None]:
    """Meanwhile every sliding window of `model` is `width` tokens wide."""
    holders = {id(m): m for m in model.modules()}
    holders |= {id(m.config): m.config for m in model.modules() if hasattr(m, "config")}
    changed = []
    try:
        for holder in holders.values():
            for name in WINDOWS:
                value = getattr(holder, name, None)
                if isinstance(value, int) and value > width:
                    changed.append((holder, name, value))
                    setattr(holder, name, width)
        yield
    finally:
        for holder, name, value in changed:
            setattr(holder, name, value)


def scaled_by_length(config: Any) -> str | None:
    """Name of a rope scaling that depends on how long the sequence is, None if there is none."""
    rope = getattr(config.get_text_config(decoder=True), "rope_parameters", None) or {}
    kinds = [rope, *(value for value in rope.values() if isinstance(value, dict))]
    return next((k["rope_type"] for k in kinds if k.get("rope_type") in BY_LENGTH), None)


def _candidates(
    model: Any, head: Head, attention: str, eight: bool
) -> Iterator[tuple[str, Callable[[], tuple[Head, Route]]]]:
    """The routes that may serve `model`, by name, and how to make each."""
    decoder = head.decoder
    if model.config.model_type in FUSED:
        if model.dtype == torch.float32 and model.device.type == "cpu":
            yield "native", lambda: _native(model, head, eight)
        if model.device.type == "cuda":
            yield "graphs", lambda: (head, GraphRoute(FusedRoute(model, decoder)))
        yield "fused", lambda: (head, FusedRoute(model, decoder))
    yield "tree", lambda: (head, TreeRoute(model, decoder))
    if getattr(model.config.get_text_config(decoder=True), "layer_types", None):
        yield "mask", lambda: (head, MaskRoute(model, decoder, attention=attention, by_type=True))
    yield "mask", lambda: (head, MaskRoute(model, decoder, attention=attention, by_type=False))


def _native(model: Any, head: Head, eight: bool) -> tuple[Head, Route]:
    fused = FusedRoute(model, head.decoder)
    if head.matrix is None:
        return head, NativeRoute(fused, eight=eight)
    linear = NativeLinear(head.matrix.weight, head.matrix.bias, eight=eight)
    return head.by(linear), NativeRoute(fused, head=linear, eight=eight)


def _loosened(tried: LocalBackend, head: Head) -> LocalBackend:
    """`tried` with torch's products from the number of rows where they are faster."""
    route, linear = tried.route, tried.head.matrix
    if not isinstance(route, NativeRoute) or not isinstance(linear, NativeLinear):
        return tried
    wide = crossover(tried, LocalBackend(head, route.fused))
    if wide is None:
        return tried
    split = SplitLinear(linear, head.matrix, wide)
    return LocalBackend(head.by(split, exact=False), SplitRoute(route, route.fused, wide))


def _attempt(trial: Trial, name: str, make: Callable[[], tuple[Head, Route]]) -> LocalBackend | str:
    """A backend that passed the trial, or why its route cannot be taken."""
    try:
        backend = LocalBackend(*make(), slots=SLOTS)
        error = trial.error(backend)
    except Unbuilt as trouble:
        return f"{name}: {trouble}"
    except Exception as trouble:
        # Whatever a layer raises on what it was not written for: this is not its route.
        return f"{name}: {type(trouble).__name__}"
    return backend if error <= trial.tolerance else f"{name}: relative error {error:.0e}"


def _room(backend: LocalBackend) -> int:
    """Slots that take a quarter of the memory, and at least one whole context."""
    if backend.device.type == "cuda":
        memory = torch.cuda.mem_get_info(backend.device)[0]
    else:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(memory // 4 // backend.pool.slot_bytes(), backend.context or 1)


_HOW = {
    "fused": "without compiled kernels or recorded graphs, some two times slower",
    "mask": "masked",
    "replay": "whole paths are computed again for every row",
}


def _notes(model: Any, route: str, reasons: Sequence[str]) -> tuple[str, ...]:
    """One line where a model is served slower than others of its kind."""
    if route not in _HOW or not reasons:
        return ()
    name = type(model).__name__
    return (f"{name} is served by the {route} route ({_HOW[route]}): {'; '.join(reasons)}.",)
