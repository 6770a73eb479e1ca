"""The scheduler's rooms: what a live search asks for, merged, served, settled and charged.

`rounds` drives, `seat` is one search's place, `jobs`, `frontier` and `draws` are requests at work,
`serving` decodes the rows of a call, `nesting` and `instant` settle what needs none.
"""

from treeseek.scheduler.rounds import Scheduler

__all__ = ["Scheduler"]
