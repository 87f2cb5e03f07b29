"""The closed lists: types, members, methods, variables. What is not listed is refused."""

from simulator.powershell.errors import CATCHABLE_TYPES

# Spelling in scripts (lower case) to the one name that the runner uses.
TYPES = {
    "array": "array",
    "bool": "bool",
    "guid": "guid",
    "hashtable": "hashtable",
    "int": "int",
    "object": "object",
    "object[]": "object[]",
    "pscustomobject": "pscustomobject",
    "psobject": "psobject",
    "scriptblock": "scriptblock",
    "string": "string",
    "string[]": "string[]",
    "switch": "switch",
    "system.management.automation.errorrecord": "ErrorRecord",
    "system.string": "string",
    "void": "void",
}

# Where a type may stand; `-is [psobject]` or `-is [pscustomobject]`, for one, is true of nearly
# everything that went through a pipeline, so a test with it would mislead.
PARAMETER_TYPES = frozenset(
    {
        "bool", "guid", "hashtable", "int", "object", "object[]", "psobject", "scriptblock",
        "string", "string[]", "switch", "ErrorRecord",
    }
)  # fmt: skip
VARIABLE_TYPES = frozenset({"bool", "int", "string", "string[]"})
CAST_TYPES = frozenset({"bool", "guid", "int", "pscustomobject", "string", "string[]", "void"})
TEST_TYPES = frozenset({"array", "bool", "hashtable", "int", "scriptblock", "string"})

CATCH_TYPES = {name.lower(): name for name in CATCHABLE_TYPES}

STATIC_METHODS = {
    ("string", "isnullorempty"): 1,
    ("string", "isnullorwhitespace"): 1,
    ("math", "min"): 2,
    ("system.io.path", "gettemppath"): 0,
    ("guid", "newguid"): 0,
}

# Methods by lower-case name with the numbers of arguments that some type takes.
METHODS: dict[str, frozenset[int]] = {
    "containskey": frozenset({1}),
    "gettype": frozenset({0}),
    "replace": frozenset({2}),
    "substring": frozenset({1, 2}),
    "trim": frozenset({0}),
}

READABLE_AUTOMATIC_VARIABLES = frozenset(
    {
        "_", "true", "false", "null", "input", "pid", "psboundparameters", "psscriptroot",
        "erroractionpreference", "progresspreference", "warningpreference",
    }
)  # fmt: skip
ASSIGNABLE_AUTOMATIC_VARIABLES = frozenset(
    {"null", "erroractionpreference", "progresspreference", "warningpreference"}
)
# Source: about_Automatic_Variables and about_Preference_Variables of PowerShell 7. Without this
# list a script that reads one of them would see an ordinary unset variable.
AUTOMATIC_VARIABLES = READABLE_AUTOMATIC_VARIABLES | frozenset(
    {
        "args", "consolefilename", "confirmpreference", "debugpreference",
        "enabledexperimentalfeatures", "error", "errorview", "event", "eventargs",
        "eventsubscriber", "executioncontext", "foreach", "formatenumerationlimit", "home", "host",
        "informationpreference", "iscoreclr", "islinux", "ismacos", "iswindows", "lastexitcode",
        "logcommandhealthevent", "matches", "maximumhistorycount", "myinvocation",
        "nestedpromptlevel", "ofs", "outputencoding", "profile", "psapplicationoutputencoding",
        "pscmdlet", "pscommandpath", "psculture", "psdebugcontext", "psdefaultparametervalues",
        "psedition", "psemailserver", "pshome", "psitem", "psmodulepath",
        "psnativecommandargumentpassing", "psnativecommanduseerroractionpreference",
        "pssenderinfo", "pssessionapplicationname", "pssessionconfigurationname",
        "pssessionoption", "psstyle", "psuiculture", "psversiontable", "pwd", "sender", "shellid",
        "stacktrace", "switch", "this", "transcript", "verbosepreference", "whatifpreference",
    }
)  # fmt: skip

# `.PSObject` and its kin lead to .NET reflection.
HIDDEN_MEMBERS = frozenset(
    {"psobject", "psbase", "psadapted", "psextended", "pstypenames", "psstandardmembers"}
)
