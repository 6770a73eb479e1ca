"""From a row of logits to a token: summaries, warps, samplers and stops.

This room believes that a row is a pure fact of (prefix, model) and is worked on alone: nothing a
neighbour holds can change one bit of its outcome. It knows NumPy and no model, no tree and no
clock; it covers the arithmetic between a forward call and a choice, not the walking of drafts.
"""
