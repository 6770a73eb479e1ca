"""Small mistakes in programs: one operator, constant, comparison or result is changed."""

import ast
import copy
import random
from collections.abc import Iterator

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def mutants(source: str, noise: random.Random, most: int) -> Iterator[str]:
    """At most `most` programs that differ from the source in one place of what is computed."""
    tree = ast.parse(source)
    places = [at for at, node in enumerate(ast.walk(tree)) if _changed(node) is not None]
    for place in noise.sample(places, min(most, len(places))):
        other = copy.deepcopy(tree)
        node = list(ast.walk(other))[place]
        change = _changed(node)
        assert change is not None
        for name, value in change.items():
            setattr(node, name, value)
        mutant = ast.unparse(ast.fix_missing_locations(other))
        assert ast.dump(ast.parse(mutant)) != ast.dump(tree)
        yield mutant


def _changed(node: ast.AST) -> dict[str, object] | None:
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in _SWAPS:
        return {"op": _SWAPS[type(node.op)]()}
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _SWAPS:
        return {"ops": [_SWAPS[type(node.ops[0])](), *node.ops[1:]]}
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return {"value": node.value + 1}
    if isinstance(node, ast.Return) and node.value is not None:
        return {"value": ast.Constant("changed")}
    return None
