"""Commands that act on the session, on modules and on files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from simulator.powershell.cmdlets.base import Cmdlet
from simulator.powershell.conversions import to_number
from simulator.powershell.errors import ErrorRecord, UnsupportedConstruct
from simulator.powershell.interface import PSObject, SecureString
from simulator.powershell.members import temporary_folder
from simulator.powershell.values import elements


class ImportModule(Cmdlet):
    def end(self) -> None:
        found = self.runtime.import_module(
            self.text("Name"),
            force=self.switch("Force"),
            everywhere=self.switch("Global"),
        )
        if not found:
            self.fail(
                f"The specified module '{self.text('Name')}' was not loaded because no valid "
                "module file was found in any module directory.",
                "System.IO.FileNotFoundException",
                "Modules_ModuleNotFound",
            )


class ExportModuleMember(Cmdlet):
    def end(self) -> None:
        self.runtime.export_functions(
            [str(name) for name in elements(self.arguments.get("Function"))]
        )


class GetCommand(Cmdlet):
    def end(self) -> None:
        for name in elements(self.arguments.get("Name")):
            info = self.runtime.command_info(str(name))
            if info is None:
                self.fail(
                    not_recognized(str(name)),
                    "System.Management.Automation.CommandNotFoundException",
                    "CommandNotFoundException",
                )
            else:
                self.out(info)


class GetModule(Cmdlet):
    """``-ListAvailable``: what is installed; nothing where there is no such module."""

    def end(self) -> None:
        wanted = {str(name).casefold() for name in elements(self.arguments.get("Name"))}
        for module in self.runtime.host.modules.values():
            if module.name.casefold() in wanted:
                shown = {"Name": module.name, "Version": module.version}
                self.out(PSObject("System.Management.Automation.PSModuleInfo", shown))


def not_recognized(name: str) -> str:
    """What PowerShell says of a command that it does not find."""
    return (
        f"The term '{name}' is not recognized as a name of a cmdlet, function, script file, or "
        "executable program.\nCheck the spelling of the name, or if a path was included, verify "
        "that the path is correct and try again."
    )


class SetStrictMode(Cmdlet):
    def end(self) -> None:
        version = self.arguments.get("Version")
        if str(version).lower() not in {"latest", "3.0", "3"}:
            raise UnsupportedConstruct(f"Set-StrictMode -Version {version}")
        self.runtime.set_strict()


class StartSleep(Cmdlet):
    def end(self) -> None:
        seconds = to_number(self.arguments.get("Seconds"))
        if seconds < 0:
            raise UnsupportedConstruct(f"Start-Sleep -Seconds {seconds}")
        self.runtime.host.sleep(float(seconds))


class WriteErrorCommand(Cmdlet):
    def end(self) -> None:
        """The error is the function's that says it, and is said to be where that was called."""
        name = "Microsoft.PowerShell.Commands.WriteErrorException"
        error_id = self.text("ErrorId") if self.arguments.given("ErrorId") else name
        invocation = self.runtime.invocation
        is_function = invocation.at is not None
        record = ErrorRecord(
            self.text("Message"),
            name,
            f"{error_id},{invocation.name}".removesuffix(","),
            invocation.at,
            command=invocation.name if is_function else "",
            category=self.call.name,
        )
        self.runtime.report(record, self.arguments.error_action)


class ConvertToSecureString(Cmdlet):
    def end(self) -> None:
        if not self.switch("AsPlainText"):
            raise UnsupportedConstruct("ConvertTo-SecureString without -AsPlainText")
        self.out(SecureString(self.text("String")))


class JoinPath(Cmdlet):
    def end(self) -> None:
        parent, child = (
            self.text(name).replace("\\", os.sep).replace("/", os.sep)
            for name in ("Path", "ChildPath")
        )
        self.out(parent.rstrip(os.sep) + os.sep + child.lstrip(os.sep))


class _PathCmdlet(Cmdlet):
    def path(self) -> Path:
        """The one path that was given; wildcards are not in the dialect."""
        given = [name for name in ("Path", "LiteralPath") if self.arguments.given(name)]
        if len(given) != 1:
            raise UnsupportedConstruct(f"{type(self).__name__} without exactly one path")
        text = self.text(given[0])
        if not text:
            raise UnsupportedConstruct(f"{type(self).__name__} with an empty path")
        if given[0] == "Path" and any(character in text for character in "*?[]"):
            raise UnsupportedConstruct(f"the wildcard path {text!r}")
        return Path(text)


class NewItem(_PathCmdlet):
    def end(self) -> None:
        path = self.path()
        if path.exists() and not (self.switch("Force") and path.is_dir()):
            self.fail(
                f"An item with the specified name {path} already exists.",
                "System.IO.IOException",
                "DirectoryExist",
            )
            return
        path.mkdir(parents=True, exist_ok=True)
        self.out(PSObject("System.IO.DirectoryInfo", {"FullName": str(path), "Name": path.name}))


class GetContent(_PathCmdlet):
    def end(self) -> None:
        path = self.path()
        if not self.switch("Raw"):
            raise UnsupportedConstruct("Get-Content without -Raw")
        if not path.is_file():
            self.fail(
                f"Cannot find path '{path}' because it does not exist.",
                "System.Management.Automation.ItemNotFoundException",
                "PathNotFound",
            )
            return
        self.out(path.read_text(encoding="utf-8"))


class RemoveItem(_PathCmdlet):
    def end(self) -> None:
        path = self.path()
        if not path.exists():
            self.fail(
                f"Cannot find path '{path}' because it does not exist.",
                "System.Management.Automation.ItemNotFoundException",
                "PathNotFound",
            )
            return
        temporary = Path(temporary_folder(self.runtime.environment)).resolve()
        if temporary not in path.resolve().parents:
            # A wrong path in a script under test must not cost the user's files.
            raise UnsupportedConstruct(f"Remove-Item outside the temporary folder: {path}")
        if not path.is_dir():
            path.unlink()
        elif self.switch("Recurse"):
            shutil.rmtree(path)
        elif any(path.iterdir()):
            raise UnsupportedConstruct("Remove-Item of a full folder without -Recurse: it prompts")
        else:
            path.rmdir()
