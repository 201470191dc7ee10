"""Dockerfile, compose files and Kubernetes manifests: what they promise, read as data.

`.ci/run deploy` checks the same files against the schemas of Compose and Kubernetes.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from typing import Any

import pytest
import yaml

from digest import config
from tests.conftest import ROOT
from tests.deploy.conftest import DEPLOY

COMPOSE = ("compose.yaml", "compose.cluster.yaml")
#: images of others, which need more than ours
FOREIGN = {"postgres"}
WORKLOADS = {"Deployment", "StatefulSet"}
#: seconds; the last reply of a mail server may take ten minutes
LAST_REPLY = 600


def read_compose(name: str) -> dict[str, Any]:
    """Read a compose file; anchors and merges are resolved."""
    content = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def read_manifests() -> list[dict[str, Any]]:
    """Read what the kustomization names, in its order."""
    folder = DEPLOY / "kubernetes"
    names = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    others = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(names) == others, "a manifest that kustomization.yaml does not name"
    return [
        document
        for name in names
        for document in yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
    ]


def find_workloads() -> list[Any]:
    """Find the pods' templates by name, for parametrize."""
    return [
        pytest.param(document, id=document["metadata"]["name"])
        for document in read_manifests()
        if document["kind"] in WORKLOADS
    ]


def read_instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile's instructions, with continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines()]


def check_settings(environment: dict[str, str]) -> None:
    """Load the settings of an environment; ConfigError names what is wrong."""
    values = {
        name: value
        for name, value in environment.items()
        if name.startswith("DIGEST_") and name not in {"DIGEST_HOST", "DIGEST_UPSTREAM"}
    }
    config.load(None, values)


# ----------------------------------------------------------------------------------------------
# the image


def test_the_image_runs_without_root_and_tells_its_health() -> None:
    instructions = read_instructions()
    last_stage = instructions[[name for name, _ in instructions].index("FROM", 1) :]
    assert [value for name, value in last_stage if name == "USER"] == ["10001:10001"]
    health = next(value for name, value in last_stage if name == "HEALTHCHECK")
    command = json.loads(health[health.index("[") :])
    compile(command[2], "HEALTHCHECK", "exec")
    assert "/readyz" in command[2]
    assert ("ENTRYPOINT", '["digest"]') in last_stage
    settings = next(value for name, value in last_stage if name == "ENV")
    check_settings(dict(pair.split("=", 1) for pair in shlex.split(settings)))


def test_what_the_image_copies_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name, value in read_instructions():
        if name == "COPY" and not value.startswith("--from"):
            for source in value.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored


# ----------------------------------------------------------------------------------------------
# Compose


@pytest.mark.parametrize("name", COMPOSE)
def test_services_are_locked_in(name: str) -> None:
    for service_name, service in read_compose(name)["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], service_name
        assert service["restart"] == "unless-stopped", service_name
        assert "privileged" not in service
        if service_name not in FOREIGN:
            assert service["read_only"] is True, service_name
            assert service["cap_drop"] == ["ALL"], service_name


@pytest.mark.parametrize("name", COMPOSE)
def test_everything_that_is_named_is_defined(name: str) -> None:
    content = read_compose(name)
    for service in content["services"].values():
        assert set(service.get("networks", ())) <= set(content["networks"])
        assert set(service.get("secrets", ())) <= set(content["secrets"])
        assert set(service.get("depends_on", ())) <= set(content["services"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./") and source != "./config.toml":
                assert (DEPLOY / source).exists(), source
            elif not source.startswith("."):
                assert source in content["volumes"]


@pytest.mark.parametrize("name", COMPOSE)
def test_roles_have_time_to_stop_and_settings_that_exist(name: str) -> None:
    roles = [
        service
        for service in read_compose(name)["services"].values()
        if "DIGEST_CONFIG" in service.get("environment", {})
    ]
    assert len(roles) == {"compose.yaml": 1, "compose.cluster.yaml": 3}[name]
    for service in roles:
        assert int(service["stop_grace_period"].removesuffix("s")) > LAST_REPLY
        environment = dict(service["environment"])
        del environment["DIGEST_CONFIG"]
        check_settings(environment)


@pytest.mark.parametrize("name", COMPOSE)
def test_only_the_front_network_is_believed_as_proxy(name: str) -> None:
    content = read_compose(name)
    subnet = content["networks"]["front"]["ipam"]["config"][0]["subnet"]
    for service in content["services"].values():
        proxies = service.get("environment", {}).get("DIGEST_WEB__TRUSTED_PROXIES")
        assert proxies in (None, f'["{subnet}"]')


def test_dask_knows_no_database_and_no_password() -> None:
    content = read_compose("compose.cluster.yaml")
    for name in ("dask-scheduler", "dask-worker"):
        service = content["services"][name]
        assert service["networks"] == ["dask"]
        assert not {"environment", "secrets", "volumes", "ports"} & set(service)
    assert content["networks"]["dask"]["internal"] is True
    assert content["networks"]["back"]["internal"] is True


# ----------------------------------------------------------------------------------------------
# Kubernetes


@pytest.mark.parametrize("workload", find_workloads())
def test_pods_are_locked_in(workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    # else Kubernetes sets variables such as DIGEST_WEB_PORT, which digest refuses
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        volumes |= {
            claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())
        }
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes


@pytest.mark.parametrize("workload", find_workloads())
def test_selectors_find_the_pods(workload: dict[str, Any]) -> None:
    assert (
        workload["spec"]["selector"]["matchLabels"]
        == workload["spec"]["template"]["metadata"]["labels"]
    )


def test_each_role_is_run_and_probed() -> None:
    commands = {}
    for document in read_manifests():
        if document["kind"] not in WORKLOADS:
            continue
        pod = document["spec"]["template"]["spec"]
        container = pod["containers"][0]
        if document["metadata"]["name"].startswith("digest-"):
            commands[container["args"][-1]] = pod["terminationGracePeriodSeconds"]
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            environment = {
                pair["name"]: pair["value"] for pair in container["env"] if "value" in pair
            }
            assert environment.pop("DIGEST_CONFIG") == "/etc/digest/config/config.toml"
            check_settings(environment)
        else:
            assert not {"env", "envFrom"} & set(container)
    assert set(commands) == {"web", "scheduler", "sender"}
    assert commands["sender"] > LAST_REPLY


def test_services_and_policies_point_at_pods_that_exist() -> None:
    documents = read_manifests()
    labels = [
        document["spec"]["template"]["metadata"]["labels"]
        for document in documents
        if document["kind"] in WORKLOADS
    ]
    for document in documents:
        if document["kind"] in {"Service", "PodDisruptionBudget", "NetworkPolicy"}:
            spec = document["spec"]
            selector = spec.get("selector", spec.get("podSelector", {}))
            wanted = selector.get("matchLabels", selector if document["kind"] == "Service" else {})
            assert any(wanted.items() <= pod.items() for pod in labels), document["metadata"]
        assert document["kind"] != "Secret", "secrets stand in no file"


def test_the_settings_of_kubernetes_are_valid() -> None:
    text = (DEPLOY / "kubernetes" / "config.toml").read_text(encoding="utf-8")
    config.check(tomllib.loads(text))
