"""The nodes a search was shown: handles, paths, names and texts.

A handle is the n-th node this search was shown, so it is the same after a restart. Everything here
is known from prompts and replies; the shared tree is never looked at.
"""

from collections.abc import Container, Iterable, Sequence
from itertools import accumulate

from treeseek.decoding.stops import stop_at
from treeseek.requests import Node
from treeseek.runs import STRIDE
from treeseek.settings import Settings
from treeseek.tree import child_name, path_name


class Shown:
    """Columns by handle, and the one index from a parent and a token to a handle."""

    def __init__(self, prompt: Sequence[int], settings: Settings) -> None:
        """Show the root of `prompt`, handle 0."""
        self.settings = settings
        self.roots: dict[int, list[int]] = {0: list(prompt)}
        self.parents = [-1]
        self.token = [prompt[-1] if len(prompt) else -1]
        self.totals = [0.0]
        self.depths = [0]
        self.logprobs = [0.0]
        self._kin: dict[int, range | dict[int, int]] = {}
        """Children by parent: a run of handles until one is looked up by its token. A node that
        is not in here has no child but the next handle, where that says so."""
        self._names: dict[int, int] = {0: path_name(prompt)}
        self._limits: dict[int, int] = {}
        self.strings = bool(settings.stop.strings)
        self._stops = self.strings or bool(settings.stop.tokens)
        self.root = Node(0, self.token[0], 0.0, 0.0, 0.0, 0, None)

    def child(self, parent: int, token: int, logprob: float) -> int:
        """Handle of the node one `token` after `parent`, shown now or before."""
        parents, new = self.parents, len(self.parents)
        if self._has_children(parent):
            if (handle := self._by_token(parent).setdefault(token, new)) != new:
                return handle
        elif new > parent + 1:
            self._kin[parent] = range(new, new + 1)
        parents.append(parent)
        self.token.append(token)
        self.logprobs.append(logprob)
        self.totals.append(self.totals[parent] + logprob)
        self.depths.append(self.depths[parent] + 1)
        return new

    def shown(self, parent: int, token: int) -> int | None:
        """Handle of the node one `token` after `parent` if the search was shown it before."""
        return self._by_token(parent).get(token) if self._has_children(parent) else None

    def _has_children(self, parent: int) -> bool:
        return parent in self._kin or self.parents[parent + 1 : parent + 2] == [parent]

    def _by_token(self, parent: int) -> dict[int, int]:
        kin = self._kin.get(parent)
        if not isinstance(kin, dict):
            if kin is None:
                kin = range(parent + 1, parent + 1 + self._has_children(parent))
            kin = self._kin[parent] = {self.token[handle]: handle for handle in kin}
        return kin

    def name(self, node: Node) -> int:
        """The node's 128-bit name."""
        return self.name_of(node.handle)

    def names_of(self, handles: Iterable[int]) -> list[int]:
        """The 128-bit names behind `handles`."""
        names = self._names
        return [names.get(handle) or self.name_of(handle) for handle in handles]

    def name_of(self, handle: int) -> int:
        """The 128-bit name behind `handle`, found without recursion."""
        names, chain = self._names, []
        while (name := names.get(handle)) is None:
            chain.append(handle)
            handle = self.parents[handle]
        for below in reversed(chain):
            name = names[below] = child_name(name, self.token[below])
        return name

    def path_tokens(self, handle: int) -> list[int]:
        """Tokens from the search's root (or the derived root) to `handle`."""
        tokens = []
        while self.parents[handle] >= 0:
            tokens.append(self.token[handle])
            handle = self.parents[handle]
        return tokens[::-1]

    def path_logprobs(self, handle: int) -> list[float]:
        """Log-probability of each of `path_tokens(handle)`, the model's own."""
        logprobs = []
        while self.parents[handle] >= 0:
            logprobs.append(self.logprobs[handle])
            handle = self.parents[handle]
        return logprobs[::-1]

    def origin(self, handle: int) -> list[int]:
        """Tokens of the prompt that `handle` continues: the search's own or a derived one."""
        while self.parents[handle] >= 0:
            handle = self.parents[handle]
        return self.roots[handle]

    def text(self, handle: int) -> str:
        """Text from the search's root (or the derived root) to `handle`, without an end token."""
        tokens = self.path_tokens(handle)
        if tokens and tokens[-1] in self.settings.ends:
            tokens.pop()
        return self.settings.text(self.origin(handle), tokens)

    def parent(self, node: Node) -> Node:
        """The node before `node`."""
        above = self.parents[node.handle]
        return self.node(above) if above >= 0 else node

    def node(self, handle: int, end: str | None = None) -> Node:
        """A fresh Node for `handle`."""
        logprob = self.logprobs[handle]
        total, depth = self.totals[handle], self.depths[handle]
        if end is None:
            if self._stops or self._limits or depth >= self.settings.limit or not depth:
                end = self.end_of(handle)
            elif self.token[handle] in self.settings.ends:
                end = "end"
        return Node(handle, self.token[handle], logprob, logprob, total, depth, end)

    def end_of(self, handle: int) -> str | None:
        """Why the search cannot go on from `handle`, or None."""
        if self.parents[handle] < 0:
            return None
        token, settings = self.token[handle], self.settings
        if token in settings.ends:
            return "end"
        if self._stops and (
            token in settings.stop.tokens
            or (self.strings and stop_at(self.text(handle), settings.stop) is not None)
        ):
            return "stop"
        return "limit" if self.depths[handle] >= self.limit(handle) else None

    def limit(self, handle: int) -> int:
        """Most tokens that may stand between the root of `handle` and a node below it."""
        if not self._limits:
            return self.settings.limit
        while self.parents[handle] >= 0:
            handle = self.parents[handle]
        return self._limits.get(handle, self.settings.limit)

    def along(self, handle: int, tokens: Sequence[int], logprobs: Sequence[float]) -> int:
        """Handle of the node reached from `handle` by `tokens`, all shown now or before."""
        if len(tokens) == 1 == len(logprobs):
            return self.child(handle, tokens[0], logprobs[0])
        parents, known = self.parents, self.token
        tokens, at, count, step = list(tokens), 0, min(len(tokens), len(logprobs)), STRIDE
        while at < count:
            below = handle + 1
            if step:  # long runs are compared in slices
                stop = below + min(step, count - at)
                same = known[below:stop] == tokens[at : at + stop - below]
                if same and parents[below:stop] == [*range(handle, stop - 1)]:
                    at, handle = at + stop - below, stop - 1
                else:
                    step = step // 2 if step > 4 else 0
                continue
            if below < len(parents) and parents[below] == handle and known[below] == tokens[at]:
                handle = below
            elif (found := self.shown(handle, tokens[at])) is not None:
                handle = found
            else:
                break
            at += 1
        return self._run(handle, tokens[at:count], logprobs[at:count]) if at < count else handle

    def _run(self, handle: int, tokens: Sequence[int], logprobs: Sequence[float]) -> int:
        """Show `tokens` one after another behind `handle`, the first of them a new child of it."""
        low, count = len(self.parents), len(tokens)
        if self._has_children(handle):
            self._by_token(handle)[tokens[0]] = low
        elif low > handle + 1:
            self._kin[handle] = range(low, low + 1)
        depth = self.depths[handle]
        self.parents += [handle, *range(low, low + count - 1)]
        self.token += tokens
        self.logprobs += logprobs
        self.totals += [*accumulate(logprobs, initial=self.totals[handle])][1:]
        self.depths += range(depth + 1, depth + 1 + count)
        return low + count - 1

    def children(
        self, parent: int, tokens: Sequence[int], logprobs: Sequence[float]
    ) -> Sequence[int]:
        """Handles of the children of `parent`, all at once where none was shown before."""
        if self._has_children(parent):
            return [self.child(parent, *pair) for pair in zip(tokens, logprobs, strict=True)]
        low, count, total = len(self.parents), len(tokens), self.totals[parent]
        handles = range(low, low + count)
        self._kin[parent] = handles
        self.parents += [parent] * count
        self.token += tokens
        self.logprobs += logprobs
        self.totals += [total + logprob for logprob in logprobs]
        self.depths += [self.depths[parent] + 1] * count
        return handles

    def born(
        self, handles: Sequence[int], logprobs: Sequence[float], scores: Sequence[float]
    ) -> list[Node]:
        """Nodes of `handles`, children of one parent, by what their reply said."""
        if not handles:
            return []
        parent, tokens, ends = self.parents[handles[0]], self.token, self.settings.ends
        depth, total = self.depths[parent] + 1, self.totals[parent]
        simple = not self._stops and depth < self.limit(parent)
        return [
            Node(handle, token := tokens[handle], logprob, score, total + logprob, depth,
                 ("end" if token in ends else None) if simple else self.end_of(handle))
            for handle, logprob, score in zip(handles, logprobs, scores, strict=True)
        ]  # fmt: skip

    def derive(self, tokens: list[int]) -> Node:
        """A new root for the prompt `tokens`."""
        handle = len(self.parents)
        self._limits[handle] = self.settings.reach(tokens, self.settings.limit)
        self.roots[handle] = list(tokens)
        self._names[handle] = path_name(tokens)
        self.parents.append(-1)
        self.token.append(tokens[-1])
        self.logprobs.append(0.0)
        self.totals.append(0.0)
        self.depths.append(0)
        return self.node(handle)

    def open_leaves(self, most: int, taken: Container[int]) -> list[Node]:
        """Open leaves, best mean log-probability first, at most `most` of them, none `taken`."""
        inner = set(self.parents)
        nodes = [
            self.node(handle)
            for handle in range(1, len(self.parents))
            if handle not in inner and handle not in taken and self.parents[handle] >= 0
        ]
        nodes.sort(key=lambda node: (-node.total / node.depth, node.handle))
        return nodes[:most]
