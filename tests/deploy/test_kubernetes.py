"""The manifests as kustomize renders them: valid, each role given what the table of stages says, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.kit import DEPLOY, KUSTOMIZE, check_call, go_program, read_documents, read_yaml, run_checked
from tests.deploy.test_files import OPS_PORT
from wirewatch.hosting.runner import DRAIN_SECONDS
from wirewatch.net.networks import why_blocked
from wirewatch.settings import Settings
from wirewatch.settings.declared import read_listen, read_networks
from wirewatch.settings.load import load, options
from wirewatch.stages import STAGES

FOLDER = DEPLOY / "kubernetes"
OVERLAYS = ("base", "overlays/small", "overlays/production")
# the oldest release that still knows all we use, and the newest whose schemas are at hand
VERSIONS = ("1.31", kubernetes_validate.latest_version())
ROLE = "app.kubernetes.io/component"
REACHES = "wirewatch/reaches-"
SECRETS = {"index": "WIREWATCH_OPENSEARCH_PASSWORD", "control": "PGPASSWORD"}
PORTS = {"broker": {9092, 9093}, "index": {9200}, "control": {5432}}

Manifests = list[dict[str, Any]]

pytestmark = pytest.mark.timeout(300)  # the first test builds kustomize where it was never built


@pytest.fixture(scope="session")
def render() -> Callable[[str], Manifests]:
    """Each overlay as the cluster would get it, rendered once."""
    kustomize = go_program(*KUSTOMIZE)
    rendered: dict[str, Manifests] = {}

    def one(overlay: str) -> Manifests:
        if overlay not in rendered:
            rendered[overlay] = read_documents(run_checked([kustomize, "build", FOLDER / overlay]))
        return rendered[overlay]

    return one


@pytest.fixture(params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, render: Callable[[str], Manifests]) -> Manifests:
    return render(request.param)


@pytest.fixture
def production(render: Callable[[str], Manifests]) -> Manifests:
    return render("overlays/production")


def of_kind(manifests: Manifests, kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def deployments(manifests: Manifests) -> dict[str, dict[str, Any]]:
    """By role."""
    found = of_kind(manifests, "Deployment")
    return {name.removeprefix("wirewatch-"): one for name, one in found.items()}


def pods(manifests: Manifests) -> Iterator[dict[str, Any]]:
    """Every pod that will run."""
    for one in [*of_kind(manifests, "Deployment").values(), *of_kind(manifests, "Job").values()]:
        yield one["spec"]["template"]


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def secrets_of(pod: dict[str, Any]) -> set[str]:
    return {one["name"] for one in container(pod)["env"] if "secretKeyRef" in one.get("valueFrom", {})}


def check_keda(one: dict[str, Any]) -> None:
    """What KEDA's own definition asks for; the definition itself is not at hand."""
    spec = one["spec"]
    if one["kind"] == "TriggerAuthentication":
        assert set(spec) == {"secretTargetRef"}
        assert {ref["parameter"] for ref in spec["secretTargetRef"]} <= {"sasl", "username", "password", "tls", "ca"}
        assert all(set(ref) == {"parameter", "name", "key"} for ref in spec["secretTargetRef"])
        return
    assert set(spec) == {
        "scaleTargetRef",
        "minReplicaCount",
        "maxReplicaCount",
        "pollingInterval",
        "cooldownPeriod",
        "advanced",
        "triggers",
    }
    assert set(spec["scaleTargetRef"]) == {"name"}
    for number in ("minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod"):
        assert isinstance(spec[number], int)
    assert set(spec["advanced"]) == {"horizontalPodAutoscalerConfig"}
    for trigger in spec["triggers"]:
        assert set(trigger) == {"type", "metadata", "authenticationRef"}
        assert all(isinstance(value, str) for value in trigger["metadata"].values()), "KEDA's metadata is text"


def test_every_document_is_valid_for_kubernetes(manifests: Manifests) -> None:
    for one in manifests:
        if one["apiVersion"].startswith("keda.sh/"):
            check_keda(one)
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)


def test_every_role_runs_once_made_from_the_one_base(manifests: Manifests) -> None:
    assert set(deployments(manifests)) == set(STAGES)
    for role, one in deployments(manifests).items():
        pod = one["spec"]["template"]
        assert one["spec"]["selector"]["matchLabels"][ROLE] == pod["metadata"]["labels"][ROLE] == role
        environment = {each["name"]: each for each in container(pod)["env"]}
        field = environment["ROLE"]["valueFrom"]["fieldRef"]["fieldPath"]
        assert field == f"metadata.labels['{ROLE}']", "the role is the label: nothing else says it"
        check_call([role if argument == "$(ROLE)" else argument for argument in container(pod)["args"]])
        for spread in pod["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"][ROLE] == role
            assert spread["whenUnsatisfiable"] == "ScheduleAnyway", "two on one machine are better than one"


def test_every_variable_is_the_program_s_or_a_library_s(manifests: Manifests) -> None:
    known = {option.variable for option in options()} | {"ROLE", "PGPASSWORD"}
    for pod in pods(manifests):
        assert {each["name"] for each in container(pod)["env"]} <= known


def test_a_role_reaches_and_knows_what_the_table_of_stages_says(manifests: Manifests) -> None:
    for role, one in deployments(manifests).items():
        pod, reaches = one["spec"]["template"], STAGES[role].reaches
        marked = {label.removeprefix(REACHES) for label in pod["metadata"]["labels"] if label.startswith(REACHES)}
        assert marked == reaches
        allowed = {secret for reach, secret in SECRETS.items() if reach in reaches}
        allowed |= {"WIREWATCH_KAFKA_PASSWORD"}
        allowed |= {"WIREWATCH_WEB_TOKEN"} if role == "web" else set()
        allowed |= {"WIREWATCH_WEB_PUSH_KEY"} if role in {"poll", "web"} else set()
        assert secrets_of(pod) <= allowed
        assert "PGPASSWORD" in secrets_of(pod) or "control" not in reaches
        assert "WIREWATCH_WEB_TOKEN" in secrets_of(pod) or role != "web"


def test_in_production_every_server_wants_a_password_and_tls(production: Manifests) -> None:
    for role, one in deployments(production).items():
        known = secrets_of(one["spec"]["template"])
        assert "WIREWATCH_KAFKA_PASSWORD" in known
        assert (SECRETS["index"] in known) == ("index" in STAGES[role].reaches)
    settings = load(FOLDER / "overlays" / "production" / "wirewatch.toml").settings
    for pod in pods(production):
        (mount,) = (one for one in container(pod)["volumeMounts"] if one["name"] == "ca")
        assert settings.kafka.ca_file == settings.opensearch.ca_file == f"{mount['mountPath']}/ca.crt"
    assert f"sslrootcert={settings.kafka.ca_file}" in settings.control


def test_secrets_come_by_reference_only(manifests: Manifests) -> None:
    assert not of_kind(manifests, "Secret")
    for pod in pods(manifests):
        for each in container(pod)["env"]:
            assert not ("value" in each and any(word in each["name"] for word in ("PASSWORD", "TOKEN", "KEY")))


def test_every_pod_is_restricted(manifests: Manifests) -> None:
    (namespace,) = of_kind(manifests, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (account,) = of_kind(manifests, "ServiceAccount").values()
    assert account["automountServiceAccountToken"] is False
    for pod in pods(manifests):
        spec, only = pod["spec"], container(pod)
        assert spec["serviceAccountName"] == account["metadata"]["name"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(only["resources"]) == {"requests", "limits"}
        assert {"memory", "ephemeral-storage"} <= set(only["resources"]["limits"])


def test_probes_ask_what_they_are_for_on_the_port_that_the_settings_open(manifests: Manifests) -> None:
    for one in deployments(manifests).values():
        only, spec = container(one["spec"]["template"]), one["spec"]["template"]["spec"]
        asked = {probe: only[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
        assert {probe: get["path"] for probe, get in asked.items()} == {
            "startup": "/healthz",
            "liveness": "/healthz",  # a broker that is away must not have everything restarted
            "readiness": "/readyz",
        }
        ports = {port["name"]: port["containerPort"] for port in only["ports"]}
        assert {get["port"] for get in asked.values()} == {"ops"}
        assert ports["ops"] == OPS_PORT
        assert ports.get("web", 8765) == read_listen(Settings().web.listen)[1]
        assert spec["terminationGracePeriodSeconds"] > DRAIN_SECONDS


def test_the_settings_are_mounted_where_the_program_is_told_to_read_them(manifests: Manifests) -> None:
    configs = of_kind(manifests, "ConfigMap")
    for pod in pods(manifests):
        (volume,) = (one for one in pod["spec"]["volumes"] if one["name"] == "config")
        assert set(configs[volume["configMap"]["name"]]["data"]) == {"wirewatch.toml"}
        (mount,) = (one for one in container(pod)["volumeMounts"] if one["name"] == "config")
        arguments = container(pod)["args"]
        assert arguments[arguments.index("--config") + 1] == f"{mount['mountPath']}/wirewatch.toml"
        (data,) = (one for one in container(pod)["volumeMounts"] if one["name"] == "data")
        assert data["mountPath"] == load(FOLDER / "base" / "wirewatch.toml").settings.data_dir


def test_nothing_goes_in_or_out_that_no_stage_needs(manifests: Manifests) -> None:
    policies = of_kind(manifests, "NetworkPolicy")
    closed = policies.pop("default-deny")["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for reach in ("index", "control", "internet"):
        chosen = policies.pop(f"reaches-{reach}")["spec"]
        assert chosen["podSelector"] == {"matchLabels": {REACHES + reach: "true"}}
        for rule in chosen["egress"]:
            assert {port["port"] for port in rule.get("ports", [])} == PORTS.get(reach, set())
    (rule,) = policies.pop("reaches-broker")["spec"]["egress"]
    assert {port["port"] for port in rule["ports"]} == PORTS["broker"]
    (rule,) = policies.pop("page")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": "web"}]
    (rule,) = policies.pop("metrics")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": "ops"}]
    assert set(policies) == {"names"}


def test_the_internet_is_without_private_addresses_as_in_the_program_s_own_guard(manifests: Manifests) -> None:
    (rule,) = of_kind(manifests, "NetworkPolicy")["reaches-internet"]["spec"]["egress"]
    shut = [network for block in rule["to"] for network in block["ipBlock"].get("except", [])]
    assert "10.0.0.0/8" in shut
    assert "169.254.0.0/16" in shut
    for network in read_networks(shut):
        assert why_blocked(network[0])
        assert why_blocked(network[-1])


def test_disruptions_take_one_process_of_a_role_at_a_time(manifests: Manifests) -> None:
    budgets = of_kind(manifests, "PodDisruptionBudget")
    assert {one["spec"]["selector"]["matchLabels"][ROLE] for one in budgets.values()} == set(STAGES)
    assert all(one["spec"]["maxUnavailable"] == 1 for one in budgets.values())


def test_a_role_scales_on_the_lag_that_the_table_of_stages_names_and_the_others_do_not(production: Manifests) -> None:
    partitions = load(FOLDER / "overlays" / "production" / "wirewatch.toml").settings.kafka.partitions
    scaled: dict[str, str] = {}
    for one in of_kind(production, "ScaledObject").values():
        spec = one["spec"]
        (trigger,) = spec["triggers"]
        role = spec["scaleTargetRef"]["name"].removeprefix("wirewatch-")
        assert trigger["type"] == "kafka"
        assert trigger["metadata"]["consumerGroup"] == f"wirewatch.{role}"
        scaled[role] = trigger["metadata"]["topic"]
        assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions
        broker = load(FOLDER / "overlays" / "production" / "wirewatch.toml").settings.broker
        assert broker == f"kafka://{trigger['metadata']['bootstrapServers']}"
        assert trigger["authenticationRef"]["name"] in of_kind(production, "TriggerAuthentication")
    assert scaled == {name: stage.scales_on.name for name, stage in STAGES.items() if stage.scales_on}
    (web,) = of_kind(production, "HorizontalPodAutoscaler").values()
    assert web["spec"]["scaleTargetRef"]["name"] == "wirewatch-web"
    # whoever is scaled has no number in its manifest: applying it again would undo the autoscaler's work
    numbered = {role for role, one in deployments(production).items() if "replicas" in one["spec"]}
    assert numbered == set(STAGES) - set(scaled) - {"web"}


def test_why_a_role_scales_as_it_does_stands_beside_it_in_the_stage_s_own_words() -> None:
    text = (FOLDER / "overlays" / "production" / "autoscaling.yaml").read_text(encoding="utf-8")
    for stage in STAGES.values():
        assert stage.scaling in text, stage.name


def test_topics_are_created_by_a_job_before_roles_can_start(manifests: Manifests) -> None:
    (job,) = of_kind(manifests, "Job").values()
    only = container(job["spec"]["template"])
    check_call(only["args"])
    assert only["args"][:2] == ["topics", "create"]
    images = {container(pod)["image"] for pod in pods(manifests)}
    assert images == {only["image"]}


def test_an_upgrade_goes_on_only_once_the_partitions_of_the_last_process_are_in_hand_again(
    manifests: Manifests,
) -> None:
    # a process that is stopped leaves its group at once; the longest that was measured is the recovery of the states of
    # 10,000 feeds by one worker, 11.4 s (docs/faust.md)
    for one in deployments(manifests).values():
        assert one["spec"]["minReadySeconds"] > 12


def test_services_lead_to_ports_that_their_pods_have(manifests: Manifests) -> None:
    services = of_kind(manifests, "Service")
    assert set(services) == {"wirewatch", "wirewatch-metrics"}
    for service in services.values():
        chosen = service["spec"]["selector"]
        found = [
            pod["spec"]["template"]
            for pod in deployments(manifests).values()
            if chosen.items() <= pod["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert found
        for pod in found:
            names = {port["name"] for port in container(pod)["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_every_component_is_used() -> None:
    used = {
        component.rpartition("/")[2]
        for path in FOLDER.rglob("kustomization.yaml")
        for component in read_yaml(path).get("components", [])
    }
    assert used == {path.name for path in (FOLDER / "components").iterdir()}
