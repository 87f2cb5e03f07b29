"""Imported before any test."""

# Its pytest plugin would import it after the last test, while coroutines that a failed program left
# behind in Pulumi's SDK are collected: Python 3.11 can then fail to parse it ("AST constructor
# recursion depth mismatch", https://github.com/python/cpython/issues/106905).
import hypothesis  # noqa: F401

pytest_plugins = ["simulator.testing.shell"]
