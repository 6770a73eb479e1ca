"""Running programs that nobody read: held by the strongest tier of the machine, warm, and counted.

This room believes that a program written by a model is written by a stranger. It is run by a
process that can reach nothing but a scratch folder, one process for each program, and what it says
of itself is not believed: a test is executed by another process, which asks the program for values
as one asks a server. It does not cover packages outside the standard library, nor languages other
than Python.
"""

from treeseek.sandbox.limits import Limits, Ran, Reason, Test, Tested
from treeseek.sandbox.pool import Sandbox, standing
from treeseek.sandbox.tiers import TIERS, Tier

__all__ = ["TIERS", "Limits", "Ran", "Reason", "Sandbox", "Test", "Tested", "Tier", "standing"]
