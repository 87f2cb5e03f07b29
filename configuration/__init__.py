"""The typed configuration of a stack: every rule, and what a mistake is answered with.

Pydantic models say which keys there are (``keys``, ``messages``) and what each may hold
(``values``); ``agreement`` says what must agree. All of them look at the configuration as it was
written, so that one run names every mistake: a person who deploys by pull request would otherwise
meet them one a day.

Nothing here looks anything up. Whether a domain is accepted by the organisation, or a control
mailbox exists, is for Exchange to say.
"""

from configuration.callers import warn_of_expressions
from configuration.environments import environments, require_environment
from configuration.keys import (
    Access,
    Deletion,
    Group,
    HttpRequestTrigger,
    Mailbox,
    RecurrenceTrigger,
    Sender,
    StackConfiguration,
)
from configuration.loading import (
    NAMESPACE,
    load_configuration,
    refuse_changed_scopings,
    refuse_removed_queues,
    refuse_renamed_senders,
    refuse_taken_workflows,
)
from configuration.messages import Message
from configuration.mistakes import ConfigurationError

__all__ = [
    "NAMESPACE",
    "Access",
    "ConfigurationError",
    "Deletion",
    "Group",
    "HttpRequestTrigger",
    "Mailbox",
    "Message",
    "RecurrenceTrigger",
    "Sender",
    "StackConfiguration",
    "environments",
    "load_configuration",
    "refuse_changed_scopings",
    "refuse_removed_queues",
    "refuse_renamed_senders",
    "refuse_taken_workflows",
    "require_environment",
    "warn_of_expressions",
]
