"""Sets up what the project needs, and runs its tasks.

Standard library only: this runs before anything is installed.
"""
