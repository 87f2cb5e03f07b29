"""What Pulumi said when it refused."""

from pulumi.automation.errors import CommandError


def in_one_line(error: CommandError) -> str:
    """What Pulumi printed as its error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return next((line for line in said if line), lines[-1] if lines else "no reason given")
