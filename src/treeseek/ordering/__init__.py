"""Orders of given words under a model: the door of `treeseek order`.

This room believes that a least perplexity must come with its definition, with how it was found, and
with whether anything better is ruled out; and that a number found in a crowd is told only after the
text was scored by itself. It puts a bag, a model and searches together; how to search is the
business of `treeseek.sequences`. Least perplexity is not quality.
"""
