"""How the embedded model was made: the data, the tokenizer, the recipe, the measurement and the
card.

`python -m training` from the repository root does all of it. Everything the model reads is
generated here, from our own word lists and rules and from the Countdown task, so no text of anybody
else is in it.
"""
