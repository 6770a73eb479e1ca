"""Backends: whatever computes logits over a frontier of the token tree."""
