"""Who judges a text: one verifier a file, each made for one problem.

This room believes that a verifier says only how good a text is, never what the right one would have
been: no word of the true answer is in its feedback. A verifier must not raise on text of any kind,
so what goes wrong while judging is part of the verdict. It does not cover partial solutions in
steps; the tasks that have steps judge them.
"""
