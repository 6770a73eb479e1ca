"""Pictures of grown trees: first a plain value that says what is shown, then its drawing.

This room believes that a picture is one file that needs no network, no script and no hand, and that
a tree too large for a page should say what it leaves out. It does not follow a search while it runs
and keeps nothing of the model: whoever has a `Grown` can draw it.
"""

from treeseek.viewer.grown import Grown
from treeseek.viewer.page import page
from treeseek.viewer.svg import svg

__all__ = ["Grown", "page", "svg"]
