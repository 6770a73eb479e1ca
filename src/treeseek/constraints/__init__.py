"""Constraints: prefix to allowed next tokens."""
