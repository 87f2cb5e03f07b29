"""The gRPC side: what reaches the engine when a provider answers, refuses or breaks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from simulator.providers.properties import Change, Properties, from_wire, to_wire
from simulator.providers.schema import Failure
from simulator.providers.server import (
    Difference,
    InitializationError,
    Observed,
    Provider,
    RefusalError,
    Resource,
    served,
)

URN = "urn:pulumi:local::p::t:m:R::made"


class Obedient(Provider):
    """Does what the inputs say."""

    name = "obedient"
    version = "1.2.3"

    def __init__(self) -> None:
        self._settings: Mapping[str, str] = {}

    def configure(self, settings: Mapping[str, str]) -> None:
        self._settings = settings

    def check(
        self, resource: Resource, old: Properties, new: Properties
    ) -> tuple[Properties, Sequence[Failure]]:
        return new, [Failure("size", "too large")] if "size" in new else []

    def compare(
        self, resource: Resource, old_inputs: Properties, new_inputs: Properties
    ) -> Difference:
        return Difference(
            changes={"names[0].first": Change.ADD, "size": Change.UPDATE},
            replacing=frozenset({"names[0].first"}),
            delete_before_replace=True,
        )

    def preview_create(self, resource: Resource, inputs: Properties) -> Properties:
        return inputs | {"previewed": resource.name}

    def create(self, resource: Resource, inputs: Properties) -> tuple[str, Properties]:
        if "refuse" in inputs:
            raise RefusalError("cannot create already existing resource 'x'")
        if "settings" in inputs:
            return json.dumps(self._settings), inputs
        if "half" in inputs:
            raise InitializationError("made and not read", "id-2", inputs)
        if "break" in inputs:
            raise KeyError("location")
        return "id-1", inputs | {"created": resource.type}

    def preview_update(
        self, resource: Resource, outputs: Properties, inputs: Properties
    ) -> Properties:
        return inputs | {"previewed": outputs}

    def update(
        self, resource: Resource, identifier: str, outputs: Properties, inputs: Properties
    ) -> Properties:
        return inputs | {"updated": identifier}

    def delete(self, resource: Resource, identifier: str, outputs: Properties) -> None:
        raise RefusalError(f"{identifier} is in use")

    def read(
        self, resource: Resource, identifier: str, inputs: Properties, outputs: Properties
    ) -> Observed | None:
        return None if identifier == "gone" else Observed(inputs, outputs | {"read": True})

    def invoke(self, function: str, arguments: Properties) -> tuple[Properties, Sequence[Failure]]:
        return arguments | {"called": function}, []

    def cancel(self) -> None:
        """Nothing to end."""


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    with (
        served([Obedient()]) as ports,
        grpc.insecure_channel(f"127.0.0.1:{ports['obedient']}") as channel,
    ):
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def create(stub: Any, inputs: Properties, *, preview: bool = False) -> Any:
    return stub.Create(
        provider_pb2.CreateRequest(
            urn=URN, type="t:m:R", name="made", properties=to_wire(inputs), preview=preview
        )
    )


class TestTheEngineMeetsTheProvider:
    def test_with_the_version_that_it_says(self, stub: Any):
        assert stub.GetPluginInfo(Empty()).version == "1.2.3"

    def test_which_takes_no_secrets_and_previews(self, stub: Any):
        configured = stub.Configure(provider_pb2.ConfigureRequest())

        assert not configured.acceptSecrets
        assert configured.supportsPreview

    def test_which_gets_what_the_stack_configures_for_it(self, stub: Any):
        stub.Configure(provider_pb2.ConfigureRequest(variables={"obedient:config:size": "9"}))

        assert create(stub, {"settings": True}).id == '{"size": "9"}'


class TestAnswers:
    def test_a_creation(self, stub: Any):
        created = create(stub, {"a": 1})

        assert created.id == "id-1"
        assert from_wire(created.properties) == {"a": 1, "created": "t:m:R"}

    def test_a_preview_creates_nothing(self, stub: Any):
        previewed = create(stub, {"a": 1}, preview=True)

        assert previewed.id == ""
        assert from_wire(previewed.properties) == {"a": 1, "previewed": "made"}

    def test_check_failures(self, stub: Any):
        checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=to_wire({"size": 9})))

        assert [(f.property, f.reason) for f in checked.failures] == [("size", "too large")]

    def test_differences(self, stub: Any):
        difference = stub.Diff(provider_pb2.DiffRequest(urn=URN))

        assert difference.changes == provider_pb2.DiffResponse.DIFF_SOME
        assert list(difference.diffs) == ["names", "size"]
        assert list(difference.replaces) == ["names"]
        assert difference.deleteBeforeReplace
        kinds = {path: detail.kind for path, detail in difference.detailedDiff.items()}
        assert kinds == {
            "names[0].first": provider_pb2.PropertyDiff.ADD_REPLACE,
            "size": provider_pb2.PropertyDiff.UPDATE,
        }

    @pytest.mark.parametrize(
        ("preview", "expected"),
        [(True, {"b": 2, "previewed": {"a": 1}}), (False, {"b": 2, "updated": "id-1"})],
    )
    def test_an_update(self, stub: Any, preview: bool, expected: Properties):
        updated = stub.Update(
            provider_pb2.UpdateRequest(
                urn=URN, id="id-1", olds=to_wire({"a": 1}), news=to_wire({"b": 2}), preview=preview
            )
        )

        assert from_wire(updated.properties) == expected

    def test_reading(self, stub: Any):
        read = stub.Read(provider_pb2.ReadRequest(urn=URN, id="id-1", properties=to_wire({"a": 1})))

        assert read.id == "id-1"
        assert from_wire(read.properties) == {"a": 1, "read": True}

    def test_reading_what_is_gone(self, stub: Any):
        assert stub.Read(provider_pb2.ReadRequest(urn=URN, id="gone")).id == ""

    def test_a_function(self, stub: Any):
        answer = stub.Invoke(provider_pb2.InvokeRequest(tok="t:m:f", args=to_wire({"a": 1})))

        assert from_wire(getattr(answer, "return")) == {"a": 1, "called": "t:m:f"}


class TestFailures:
    def test_a_refusal_is_its_text_alone(self, stub: Any):
        with pytest.raises(grpc.RpcError) as raised:
            create(stub, {"refuse": True})

        assert raised.value.details() == "cannot create already existing resource 'x'"

    def test_what_was_made_before_it_failed_is_told_to_the_engine(self, stub: Any):
        with pytest.raises(grpc.RpcError) as raised:
            create(stub, {"half": True})

        assert raised.value.details() == "made and not read"
        (sent,) = [m.value for m in raised.value.trailing_metadata() if "status" in m.key]
        (detail,) = status_pb2.Status.FromString(sent).details
        made = provider_pb2.ErrorResourceInitFailed()
        assert detail.Unpack(made)
        assert (made.id, list(made.reasons)) == ("id-2", ["made and not read"])
        assert from_wire(made.properties) == {"half": True}

    def test_a_refused_deletion_too(self, stub: Any):
        with pytest.raises(grpc.RpcError) as raised:
            stub.Delete(provider_pb2.DeleteRequest(urn=URN, id="id-1"))

        assert raised.value.details() == "id-1 is in use"

    def test_a_mistake_of_the_simulator_is_called_that(self, stub: Any):
        with pytest.raises(grpc.RpcError) as raised:
            create(stub, {"break": True})

        assert raised.value.details().startswith(
            "internal error of the simulated obedient provider"
        )
        assert "KeyError: 'location'" in raised.value.details()


def test_each_request_of_the_engine_is_noticed():
    noticed: list[None] = []
    with (
        served([Obedient()], lambda: noticed.append(None)) as ports,
        grpc.insecure_channel(f"127.0.0.1:{ports['obedient']}") as channel,
    ):
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        create(stub, {"name": "x"})
        create(stub, {"name": "y"}, preview=True)
    assert len(noticed) == 2
