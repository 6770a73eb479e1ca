"""Worlds to act in: the contract of one, the verifier that plays it, and small ones."""

from treeseek.environments.maze import Maze
from treeseek.environments.protocol import Environment, Played, Turn
from treeseek.environments.vault import Vault

__all__ = ["Environment", "Maze", "Played", "Turn", "Vault"]
