"""Muon: steps along the nearest orthogonal matrix of the momentum, for the matrices of a network.

This room believes that a matrix learns fastest when no direction of its step is louder than the
others, and that workers may share that work as they share the batch. It does not cover vectors and
tables of tokens, which stay with AdamW. It stands beside `torch.optim.Muon` because that one turns
matrices in bfloat16, which a processor without such arithmetic pays dearly for: 4.1 s a step where
float32 takes .20 s, one thread. After Jordan et al. 2024, "Muon: An optimizer for hidden layers in
neural networks".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, distributed

TURNS = ((3.4445, -4.7750, 2.0315),) * 5


class Muon:
    """Momentum, made orthogonal, with decay; worker `rank` of `workers` does its part of it.

    A step has the root mean square that an AdamW step has, .2, so that a rate serves both.
    """

    def __init__(
        self,
        matrices: Sequence[Tensor],
        *,
        decay: float,
        momentum: float = 0.95,
        rank: int = 0,
        workers: int = 1,
    ) -> None:
        self.matrices, self.decay, self.momentum = list(matrices), decay, momentum
        self.rank, self.workers = rank, workers
        self.averages = [torch.zeros_like(one) for one in matrices]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every matrix by its gradient."""
        moves = []
        for place, (matrix, average) in enumerate(zip(self.matrices, self.averages, strict=True)):
            assert matrix.grad is not None
            average.lerp_(matrix.grad, 1 - self.momentum)
            if place % self.workers == self.rank:
                ahead = matrix.grad.lerp(average, self.momentum)
                moves.append(orthogonal(ahead) * 0.2 * max(matrix.shape) ** 0.5)
            else:
                moves.append(torch.zeros_like(matrix))
        if self.workers > 1:
            flat = torch.cat([move.reshape(-1) for move in moves])
            distributed.all_reduce(flat)
            parts = flat.split([move.numel() for move in moves])
            moves = [part.view_as(move) for part, move in zip(parts, moves, strict=True)]
        for matrix, move in zip(self.matrices, moves, strict=True):
            matrix.mul_(1 - rate * self.decay).sub_(move, alpha=rate)


def orthogonal(matrix: Tensor) -> Tensor:
    """The orthogonal matrix nearest to `matrix`, about: singular values end near 1."""
    made = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    made = made / (made.norm() + 1e-7)
    for linear, cubic, quintic in TURNS:
        square = made @ made.T
        made = linear * made + (cubic * square + quintic * square @ square) @ made
    return made.T if matrix.shape[0] > matrix.shape[1] else made
