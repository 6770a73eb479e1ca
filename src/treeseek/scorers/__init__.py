"""Scorers: text to number, by a model's confidence, a reward model, a judge, rollouts or tests."""
