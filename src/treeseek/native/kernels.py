"""The compiled kernels as Python sees them: C structures and the calls that take them.

Every address in a structure must outlive it; who fills one holds the arrays.
"""

import ctypes
from ctypes import POINTER, Structure, c_double, c_float, c_int, c_int64, c_void_p
from functools import lru_cache
from typing import Any

from treeseek.native.build import Unbuilt, library


class Matrix(Structure):
    """A weight [outputs, inputs] as floats or as bytes and scales, and a bias or NULL."""

    _fields_ = (
        ("weight", c_void_p),
        ("bytes", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
        ("outputs", c_int64),
        ("inputs", c_int64),
    )


class Layer(Structure):
    """One layer's weights and its part of the pool; fields as in decoder.h."""

    _fields_ = (
        ("joint", Matrix),
        ("out", Matrix),
        ("gate", Matrix),
        ("up", Matrix),
        ("down", Matrix),
        ("before", c_void_p),
        ("after", c_void_p),
        ("heads", c_void_p),
        ("keys", c_void_p),
        ("values", c_void_p),
        ("before_eps", c_float),
        ("after_eps", c_float),
        ("heads_eps", c_float),
        ("scale", c_float),
        ("window", c_int64),
    )


class Decoder(Structure):
    """Sizes of a decoder and what is not in its layers; fields as in decoder.h."""

    _fields_ = (
        ("layers", POINTER(Layer)),
        ("count", c_int64),
        ("model", c_int64),
        ("heads", c_int64),
        ("held", c_int64),
        ("width", c_int64),
        ("inner", c_int64),
        ("embedding", c_void_p),
        ("norm", c_void_p),
        ("cosine", c_void_p),
        ("sine", c_void_p),
        ("head", Matrix),
        ("eps", c_float),
    )


class Asked(Structure):
    """What is wanted of some slots in place of their logits; fields as in stream.h's `wanted`."""

    _fields_ = (
        ("count", c_int64),
        ("slots", c_void_p),
        ("starts", c_void_p),
        ("tokens", c_void_p),
        ("logits", c_void_p),
        ("found", c_void_p),
    )


class Endings(Structure):
    """What a draft by places that end alike is made of; fields as in suffix.h."""

    _fields_ = (
        *((name, c_void_p) for name in ("text", "after", "labels", "places", "lengths")),
        *((name, c_int64) for name in ("held", "label", "near", "shortest", "longest", "first")),
        *((name, c_int64) for name in ("most", "alone", "resume", "place", "copied", "budget")),
        ("misses", c_void_p),
        ("levels", c_int64),
        *((name, c_double) for name in ("least", "sure", "resumed", "further")),
    )


class RowsCall(Structure):
    """Rows of one call; fields as in decoder.h."""

    _fields_ = (
        ("rows", c_int64),
        ("tokens", c_void_p),
        ("depths", c_void_p),
        ("paths", c_void_p),
        ("hidden", c_void_p),
        ("kept", c_void_p),
        ("logits", c_void_p),
        ("asked", c_int64),
        ("wanted", POINTER(Asked)),
        ("room", c_void_p),
    )


class VisitTree(Structure):
    """The tree of a PUCT search; fields as in visits.h's `visits`."""

    _fields_ = (
        ("nodes", c_void_p),
        ("size", c_int64),
        ("exploration", c_double),
        ("low", c_double),
        ("high", c_double),
        ("bounded", c_int64),
    )


@lru_cache(maxsize=1)
def kernels() -> Any:
    """The library, compiled if need be. Raises Unbuilt."""
    file = library()
    try:
        found = ctypes.CDLL(str(file))
    except OSError:
        raise Unbuilt(f"{file} cannot be loaded; delete it") from None
    found.decoder_room.argtypes = (POINTER(Decoder), c_int64, c_int)
    found.decoder_room.restype = c_int64
    found.decoder_run.argtypes = (POINTER(Decoder), POINTER(RowsCall), c_int)
    found.decoder_run.restype = None
    found.linear_room.argtypes = (POINTER(Matrix), c_int64)
    found.linear_room.restype = c_int64
    found.linear_run.argtypes = (c_void_p, c_void_p, c_int64, POINTER(Matrix), c_void_p, c_int)
    found.linear_run.restype = None
    found.stream_room.argtypes = (POINTER(Matrix), c_int64, c_int)
    found.stream_room.restype = c_int64
    found.stream_run.argtypes = (POINTER(Asked), c_void_p, POINTER(Matrix), c_void_p, c_int)
    found.stream_run.restype = None
    found.probe_read.argtypes = (c_void_p, c_int64, c_int)
    found.probe_read.restype = c_float
    found.visits_collect.argtypes = (c_void_p, c_int64, c_int64, c_void_p, c_void_p)
    found.visits_collect.restype = c_int64
    found.visits_land.argtypes = (c_void_p, c_int64, *(c_void_p,) * 4)
    found.visits_land.restype = None
    found.suffix_follow.argtypes = (
        *(c_void_p, c_void_p, c_int64),
        *(c_void_p, c_void_p, c_int64, c_void_p, c_void_p),
    )
    found.suffix_follow.restype = c_int
    found.suffix_draft.argtypes = (POINTER(Endings), *(c_void_p,) * 5)
    found.suffix_draft.restype = c_int64
    found.trees_united.argtypes = (c_void_p, *(c_int64,) * 4, *(c_void_p,) * 3)
    found.trees_united.restype = c_int64
    found.trees_counted.argtypes = (c_void_p, c_int64, c_int64, c_double, c_void_p, c_int64)
    found.trees_counted.restype = None
    found.vocabulary_facts.argtypes = (
        *(c_void_p, c_void_p, c_void_p),
        *(c_int64, c_int64, c_int64, c_int),
    )
    found.vocabulary_facts.restype = None
    found.vocabulary_bounds.argtypes = (*(c_void_p,) * 5, c_int64, c_int64)
    found.vocabulary_bounds.restype = None
    return found
