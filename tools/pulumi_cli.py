"""Finds a Pulumi CLI, or sets one up: from PATH, by download, or built with Go.

``python -m tools.pulumi_cli`` prints its path.

The program needs the engine alone; the simulated tenant serves its own providers. So the CLI that
is built here, without language hosts and plugins, is enough for it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.progress import ToolError, run_with_progress
from tools.virtual_environment import ROOT, python

Version = tuple[int, int, int]

OLDEST: Version = (3, 219, 0)
"""Since this version the engine has error hooks, with which a failing command is retried."""

NEWEST_MAJOR = 3
"""The Python SDK refuses a CLI of another major version than its own."""

FOLDER = ROOT / ".tools" / "pulumi"
MODULE = ROOT / "tools" / "pulumi_cli_module"
NEVER_RUN = (
    "cloud.google.com/go/...",
    "github.com/Azure/...",
    "github.com/aws/...",
    "github.com/envoyproxy/...",
    "gocloud.dev/...",
    "google.golang.org/api/...",
)
"""The clouds' SDKs in the CLI, for states and keys that are kept there: a third of its sources.

They cannot be left out, since the backend for files is one package with those of the clouds. But
they need not be fast, and without inlining the compiler needs a quarter less time for them.
"""

EXECUTABLE = "pulumi.exe" if os.name == "nt" else "pulumi"


def find_or_install() -> Path:
    """The Pulumi CLI to use; set up if there is none, which happens once.

    Raises:
        ToolError: There is none and none can be had; the text says what to do.
    """
    return find() or _install()


def find() -> Path | None:
    """A suitable Pulumi CLI: on PATH, or set up before."""
    return next((path for path in _candidates() if is_suitable(version_of(path))), None)


def is_suitable(version: Version | None) -> bool:
    """Whether a CLI of this version has what the program needs, and the SDK works with it."""
    return version is not None and version >= OLDEST and version[0] <= NEWEST_MAJOR


def parse_version(text: str) -> Version | None:
    """The version that a CLI prints: ``v3.259.0``, perhaps with a suffix."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def version_of(path: Path) -> Version | None:
    """The version of a CLI, or ``None`` if it does not run.

    A start takes a while, so the answer is kept for as long as the file stays the same.
    """
    stat = path.stat()
    key = f"{path} {stat.st_size} {stat.st_mtime_ns}"
    known = _known_versions()
    if key not in known:
        try:
            done = subprocess.run(
                [path, "version"],
                capture_output=True,
                encoding="utf-8",
                timeout=60,
                check=True,
                env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            )
        except (OSError, subprocess.SubprocessError):
            return None
        known[key] = done.stdout.strip()
        _remember(known)
    return parse_version(known[key])


def sdk_version() -> str:
    """The version of the Python SDK, which the CLI for download is to match."""
    return _pinned(ROOT / "requirements.txt", r"^pulumi==(\S+)")


def module_version() -> str:
    """The version of the Go module that the CLI is built from."""
    return _pinned(MODULE / "go.mod", r"^require github\.com/pulumi/pulumi/pkg/v3 v(\S+)")


def _pinned(file: Path, pattern: str) -> str:
    match = re.search(pattern, file.read_text("utf-8"), re.MULTILINE)
    if match is None:
        raise ToolError(f"{file.relative_to(ROOT)} pins no version of Pulumi ({pattern}).")
    return match[1]


def _executable(version: str) -> Path:
    return FOLDER / f"v{version}" / "bin" / EXECUTABLE


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("pulumi"):
        yield Path(on_path)
    for version in (sdk_version(), module_version()):
        if _executable(version).exists():
            yield _executable(version)


def _known_versions() -> dict[str, str]:
    """What was kept. A file that cannot be read is none: the versions are asked for again."""
    try:
        known = json.loads((FOLDER / "versions.json").read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {key: version for key, version in known.items() if isinstance(version, str)}


def _remember(known: dict[str, str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Replaced as a whole: several processes may ask at once.
    handle, name = tempfile.mkstemp(dir=FOLDER, text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(known, file, indent=2)
    Path(name).replace(FOLDER / "versions.json")


def _install() -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    reasons = []
    for means, install in (("Download", _download), ("Build with Go", _build)):
        # Set up aside and moved when it is complete: half a CLI would be found the next time.
        with tempfile.TemporaryDirectory(dir=FOLDER, ignore_cleanup_errors=True) as scratch:
            try:
                executable = install(Path(scratch))
            except ToolError as error:
                reasons.append(f"{means}: {error}")
                continue
        if is_suitable(version_of(executable)):
            return executable
        reasons.append(f"{means}: {executable} does not run, or is too old")
    oldest = ".".join(str(part) for part in OLDEST)
    raise ToolError(
        "There is no Pulumi CLI, and none could be set up.\n\n"
        + "\n\n".join(reasons)
        + "\n\nDo one of these and try again:\n"
        f"  - install Pulumi {oldest} or newer: https://www.pulumi.com/docs/install/\n"
        "  - give this machine access to the internet, for the download\n"
        "  - install Go, with access to a Go module proxy: https://go.dev/doc/install"
    )


def _download(scratch: Path) -> Path:
    """The official CLI, by the installer of the Automation API, which is in ``.venv``."""
    version = sdk_version()
    program = (
        "import socket, sys; from pulumi.automation import PulumiCommand; "
        # Where nothing can be reached this says so soon, instead of never.
        "socket.setdefaulttimeout(20); PulumiCommand.install(root=sys.argv[1])"
    )
    root = scratch / "download"
    try:
        run_with_progress(
            [python(), "-c", program, root],
            f"Downloading the Pulumi CLI v{version}",
            lambda line: "working",
            timeout_seconds=900,
        )
    except ToolError as error:
        raise ToolError(str(error).splitlines()[-1]) from error
    return _move(root, _executable(version))


def _build(scratch: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        raise ToolError("there is no go on PATH")
    version = module_version()
    root = scratch / "build"
    described = GoBuild()
    run_with_progress(
        [
            go,
            *("build", "-v", "-mod=readonly", "-trimpath", "-o", root / "bin" / EXECUTABLE),
            # What a debugger needs is left out below; to write it first is a tenth of the work.
            "-gcflags=all=-dwarf=false",
            *(f"-gcflags={packages}=-l -dwarf=false" for packages in NEVER_RUN),
            # Without it the CLI takes itself for version 0 of a development build.
            "-ldflags="
            f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",
            "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        ],
        f"Building the Pulumi CLI v{version} with Go, once, in about five minutes",
        described.describe,
        cwd=MODULE,
        # The compiler collects its garbage less often: a tenth less work, for 100 MB more.
        env={"GOGC": "400", **os.environ, "GOWORK": "off"},
    )
    return _move(root, _executable(version))


def _move(root: Path, executable: Path) -> Path:
    target = executable.parents[1]
    shutil.rmtree(target, ignore_errors=True)
    root.replace(target)
    return executable


class GoBuild:
    """What ``go build -v`` is doing: it names each module that it fetches, then each package."""

    def __init__(self) -> None:
        self._fetched = 0
        self._compiled = 0

    def describe(self, line: str) -> str:
        """The state after a line of its output."""
        if line.startswith("go: downloading"):
            self._fetched += 1
            return f"{self._fetched} modules fetched"
        self._compiled += 1
        return f"{self._compiled} of up to 1,700 packages compiled"


if __name__ == "__main__":
    try:
        print(find_or_install())
    except ToolError as error:
        sys.exit(str(error))
