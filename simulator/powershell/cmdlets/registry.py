"""Which class runs which built-in command."""

from simulator.powershell.cmdlets import json_text, objects, system
from simulator.powershell.cmdlets.base import Cmdlet

CMDLETS: dict[str, type[Cmdlet]] = {
    "convertfrom-json": json_text.ConvertFromJson,
    "convertto-json": json_text.ConvertToJson,
    "convertto-securestring": system.ConvertToSecureString,
    "export-modulemember": system.ExportModuleMember,
    "foreach-object": objects.ForEachObject,
    "get-command": system.GetCommand,
    "get-content": system.GetContent,
    "get-module": system.GetModule,
    "import-module": system.ImportModule,
    "join-path": system.JoinPath,
    "new-item": system.NewItem,
    "out-null": objects.OutNull,
    "remove-item": system.RemoveItem,
    "select-object": objects.SelectObject,
    "set-strictmode": system.SetStrictMode,
    "sort-object": objects.SortObject,
    "start-sleep": system.StartSleep,
    "where-object": objects.WhereObject,
    "write-error": system.WriteErrorCommand,
    "write-output": objects.WriteOutput,
}
