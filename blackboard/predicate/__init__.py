"""Predicates over records: a subset of CEL, parsed here and compiled to closures.

``docs/predicates.md`` has the one table of what exists, what is left out and where it differs from CEL.
"""

from __future__ import annotations

from blackboard.predicate.path import Path
from blackboard.predicate.predicate import Clause, Expression, Predicate
from blackboard.predicate.values import ERROR, Error, Scalar, term

__all__ = ["ERROR", "Clause", "Error", "Expression", "Path", "Predicate", "Scalar", "term"]
