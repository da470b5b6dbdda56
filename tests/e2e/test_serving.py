"""What a person finds when `tenantry run` serves."""

from __future__ import annotations

import json
import re
import shlex
import stat
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ruamel.yaml import YAML

from tenantry.cli.processes import run_program
from tests.support.documentation import code_blocks
from tests.support.platform import PATIENCE_SECONDS, REPOSITORY, ServingPlatform

USAGE = """query ($from: DateTime!, $to: DateTime!) {
  usageSummary(tenant: "acme-corp", from: $from, to: $to) { workflow meters { invocations } cost { amount } }
}"""


@pytest.fixture
def caller(platform: ServingPlatform) -> str:
    token: str = platform.place.credentials["tenants"]["acme-corp"]["caller"]
    return token


def paste(platform: ServingPlatform) -> dict[str, Any]:
    """Runs the curl line that was printed, in a shell."""
    (line,) = (line for line in platform.said if line.startswith("curl "))
    done = run_program("bash", "-c", line)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_answer_is_what_the_example_promises(platform: ServingPlatform) -> None:
    promised = YAML(typ="safe").load(REPOSITORY / "examples/acme-corp/runs/checkout-approved.yaml")["answer"]
    said = "\n".join(platform.said)
    start = said.index("{", said.index("200 OK"))
    answer, _ = json.JSONDecoder().raw_decode(said[start:])
    assert {name: answer[name] for name in promised} == promised


def shape(text: str) -> list[str]:
    """The lines of an output without what differs from run to run: times, ids, bars, tokens."""
    for pattern, shown in (
        (r"tnt_[\w…]+", "token"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "id"),
        (r"[█─]+", ""),
        (r"[0-9]+(\.[0-9]+)?", "0"),
        (r"[ \t]+", " "),
    ):
        text = re.sub(pattern, shown, text)
    return [line.strip() for line in text.strip().splitlines()]


def test_the_readme_shows_what_is_really_printed(platform: ServingPlatform) -> None:
    shown = (REPOSITORY / "README.md").read_text()
    shown = shown[shown.index("✓ PostgreSQL") :].partition("```")[0]
    assert shape("\n".join(platform.said[:-1])) == shape(shown)


def test_trace_and_cost_are_shown(platform: ServingPlatform, caller: str) -> None:
    (named,) = (line for line in platform.said if line.startswith("Trace"))
    execution = platform.place.get(caller, "acme-corp", f"executions/{named.split()[-1]}")
    assert execution["status"] == "completed"
    assert any(
        line == f"Cost {execution['cost']['amount']} {execution['cost']['currency']}"
        for line in platform.said
    )
    for task in platform.place.get(caller, "acme-corp", f"executions/{execution['id']}/trace")["tasks"]:
        assert any(line.startswith(task["id"]) and task["status"] in line for line in platform.said)


def test_the_curl_line_works_when_it_is_pasted(platform: ServingPlatform) -> None:
    assert paste(platform)["decision"] == "approve"


def test_credentials_are_readable_by_their_owner_only(platform: ServingPlatform) -> None:
    for name in ("credentials.json", "secrets.json"):
        assert stat.S_IMODE((platform.place.home / name).stat().st_mode) == 0o600


def test_every_example_tenant_has_credentials_that_work(platform: ServingPlatform) -> None:
    tenants = platform.place.credentials["tenants"]
    assert sorted(tenants) == sorted(path.parent.name for path in REPOSITORY.glob("examples/*/tenant.yaml"))
    for name, tokens in tenants.items():
        data = platform.place.graphql(
            tokens["admin"], "query ($name: String!) { tenant(name: $name) { name } }", name=name
        )
        assert data == {"tenant": {"name": name}}
        assert platform.place.get(tokens["caller"], name, "workflows")["workflows"]


def test_the_usage_of_every_execution_arrives_exactly_once(platform: ServingPlatform, caller: str) -> None:
    paste(platform)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    span = {"from": (now - timedelta(hours=2)).isoformat(), "to": (now + timedelta(hours=2)).isoformat()}
    executions = platform.place.get(caller, "acme-corp", "workflows/checkout/executions")["executions"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    invocations = ""
    while invocations != str(len(executions)) and time.monotonic() < deadline:
        summary = platform.place.graphql(platform.place.credentials["platformAdmin"], USAGE, **span)[
            "usageSummary"
        ]
        invocations = "".join(
            one["meters"]["invocations"] for one in summary if one["workflow"] == "checkout"
        )
    assert invocations == str(len(executions))


def test_the_process_list_does_not_show_any_secret(platform: ServingPlatform) -> None:
    shown = run_program(
        "ps", "-ww", "-o", "args", *shlex.split(" ".join(f"-p {pid}" for pid in platform.place.pids))
    )
    assert shown.returncode == 0
    secrets = json.loads((platform.place.home / "secrets.json").read_bytes())
    for secret in (*secrets.values(), platform.place.credentials["platformAdmin"]):
        assert secret not in shown.stdout


def test_the_quickstart_works_as_it_is_written(platform: ServingPlatform) -> None:
    page = REPOSITORY / "docs/guides/quickstart.md"
    folder, ports = platform.place.home.parent, platform.place.ports

    def here(text: str) -> str:
        for written, moved in ((8080, ports.control_plane), (8081, ports.data_plane), (8082, ports.test_api)):
            text = text.replace(f"127.0.0.1:{written}", f"127.0.0.1:{moved}")
        return text

    (document,) = code_blocks(page, "yaml")
    (folder / "greeting.yaml").write_text(here(document))
    apply, execute = code_blocks(page, "bash")
    applied = run_program("bash", "-c", f"cd {folder}\n{here(apply)}")
    assert json.loads(applied.stdout)["data"]["applyDefinitions"]["findings"] == []
    until_served = f"until {here(execute).strip()} -f -o answer.json; do :; done; cat answer.json"
    token = platform.place.credentials["tenants"]["acme-corp"]["admin"]
    answered = run_program("bash", "-c", f"cd {folder}; token={token}; {until_served}")
    assert json.loads(answered.stdout)["text"].startswith("Hello, ")


def test_callbacks_are_signed_with_a_secret_of_this_home(platform: ServingPlatform) -> None:
    admin = platform.place.credentials["tenants"]["acme-corp"]["admin"]
    (secret,) = platform.place.get(admin, "acme-corp", "callbacks/secret")["secrets"]
    assert secret.startswith("whsec_")
