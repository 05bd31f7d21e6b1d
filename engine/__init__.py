"""Generation: a prompt becomes a narrated film. Knows nothing of HTTP, users or queues.

Exports floor 0 only, so that importing it never imports a model library.
"""

from engine import errors, findings, made, types

__all__ = ["errors", "findings", "made", "types"]
