"""Serves providers to the Pulumi engine over gRPC on loopback ports of this process.

The generated service class is implemented directly: ``pulumi.provider.experimental`` turns every
refusal into a Python traceback, and lacks the calls (``Attach``, ``Handshake``) by which the engine
meets a provider that it did not start itself.
"""

import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar, TypeVar, cast

import grpc  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from simulator.providers.properties import Change, Properties, from_wire, to_wire
from simulator.providers.schema import Failure

# As large as the engine's own limit, so that no state that it accepts is refused here.
_MESSAGE_OPTIONS = [
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.max_send_message_length", 400 * 1024 * 1024),
]
# More than the resources of a stack that can be busy at once: a command holds its thread while its
# process runs.
_THREADS = 64


class RefusalError(Exception):
    """What the real provider answers when it cannot do what was asked, in its words."""


class InitializationError(RefusalError):
    """The resource was made, and something went wrong afterwards: it is in the state all the same.

    Attributes:
        identifier: Its id.
        outputs: As far as they are known.
    """

    def __init__(self, text: str, identifier: str, outputs: Properties) -> None:
        super().__init__(text)
        self.identifier = identifier
        self.outputs = outputs

    @property
    def status(self) -> bytes:
        """What tells the engine, beside the text."""
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(self))
        status.details.add().Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=self.identifier, properties=to_wire(self.outputs), reasons=[str(self)]
            )
        )
        return bytes(status.SerializeToString())


@dataclass(frozen=True)
class Resource:
    """The resource that a call is about.

    Attributes:
        urn: The engine's name for it.
        type: Its type token, ``azure-native:logic:Workflow``.
        name: Its name in the program.
        report: Shows a line beside the resource in the engine's progress.
        warn: Puts a warning among the engine's diagnostics.
    """

    urn: str
    type: str
    name: str
    report: Callable[[str], None]
    warn: Callable[[str], None]


@dataclass(frozen=True)
class Difference:
    """What an update would change.

    Attributes:
        changes: Kind of change by path.
        replacing: The paths among them whose change needs a new resource.
        delete_before_replace: Whether the old resource goes before the new one comes.
        of_inputs: Whether the engine should show old inputs (else old outputs) beside new inputs.
    """

    changes: Mapping[str, Change] = field(default_factory=dict)
    replacing: frozenset[str] = frozenset()
    delete_before_replace: bool = False
    of_inputs: bool = True


@dataclass(frozen=True)
class Observed:
    """A resource as it was read from the cloud: its inputs and its outputs."""

    inputs: Properties
    outputs: Properties


class Provider(ABC):
    """What stands behind one package: checks, compares and manages resources, answers functions.

    Each method may raise ``RefusalError``.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def version(self) -> str:
        """The version that is reported: that of the SDK package."""

    @abstractmethod
    def configure(self, settings: Mapping[str, str]) -> None:
        """Takes what the stack configures for the package, ``azure-native:location`` and so on."""

    @abstractmethod
    def check(
        self, resource: Resource, old: Properties, new: Properties
    ) -> tuple[Properties, Sequence[Failure]]:
        """Completes new inputs (names, defaults) and tells what is wrong with them."""

    @abstractmethod
    def compare(
        self, resource: Resource, old_inputs: Properties, new_inputs: Properties
    ) -> Difference:
        """Tells what an update from old to new inputs would change."""

    @abstractmethod
    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        """The outputs that are known before the resource is created."""

    @abstractmethod
    def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        """Creates the resource; returns its id and outputs."""

    @abstractmethod
    def preview_update(
        self, resource: Resource, outputs: Properties, inputs: Properties
    ) -> Properties:
        """The outputs that are known before the resource is updated."""

    @abstractmethod
    def update(
        self, resource: Resource, identifier: str, outputs: Properties, inputs: Properties
    ) -> Properties:
        """Updates the resource; returns its outputs."""

    @abstractmethod
    def delete(self, resource: Resource, identifier: str, outputs: Properties) -> None:
        """Deletes the resource."""

    @abstractmethod
    def read(
        self, resource: Resource, identifier: str, inputs: Properties, outputs: Properties
    ) -> Observed | None:
        """Reads the resource, or tells by ``None`` that it is gone."""

    @abstractmethod
    def invoke(self, function: str, arguments: Properties) -> tuple[Properties, Sequence[Failure]]:
        """Calls a function of the package."""

    @abstractmethod
    def cancel(self) -> None:
        """The engine was interrupted: ends what is under way."""


_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def _answering(handler: _Handler) -> _Handler:
    """Turns exceptions of a handler into the status that the engine shows on the resource."""

    @wraps(handler)
    def answered(self: "_Servicer", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return handler(self, request, context)
        except RefusalError as refusal:
            if isinstance(refusal, InitializationError):
                context.set_trailing_metadata((("grpc-status-details-bin", refusal.status),))
            context.abort(grpc.StatusCode.UNKNOWN, str(refusal))
        except Exception:  # noqa: BLE001 - it is reported whole
            context.abort(
                grpc.StatusCode.INTERNAL,
                f"internal error of the simulated {self.provider.name} provider, which is a "
                f"mistake in the simulator and not in the program:\n{traceback.format_exc()}",
            )

    return cast(_Handler, answered)


class _Servicer(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._engine: engine_pb2_grpc.EngineStub | None = None

    # -- how the engine meets a provider ------------------------------------------------------

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def Attach(self, request: plugin_pb2.PluginAttach, context: Any) -> Empty:  # noqa: N802
        channel = grpc.insecure_channel(request.address, options=_MESSAGE_OPTIONS)
        self._engine = engine_pb2_grpc.EngineStub(channel)
        return Empty()

    def Handshake(  # noqa: N802
        self, request: Any, context: Any
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False, accept_resources=False, accept_outputs=False
        )

    @_answering
    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: Any
    ) -> provider_pb2.ConfigureResponse:
        prefix = f"{self.provider.name}:config:"
        self.provider.configure(
            {name.removeprefix(prefix): value for name, value in request.variables.items()}
        )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, acceptResources=False, acceptOutputs=False, supportsPreview=True
        )

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:  # noqa: N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:  # noqa: N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Cancel(self, request: Any, context: Any) -> Empty:  # noqa: N802
        self.provider.cancel()
        return Empty()

    # -- functions ----------------------------------------------------------------------------

    @_answering
    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: Any
    ) -> provider_pb2.InvokeResponse:
        result, failures = self.provider.invoke(request.tok, from_wire(request.args))
        return provider_pb2.InvokeResponse(
            failures=_failures(failures), **{"return": to_wire(result)}
        )

    # -- resources ----------------------------------------------------------------------------

    @_answering
    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: Any
    ) -> provider_pb2.CheckResponse:
        inputs, failures = self.provider.check(
            self._resource(request), from_wire(request.olds), from_wire(request.news)
        )
        return provider_pb2.CheckResponse(inputs=to_wire(inputs), failures=_failures(failures))

    @_answering
    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: Any
    ) -> provider_pb2.DiffResponse:
        difference = self.provider.compare(
            self._resource(request), from_wire(request.old_inputs), from_wire(request.news)
        )
        kinds = provider_pb2.PropertyDiff
        detailed = {
            path: provider_pb2.PropertyDiff(
                kind=kinds.Kind.Value(
                    f"{change.name}_REPLACE" if path in difference.replacing else change.name
                ),
                inputDiff=difference.of_inputs,
            )
            for path, change in difference.changes.items()
        }
        top = sorted({_top(path) for path in difference.changes})
        return provider_pb2.DiffResponse(
            changes=(
                provider_pb2.DiffResponse.DIFF_SOME
                if detailed
                else provider_pb2.DiffResponse.DIFF_NONE
            ),
            diffs=top,
            replaces=sorted({_top(path) for path in difference.replacing}),
            deleteBeforeReplace=difference.delete_before_replace,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    @_answering
    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: Any
    ) -> provider_pb2.CreateResponse:
        resource, inputs = self._resource(request), from_wire(request.properties)
        if request.preview:
            outputs = self.provider.preview_create(resource, inputs)
            return provider_pb2.CreateResponse(properties=to_wire(outputs))
        identifier, outputs = self.provider.create(resource, inputs)
        return provider_pb2.CreateResponse(id=identifier, properties=to_wire(outputs))

    @_answering
    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: Any
    ) -> provider_pb2.UpdateResponse:
        resource = self._resource(request)
        olds, news = from_wire(request.olds), from_wire(request.news)
        if request.preview:
            outputs = self.provider.preview_update(resource, olds, news)
        else:
            outputs = self.provider.update(resource, request.id, olds, news)
        return provider_pb2.UpdateResponse(properties=to_wire(outputs))

    @_answering
    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> Empty:  # noqa: N802
        self.provider.delete(self._resource(request), request.id, from_wire(request.properties))
        return Empty()

    @_answering
    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: Any
    ) -> provider_pb2.ReadResponse:
        observed = self.provider.read(
            self._resource(request),
            request.id,
            from_wire(request.inputs),
            from_wire(request.properties),
        )
        if observed is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=to_wire(observed.inputs),
            properties=to_wire(observed.outputs),
        )

    def _resource(self, request: Any) -> Resource:
        def log(severity: Any, line: str, *, ephemeral: bool) -> None:
            if self._engine is not None:
                sent = engine_pb2.LogRequest(
                    severity=severity, message=line, urn=request.urn, ephemeral=ephemeral
                )
                # An engine that was killed has no reader; what is under way ends by itself.
                with suppress(grpc.RpcError):
                    self._engine.Log(sent)

        return Resource(
            urn=request.urn,
            type=request.type,
            name=request.name,
            report=lambda line: log(engine_pb2.INFO, line, ephemeral=True),
            warn=lambda line: log(engine_pb2.WARNING, line, ephemeral=False),
        )


def _failures(failures: Sequence[Failure]) -> list[provider_pb2.CheckFailure]:
    return [
        provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
        for failure in failures
    ]


def _top(path: str) -> str:
    """The top-level property that a path begins with."""
    return path.partition(".")[0].partition("[")[0]


class _Notice(grpc.ServerInterceptor):  # type: ignore[misc]
    def __init__(self, notice: Callable[[], None]) -> None:
        self._notice = notice

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        self._notice()
        return continuation(details)


@contextmanager
def served(
    providers: Sequence[Provider], notice: Callable[[], None] = lambda: None
) -> Iterator[dict[str, int]]:
    """Serves providers on loopback ports for the duration of a ``with`` block.

    Args:
        providers: Those that are served.
        notice: Runs at each request of the engine.

    Yields:
        The port of each provider by its package's name.
    """
    servers: list[grpc.Server] = []
    ports: dict[str, int] = {}
    try:
        for provider in providers:
            server = grpc.server(
                ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix=provider.name),
                options=_MESSAGE_OPTIONS,
                interceptors=[_Notice(notice)],
            )
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Servicer(provider), server)
            ports[provider.name] = server.add_insecure_port("127.0.0.1:0")
            server.start()
            servers.append(server)
        yield ports
    finally:
        # A killed engine leaves work behind; where it was started from, it takes that along.
        for provider in providers:
            provider.cancel()
        for server in servers:
            server.stop(grace=None).wait()
