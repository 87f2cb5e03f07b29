"""Imported before any test."""

pytest_plugins = ["simulator.testing.shell"]
