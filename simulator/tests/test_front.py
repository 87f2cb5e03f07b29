"""The tenant over HTTP, asked by the clients that people use: httpx and azure-identity."""

import json
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import certifi
import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential

from simulator.environment import ROOT
from simulator.front import served
from simulator.tenant import (
    DEPLOYMENT_CLIENT_ID,
    EXCHANGE_AUDIENCE,
    GRAPH_AUDIENCE,
    TENANT_ID,
)
from simulator.tenant.faults import RETRY_AFTER_SECONDS, Fault, Kind, steps
from simulator.tenant.identifiers import ARM_AUDIENCE
from simulator.testing.deployment import (
    GROUP_PATH,
    JSON,
    WORKFLOW_PATH,
)

GROUPS = "api-version=2024-03-01"
WORKFLOWS = "api-version=2019-05-01"


@pytest.fixture
def front(tenant):
    with served(tenant) as front:
        yield front


def bearer(tenant, audience):
    token = tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, audience)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def arm(tenant, front):
    """A client of Azure Resource Manager that is signed in."""
    with httpx.Client(
        base_url=front.variables["RESOURCE_MANAGER_ADDRESS"], headers=bearer(tenant, ARM_AUDIENCE)
    ) as client:
        yield client


def error_of(response):
    return response.status_code, response.json()["error"]["code"]


class TestItIsThereForThisMachineOnly:
    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is nobody's")
    def test_listens_on_one_address(self, front):
        port = httpx.URL(front.address).port
        assert front.address == f"http://127.0.0.1:{port}"
        # Another address of this machine: where a server listens everywhere, it connects.
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port))

    def test_is_gone_afterwards(self, tenant):
        with served(tenant) as front:
            pass
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{front.address}/arm/")


class TestResourceManager:
    def test_answers_what_the_tenant_answers(self, arm, tenant):
        made = arm.put(f"{GROUP_PATH}?{GROUPS}", json={"location": "westeurope"})
        assert made.status_code == 201
        assert made.headers["content-type"] == "application/json; charset=utf-8"
        direct = tenant.arm.request("GET", f"{GROUP_PATH}?{GROUPS}")
        assert arm.get(f"{GROUP_PATH}?{GROUPS}").json() == direct.body
        assert arm.head(f"{GROUP_PATH}?{GROUPS}").status_code == 204

    def test_passes_refusals_on(self, arm):
        assert error_of(arm.get(f"{GROUP_PATH}?{GROUPS}")) == (404, "ResourceGroupNotFound")
        assert error_of(arm.get(GROUP_PATH)) == (400, "MissingApiVersionParameter")
        assert error_of(arm.patch(f"{GROUP_PATH}?{GROUPS}", json={})) == (501, "NotSimulated")
        plain = arm.put(
            f"{GROUP_PATH}?{GROUPS}", content="{}", headers={"Content-Type": "text/plain"}
        )
        assert error_of(plain) == (415, "UnsupportedMediaType")

    @pytest.mark.parametrize(
        "authorization",
        ["", "Bearer", "Bearer unknown", "Basic {arm}", "Bearer {graph}"],
    )
    def test_takes_nobody_without_a_token_for_it(self, front, tenant, authorization):
        tokens = {
            "arm": tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, ARM_AUDIENCE),
            "graph": tenant.entra.issue_token(DEPLOYMENT_CLIENT_ID, GRAPH_AUDIENCE),
        }
        answer = httpx.put(
            f"{front.address}/arm{GROUP_PATH}?{GROUPS}",
            json={"location": "westeurope"},
            headers={"Authorization": authorization.format(**tokens)},
        )
        assert error_of(answer) == (401, "InvalidAuthenticationToken")
        assert tenant.snapshot()["resourceGroups"] == {}

    def test_tells_everybody_of_which_tenant_a_domain_is(self, front):
        login = f"{front.variables['MICROSOFT_ENTRA_ADDRESS']}"
        document = "v2.0/.well-known/openid-configuration"
        told = httpx.get(f"{login}/contoso.onmicrosoft.com/{document}")
        assert told.json()["issuer"].split("/")[3] == TENANT_ID
        nobody = httpx.get(f"{login}/fabrikam.onmicrosoft.com/{document}")
        assert (nobody.status_code, nobody.json()["error"]) == (400, "invalid_tenant")
        assert httpx.get(f"{login}/contoso.com/oauth2").status_code == 501

    def test_says_what_is_not_simulated(self, arm, sender):
        answer = arm.get(f"{WORKFLOW_PATH}/triggers?{WORKFLOWS}")
        assert error_of(answer) == (501, "NotSimulated")


class TestARunOverHttp:
    def run(self, arm):
        """Runs the workflow; returns its action as the run history shows it."""
        started = arm.post(f"{WORKFLOW_PATH}/triggers/manual/run?{WORKFLOWS}")
        assert started.status_code == 202
        run = started.headers["x-ms-workflow-run-id"]
        assert arm.get(f"{WORKFLOW_PATH}/runs/{run}?{WORKFLOWS}").json()["name"] == run
        path = f"{WORKFLOW_PATH}/runs/{run}/actions/Send_mail?{WORKFLOWS}"
        return arm.get(path).json()["properties"]

    def test_its_answer_is_read_from_the_link_in_the_history(self, arm, sender, front):
        link = self.run(arm)["outputsLink"]["uri"]
        assert link.startswith(f"{front.address}/logic/workflows/")
        assert httpx.get(link).json()["statusCode"] == 202

    def test_a_link_takes_its_signature_and_no_token(self, arm, sender):
        link = self.run(arm)["outputsLink"]["uri"]
        assert error_of(httpx.get(link[:-1])) == (404, "ContentNotFound")
        # Logic Apps refuses a request that shows both.
        assert error_of(arm.get(link)) == (401, "DirectApiAuthorizationRequired")

    def test_the_callback_address_fires_it(self, arm, sender, tenant):
        path = f"{WORKFLOW_PATH}/triggers/manual/listCallbackUrl?{WORKFLOWS}"
        url = arm.post(path).json()["value"]
        assert httpx.post(url, json={"any": "body"}).status_code == 202
        assert httpx.post(url[:-1]).status_code == 401
        assert httpx.put(url).status_code == 405
        assert len(tenant.mail()) == 1


class TestGraph:
    def test_needs_token_and_content_type_as_the_tenant_does(self, front, tenant):
        principals = f"{front.variables['MICROSOFT_GRAPH_ADDRESS']}/v1.0/servicePrincipals"
        assert error_of(httpx.get(principals)) == (401, "InvalidAuthenticationToken")
        headers = bearer(tenant, GRAPH_AUDIENCE)
        named = httpx.get(
            principals, params={"$filter": "displayName eq 'Payroll Reports'"}, headers=headers
        )
        assert [p["displayName"] for p in named.json()["value"]] == ["Payroll Reports"]
        assigned = f"{principals}/{named.json()['value'][0]['id']}/appRoleAssignedTo"
        without = httpx.post(assigned, content=b"{}", headers=headers)
        assert error_of(without) == (400, "RequestBodyRead")
        assert error_of(httpx.post(assigned, content=b"{}", headers=headers | JSON)) == (
            400,
            "Request_BadRequest",
        )


class TestExchange:
    @pytest.fixture
    def invoke(self, front, tenant):
        def invoke(name, parameters, organization="contoso.onmicrosoft.com", headers=None):
            address = front.variables["SIMULATED_EXCHANGE_ADDRESS"]
            return httpx.post(
                f"{address}/adminapi/beta/{organization}/InvokeCommand",
                json={"CmdletInput": {"CmdletName": name, "Parameters": parameters}},
                headers=bearer(tenant, EXCHANGE_AUDIENCE) if headers is None else headers,
            )

        return invoke

    def test_runs_a_cmdlet(self, invoke, tenant):
        made = invoke(
            "new-mailbox", {"Shared": True, "Name": "Sender", "Alias": "sender", "Confirm": False}
        )
        assert made.status_code == 200
        [mailbox] = made.json()["value"]
        assert mailbox["PrimarySmtpAddress"] == "sender@contoso.com"
        assert tenant.snapshot()["mailboxes"][mailbox["ExternalDirectoryObjectId"]]

    def test_binds_parameters_as_exchange_has_them(self, invoke):
        unknown = invoke("Get-Mailbox", {"Identitty": "finance@contoso.com"})
        assert unknown.status_code == 400
        assert "parameter name 'Identitty'" in unknown.json()["error"]["message"]
        assert error_of(invoke("Get-Mailboxes", {})) == (400, "CommandNotFound")
        assert error_of(invoke("Get-Mailbox", {"Anr": "fin"})) == (501, "NotSimulated")
        assert error_of(invoke("Remove-Mailbox", {"Identity": "x", "WhatIf": True})) == (
            501,
            "NotSimulated",
        )

    def test_passes_refusals_on_as_exchange_spells_them(self, invoke):
        message = invoke("Get-Mailbox", {"Identity": "nobody"}).json()["error"]["message"]
        assert message.startswith("Ex")
        assert "|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|" in (
            message
        )

    def test_lets_nobody_else_in(self, invoke, tenant):
        assert invoke("Get-Mailbox", {}, headers={}).status_code == 401
        assert invoke("Get-Mailbox", {}, headers=bearer(tenant, ARM_AUDIENCE)).status_code == 401
        assert invoke("Get-Mailbox", {}, organization="fabrikam.com").status_code == 401

    @pytest.mark.parametrize(
        "body",
        [[], {}, {"CmdletInput": {"CmdletName": 1}}, {"CmdletInput": {"CmdletName": "x", "y": 1}}],
    )
    def test_needs_its_form(self, front, tenant, body):
        address = front.variables["SIMULATED_EXCHANGE_ADDRESS"]
        answer = httpx.post(
            f"{address}/adminapi/beta/contoso.onmicrosoft.com/InvokeCommand",
            json=body,
            headers=bearer(tenant, EXCHANGE_AUDIENCE),
        )
        assert error_of(answer) == (400, "BadRequest")
        other = httpx.get(f"{address}/adminapi/beta/contoso.onmicrosoft.com/Mailbox")
        assert error_of(other) == (501, "NotSimulated")


class TestSigningIn:
    @pytest.fixture
    def environment(self, front, monkeypatch):
        for name, value in front.variables.items():
            monkeypatch.setenv(name, value)
        return monkeypatch

    def test_azure_identity_gets_a_token_that_the_tenant_takes(self, front, environment, sender):
        with DefaultAzureCredential() as credential:
            token = credential.get_token(f"{ARM_AUDIENCE}/.default").token
        answer = httpx.get(
            f"{front.variables['RESOURCE_MANAGER_ADDRESS']}{WORKFLOW_PATH}?{WORKFLOWS}",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 200

    def test_it_gets_none_for_an_unknown_audience(self, environment):
        with (
            DefaultAzureCredential() as credential,
            pytest.raises(ClientAuthenticationError, match="Token request error"),
        ):
            credential.get_token("https://unknown.contoso.com/.default")

    def test_nobody_gets_one_without_the_header(self, front):
        address = f"{front.address}/identity/token?api-version=2019-08-01&resource={ARM_AUDIENCE}"
        assert error_of(httpx.get(address)) == (401, "Unauthorized")
        header = {"X-IDENTITY-HEADER": front.variables["IDENTITY_HEADER"]}
        assert httpx.get(address, headers=header).status_code == 200
        other = httpx.get(f"{address}&client_id={DEPLOYMENT_CLIENT_ID}", headers=header)
        assert error_of(other) == (501, "NotSimulated")


class TestFaultsReachTheClient:
    def plan(self, tenant, kind):
        tenant.arm.request("GET", f"{GROUP_PATH}?{GROUPS}")
        tenant.plan_faults([Fault(steps(tenant.calls())[-1], kind)])

    def test_throttling_says_when_to_come_back(self, arm, tenant):
        self.plan(tenant, Kind.THROTTLED)
        answer = arm.get(f"{GROUP_PATH}?{GROUPS}")
        assert error_of(answer) == (429, "TooManyRequests")
        assert answer.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)

    def test_a_lost_answer_is_none(self, arm, tenant):
        self.plan(tenant, Kind.TIMEOUT_BEFORE)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            arm.get(f"{GROUP_PATH}?{GROUPS}")
        assert arm.get(f"{GROUP_PATH}?{GROUPS}").status_code == 404


class TestBadRequests:
    def test_content_that_is_no_json(self, arm):
        answer = arm.put(f"{GROUP_PATH}?{GROUPS}", content=b"{")
        assert error_of(answer) == (400, "InvalidRequestContent")

    def test_content_that_is_nested_too_deeply(self, arm):
        content = b"[" * 100_000 + b"]" * 100_000
        answer = arm.put(f"{GROUP_PATH}?{GROUPS}", content=content)
        assert error_of(answer) == (400, "InvalidRequestContent")

    def test_a_defect_of_the_simulation_is_an_answer(self, arm, tenant, monkeypatch):
        def defect(*_, **__):
            raise KeyError("what is not there")

        monkeypatch.setattr(tenant.arm, "request", defect)
        answer = arm.get(f"{GROUP_PATH}?{GROUPS}")
        assert error_of(answer) == (500, "InternalServerError")
        assert "KeyError('what is not there')" in answer.json()["error"]["message"]

    def test_content_of_unknown_length(self, arm):
        answer = arm.put(f"{GROUP_PATH}?{GROUPS}", content=iter([b"{}"]))
        assert error_of(answer) == (411, "LengthRequired")

    @pytest.mark.parametrize("path", ["", "/", "/armed/x", "/subscriptions/x"])
    def test_addresses_of_no_service(self, front, path):
        assert error_of(httpx.get(f"{front.address}{path}")) == (404, "NotFound")

    def test_an_address_that_is_none_is_answered(self, front, tenant):
        # httpx would mend it.
        with closing(HTTPConnection("127.0.0.1", httpx.URL(front.address).port)) as connection:
            connection.request("GET", "/arm//[", headers=bearer(tenant, ARM_AUDIENCE))
            assert connection.getresponse().status == 501


class TestManyClientsAtOnce:
    def test_each_call_is_whole(self, arm, tenant):
        names = [f"group-{number}" for number in range(24)]
        path = f"{GROUP_PATH.rsplit('/', 1)[0]}/{{}}?{GROUPS}"

        def make(name):
            return arm.put(path.format(name), json={"location": "westeurope"}).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(make, names)) == {201}
        assert {g["name"] for g in tenant.snapshot()["resourceGroups"].values()} == set(names)
        numbers = [call.number for call in tenant.calls()]
        assert numbers == list(range(1, len(numbers) + 1))

    @pytest.mark.skipif(sys.platform != "linux", reason="only there a full queue takes nobody")
    def test_many_wait_for_their_turn(self, tenant, monkeypatch):
        # The server takes none of them: they are in its queue, or were not let in.
        monkeypatch.setattr(socketserver.BaseServer, "serve_forever", lambda *_: None)
        monkeypatch.setattr(socketserver.BaseServer, "shutdown", lambda *_: None)
        with served(tenant) as front, ExitStack() as connections:
            address = ("127.0.0.1", httpx.URL(front.address).port)
            for _ in range(150):
                connections.enter_context(socket.create_connection(address, timeout=5))


class TestOverTls:
    @pytest.fixture
    def front(self, tenant, tmp_path, monkeypatch):
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with served(tenant, tls=tmp_path) as front:
            yield front

    def test_answers_whom_the_variables_have_trust_it(self, front, tenant, monkeypatch):
        assert front.address.startswith("https://127.0.0.1:")
        address = f"{front.variables['RESOURCE_MANAGER_ADDRESS']}{GROUP_PATH}?{GROUPS}"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(address)
        monkeypatch.setenv("SSL_CERT_FILE", front.variables["SSL_CERT_FILE"])
        assert error_of(httpx.get(address, headers=bearer(tenant, ARM_AUDIENCE))) == (
            404,
            "ResourceGroupNotFound",
        )
        assert front.variables["REQUESTS_CA_BUNDLE"] == front.variables["SSL_CERT_FILE"]

    def test_the_same_client_trusts_everybody_else_as_before(self, front):
        trusted = ssl.create_default_context(cafile=front.variables["SSL_CERT_FILE"])
        before = ssl.create_default_context(cafile=certifi.where())
        assert len(trusted.get_ca_certs()) == len(before.get_ca_certs()) + 1

    def test_its_certificate_is_for_this_machine_and_a_week(self, front):
        context = ssl.create_default_context(cafile=front.variables["SSL_CERT_FILE"])
        port = httpx.URL(front.address).port
        with (
            socket.create_connection(("127.0.0.1", port)) as connection,
            context.wrap_socket(connection, server_hostname="127.0.0.1") as secured,
        ):
            certificate = secured.getpeercert()
        assert certificate is not None
        assert certificate["subjectAltName"] == (("IP Address", "127.0.0.1"),)
        lifetime = ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()
        assert 0 < lifetime <= 7 * 24 * 3600

    def test_writes_no_key_down(self, front, tmp_path):
        written = [path.read_bytes() for path in tmp_path.iterdir() if path.suffix == ".pem"]
        assert len(written) == 1
        assert b"PRIVATE KEY" not in written[0]

    def test_one_that_does_not_speak_it_stops_nobody(self, front, tenant, monkeypatch, capfd):
        monkeypatch.setenv("SSL_CERT_FILE", front.variables["SSL_CERT_FILE"])
        with socket.create_connection(("127.0.0.1", httpx.URL(front.address).port)) as silent:
            with pytest.raises(httpx.HTTPError):
                httpx.get(front.address.replace("https", "http"))
            answer = httpx.get(f"{front.address}/arm{GROUP_PATH}?{GROUPS}")
            assert error_of(answer) == (401, "InvalidAuthenticationToken")
            silent.close()
        assert capfd.readouterr().err == ""

    def test_links_in_answers_lead_there_too(self, front, sender, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", front.variables["SSL_CERT_FILE"])
        headers = bearer(sender.tenant, ARM_AUDIENCE)
        url = f"{front.address}/arm{WORKFLOW_PATH}/triggers/manual/listCallbackUrl?{WORKFLOWS}"
        callback = httpx.post(url, headers=headers).json()["value"]
        assert callback.startswith(f"{front.address}/logic/workflows/")
        assert httpx.post(callback).status_code == 202


class TestCommand:
    @pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process there")
    @pytest.mark.parametrize("options", [[], ["--tls"]], ids=["plain", "tls"])
    def test_serves_until_it_is_interrupted(self, tmp_path, monkeypatch, options):
        command = [sys.executable, "-m", "simulator", "serve", "--directory", str(tmp_path)]
        with subprocess.Popen(
            [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            shown = iter(process.stdout.readline, "")
            address = next(shown).split()[5]
            variables = {}
            for line in shown:
                name, separator, value = line.strip().partition("=")
                if separator:
                    variables[name] = value
                if name == ("SSL_CERT_FILE" if options else "no_proxy"):
                    break
            if options:
                monkeypatch.setenv("SSL_CERT_FILE", variables["SSL_CERT_FILE"])
            assert variables["RESOURCE_MANAGER_ADDRESS"] == f"{address}/arm"
            answer = httpx.get(
                f"{variables['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={ARM_AUDIENCE}",
                headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]},
            )
            assert json.loads(answer.text)["token_type"] == "Bearer"
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0

    def test_a_taken_port_is_an_error_and_no_traceback(self, tmp_path, front):
        port = str(httpx.URL(front.address).port)
        command = [sys.executable, "-m", "simulator", "serve", "--port", port]
        done = subprocess.run(
            [*command, "--directory", str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stderr.startswith(f"simulator: port {port} of 127.0.0.1 cannot be had: ")
        assert "Traceback" not in done.stderr
