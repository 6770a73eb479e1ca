"""Problems with verifiers: what a search can be asked to solve.

This room believes that a problem is worth searching only if an answer can be checked. Each task is
one file that makes problems from a seed and judges answers; it knows no model, no strategy and no
budget.
"""
