"""Which environments there are: the files ``Pulumi.<stack>.yaml``."""

from pathlib import Path

import yaml

from configuration.mistakes import ConfigurationError, did_you_mean

ROOT = Path(__file__).resolve().parent.parent
"""The folder of ``Pulumi.yaml`` and of a ``Pulumi.<stack>.yaml`` for each environment."""


def environments(folder: Path = ROOT) -> list[str]:
    """The environments that a folder describes, by name.

    ``pulumi stack init`` leaves a file for each name that it is given, a misspelt one too. That one
    has no ``config``.
    """
    return sorted(
        file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for file in folder.glob("Pulumi.*.yaml")
        if _has_configuration(file)
    )


def _has_configuration(file: Path) -> bool:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError):
        return True  # Whoever broke it wrote in it; Pulumi or the rules say where.
    return isinstance(content, dict) and bool(content.get("config"))


def require_environment(stack: str, folder: Path = ROOT) -> None:
    """Refuses an environment that is not known here: a name misspelt, or a file not yet written.

    Args:
        stack: The stack's name; ``organization/project/`` may stand before it.
        folder: Where the files of the environments are.

    Raises:
        ConfigurationError: It has no file, or one that configures nothing; the text names those
            that have one.
    """
    name, known = stack.rpartition("/")[2], environments(folder)
    if name in known:
        return
    file = f"Pulumi.{name}.yaml"
    is_left_by_pulumi = (folder / file).exists()
    there_are = f"There are: {', '.join(known)}." if known else "There is none yet."
    raise ConfigurationError(
        f"There is no environment {name}: the file {file} "
        f"{'configures nothing' if is_left_by_pulumi else 'is missing'}. "
        f"{there_are}{did_you_mean(name, known)}\nNothing has been done. For a new environment, "
        f"write what stands under config: in the file of the one that is most like it into {file}, "
        "and change what differs."
        + (f" If the name is misspelt, pulumi stack rm {name}." if is_left_by_pulumi else "")
    )
