"""Which modules are imported where, and the commands that this makes visible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.powershell.binding import COMMON_PARAMETERS, Parameter, Signature, block_signature
from simulator.powershell.cmdlets.signatures import SIGNATURES
from simulator.powershell.errors import UnsupportedConstruct
from simulator.powershell.interface import Command, Module, PSObject
from simulator.powershell.scopes import Scope, SessionState
from simulator.powershell.syntax.nodes import Block
from simulator.powershell.values import Hashtable

UNAPPROVED_VERBS = (
    "The names of some imported commands from the module '{}' include unapproved verbs that might "
    "make them less discoverable. To find the commands with unapproved verbs, run the "
    "Import-Module command again with the Verbose parameter. For a list of approved verbs, type "
    "Get-Verb."
)
# What `Get-Verb` lists.
_VERBS = """
Add Approve Assert Backup Block Build Checkpoint Clear Close Compare Complete Compress Confirm
Connect Convert ConvertFrom ConvertTo Copy Debug Deny Deploy Disable Disconnect Dismount Edit
Enable Enter Exit Expand Export Find Format Get Grant Group Hide Import Initialize Install Invoke
Join Limit Lock Measure Merge Mount Move New Open Optimize Out Ping Pop Protect Publish Push Read
Receive Redo Register Remove Rename Repair Request Reset Resize Resolve Restart Restore Resume
Revoke Save Search Select Send Set Show Skip Split Start Step Stop Submit Suspend Switch Sync Test
Trace Unblock Undo Uninstall Unlock Unprotect Unpublish Unregister Update Use Wait Watch Write
"""
_APPROVED_VERBS = frozenset(_VERBS.lower().split())


class Modules:
    """The modules of one run.

    Args:
        installed: What ``Import-Module NAME`` finds.
        files: Checked script modules by resolved path.
        global_scope: Where the script's imports are seen by everyone.
        load: Runs a script module's body in its session state.
    """

    def __init__(
        self,
        installed: Mapping[str, Module],
        files: Mapping[Path, Block],
        global_scope: Scope,
        load: Callable[[Block, SessionState], None],
    ) -> None:
        self._installed = installed
        self._files = files
        self._global = global_scope
        self._load = load
        self._loaded: dict[Path, SessionState] = {}

    def import_installed(self, name: str, session: SessionState, *, everywhere: bool) -> bool:
        """``Import-Module NAME``; ``False`` where no such module is installed."""
        for key, module in self._installed.items():
            if key.lower() == name.lower():
                self._importer(session, everywhere=everywhere).modules[key.lower()] = module
                return True
        return False

    def import_file(
        self, path: Path, session: SessionState, *, everywhere: bool, force: bool
    ) -> bool:
        """``Import-Module PATH``.

        Returns:
            Whether PowerShell would warn of a verb that is not approved.
        """
        module = self._loaded.get(path)
        if module is None or force:
            module = SessionState(Scope(self._global))
            self._loaded[path] = module
            self._load(self._files[path], module)
        exported = {
            name: module.top.functions[name]
            for name in (module.top.functions if module.exports is None else module.exports)
        }
        self._importer(session, everywhere=everywhere).functions.update(exported)
        return any("-" in name and name.split("-")[0] not in _APPROVED_VERBS for name in exported)

    def _importer(self, session: SessionState, *, everywhere: bool) -> Scope:
        return session.top if session.is_module and not everywhere else self._global

    def export(self, names: list[str], session: SessionState) -> None:
        """``Export-ModuleMember -Function``."""
        if not session.is_module:
            raise UnsupportedConstruct("Export-ModuleMember outside a module")
        for name in names:
            if name.lower() not in session.top.functions:
                raise UnsupportedConstruct(f"the export of {name}, which is not defined yet")
        session.exports = [*(session.exports or []), *(name.lower() for name in names)]

    def command(self, name: str, session: SessionState) -> Command | None:
        """The command of an imported module that is loaded at this moment."""
        for scope in session.current.chain():
            for module in scope.modules.values():
                command = module.find(name)
                if command is not None:
                    return command
        return None

    def describe(self, name: str, session: SessionState) -> PSObject | None:
        """What ``Get-Command`` returns; ``None`` where there is no such command."""
        function = session.find_function(name.lower())
        if function is not None:
            return _command_info(function.name, block_signature(function.name, function.body))
        if name.lower() in SIGNATURES:
            raise UnsupportedConstruct(f"Get-Command {name}: its parameters here are a selection")
        command = self.command(name, session)
        if command is not None:
            parameters = tuple(Parameter(parameter) for parameter in command.parameters)
            return _command_info(command.name, Signature(command.name, parameters))
        if name.lower() not in known_commands(self._installed):
            raise UnsupportedConstruct(f"Get-Command {name}")
        return None


def known_commands(modules: Mapping[str, Module]) -> frozenset[str]:
    """Lower-case names of all commands that installed modules may load."""
    return frozenset(name.lower() for module in modules.values() for name in module.commands)


def _command_info(name: str, signature: Signature) -> PSObject:
    """``Name`` and ``Parameters``, with the common parameters that commands have besides theirs."""
    parameters = Hashtable()
    common = COMMON_PARAMETERS if signature.common else ()
    for parameter in (*(p.name for p in signature.parameters), *common):
        parameters.set(parameter, PSObject("ParameterMetadata", {"Name": parameter}))
    return PSObject(
        "System.Management.Automation.CommandInfo", {"Name": name, "Parameters": parameters}
    )
