"""How the engine is started, and what one leaves behind where the next one is driven."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

import simulator.engine
from simulator.engine import _taken_to_exist, recording
from simulator.tenant.faults import ENGINE_PID


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def SupportsFeature(  # noqa: N802 - the name is that of the RPC
        self, request: resource_pb2.SupportsFeatureRequest, context: grpc.ServicerContext
    ) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)


def engine_at(port: int) -> tuple[grpc.Server, int]:
    """The part of an engine that its program talks to, at a port; 0 for any that is free."""
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(_Monitor(), server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


def connected(port: int) -> resource_pb2_grpc.ResourceMonitorStub:
    """A connection as the SDK makes it for a program."""
    return resource_pb2_grpc.ResourceMonitorStub(
        grpc.insecure_channel(f"127.0.0.1:{port}", options=_GRPC_CHANNEL_OPTIONS)
    )


class TestAnEngineAtThePortOfAFormerOne:
    def test_is_not_taken_for_that_one(self):
        assert simulator.engine  # It is what changes how the SDK connects.
        ask = resource_pb2.SupportsFeatureRequest(id="secrets")
        former, port = engine_at(0)
        left_behind = connected(port)
        assert left_behind.SupportsFeature(ask).hasSupport
        former.stop(0).wait()
        # Twice: the first call may still meet the connection that is being closed.
        for _ in range(2):
            with pytest.raises(grpc.RpcError):
                left_behind.SupportsFeature(ask)

        engine, _ = engine_at(port)

        assert connected(port).SupportsFeature(ask).hasSupport
        engine.stop(0).wait()


class TestTheProgramThatRecordsItsProcess:
    @pytest.mark.skipif(os.name == "nt", reason="there is none")
    def test_runs_nothing_that_the_name_of_its_folder_holds(self, tmp_path: Path):
        directory = tmp_path / "a \"b\" $(touch run) `touch run` 'c'"
        directory.mkdir()
        program = tmp_path / "program $(touch run)"
        program.write_text('#!/bin/sh\necho "$1"\n')
        program.chmod(0o755)

        done = subprocess.run(
            [recording(str(program), directory), "x"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )

        assert done.stdout == "x\n"
        assert int((directory / ENGINE_PID).read_text()) > 0
        assert not (tmp_path / "run").exists()


SENDER = {
    "name": "reports",
    "mailbox": {"address": "reports@mail.contoso.com"},
    "group": {"address": "scope@contoso.com", "managedBy": ["owner@Contoso.com"]},
    "controlMailbox": "control@contoso.com",
}


class TestWhatASettingsFileTakesToExist:
    def test_is_its_domains_and_the_mailboxes_that_it_only_names(self):
        assert _taken_to_exist({"senders": [SENDER]}) == (
            ["mail.contoso.com", "contoso.com"],
            ["control@contoso.com", "owner@Contoso.com"],
        )

    def test_may_be_shared_by_the_senders_of_a_name(self):
        shared = {"reports": {"controlMailbox": "shared@contoso.com"}, "others": SENDER}
        settings = {"senders": [{"name": "reports"}], "senderDefaults": shared}
        assert _taken_to_exist(settings) == (["contoso.com"], ["shared@contoso.com"])

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"senders": "reports"},
            {"senders": [None, 1, [], "a"]},
            {"senders": [{"name": [], "mailbox": "a@b", "group": {"address": 1}}]},
            {"senders": [{"controlMailbox": {"a": 1}}], "senderDefaults": []},
        ],
    )
    def test_is_nothing_where_they_are_wrong(self, settings):
        assert _taken_to_exist(settings) == ([], [])
