"""What Pulumi says is told whole, and in one line."""

import pytest
from pulumi.automation import CommandResult
from pulumi.automation.errors import CommandError

from operations.refusal import in_one_line


def refused(stderr: str) -> CommandError:
    return CommandError(CommandResult("", stderr, 255))


@pytest.mark.parametrize(
    ("stderr", "told"),
    [
        ("error: no stack named 'x' found\n", "no stack named 'x' found"),
        (
            "warning: old\nerror: yaml: unmarshal errors:\n"
            '  line 3: mapping key "a" already defined at line 2\n'
            '  line 5: mapping key "b" already defined at line 4\n',
            'yaml: unmarshal errors: line 3: mapping key "a" already defined at line 2; '
            'line 5: mapping key "b" already defined at line 4',
        ),
        ("error: the first\nerror: the second\n", "the first"),
        ("error: the first\nmore of it\n", "the first"),
        ("\nkilled\n", "killed"),
    ],
)
def test_in_one_line(stderr: str, told: str) -> None:
    assert in_one_line(refused(stderr)) == told
