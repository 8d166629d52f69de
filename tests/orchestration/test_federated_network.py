"""Silos behind TLS sockets: a server without rows trains over those that come, and does without those that leave."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.federated import agreement as agreements
from ml.federated import silos, training
from ml.federated.agreement import Agreement, Silo
from ml.federated.errors import FederatedError, FederatedInputError, ForgedMessageError, TooFewSilosError
from ml.federated.local import Rows
from ml.federated.member import Member
from ml.federated.messages import Participant
from ml.federated.model import LinearModel
from ml.federated.training import Trained
from orchestration import cli
from orchestration.federated_network import HEADER, MAGIC, SiloGoneError, gathered, receive, taken_part, tell
from privacy.multi_party.certificates import Credentials
from privacy.multi_party.rehearsal import certify
from tests.ml import features_table, synthetic
from tests.ml.federated.circle import Leaving

NAMES = ("north", "south", "west", "east")
COLUMNS = ("a", "b")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("federation")
    certify(made, (*NAMES, "server"))
    return made


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def agreed(folder: Path, columns: tuple[str, ...] = COLUMNS) -> Agreement:
    """An agreement of four silos, whose keys are made when they are missing."""
    for name in NAMES:
        with contextlib.suppress(FederatedInputError):
            agreements.make_key(folder / f"{name}.silo", secrets.token_bytes)
    keys = {name: agreements.read_key(folder / f"{name}.silo").public_key().public_bytes_raw().hex() for name in NAMES}
    listed = tuple(Silo(name, key) for name, key in keys.items())
    return Agreement("churn", "server", "127.0.0.1", free_port(), columns, listed, rounds=3)


def rows(seed: int) -> Rows:
    random = np.random.default_rng(seed)
    features = random.normal(size=(50, 2))
    return Rows(features, (features[:, 0] + random.normal(size=50) > 0).astype(float), random.integers(0, 20, 50))


def member(agreement: Agreement, folder: Path, name: str) -> Member:
    number, key = agreement.number_of(name), agreements.read_key(folder / f"{name}.silo")
    return Member(number, key, agreement.roster(), silos.computing(rows(number), 4), secrets.token_bytes)


def serve(agreement: Agreement, folder: Path, patience: float) -> tuple[Trained, int]:
    plan = agreement.plan()
    with gathered(agreement, Credentials(folder, "server"), plan.threshold or 0, patience) as found:
        trained = training.train(found, plan, secrets.token_bytes(16))
        return trained, tell(found, trained.model)


def federation(
    agreement: Agreement, folder: Path, members: dict[str, Participant], patience: float = 10.0
) -> tuple[Future[tuple[Trained, int]], dict[str, Future[LinearModel]]]:
    """The server and each silo in a thread of its own, all done."""
    with ThreadPoolExecutor(1 + len(members)) as pool:
        server = pool.submit(serve, agreement, folder, patience)
        taking = {
            name: pool.submit(taken_part, agreement, Credentials(folder, name), silo, patience)
            for name, silo in members.items()
        }
    return server, taking


def test_the_model_over_the_network_is_that_of_one_process(folder: Path) -> None:
    agreement = agreed(folder)
    server, taking = federation(agreement, folder, {name: member(agreement, folder, name) for name in NAMES})
    trained, n_told = server.result()
    local = training.train(
        silos.members({n: rows(n) for n in range(1, 5)}, secrets.token_bytes), agreement.plan(), b"t" * 16
    )
    np.testing.assert_allclose(trained.model.weights, local.model.weights, atol=1e-5)
    assert n_told == 4
    assert all(np.array_equal(f.result().weights, trained.model.weights) for f in taking.values())


def test_a_silo_that_leaves_is_done_without(folder: Path) -> None:
    agreement = agreed(folder)
    members: dict[str, Participant] = {name: member(agreement, folder, name) for name in NAMES}
    members["west"] = Leaving(member(agreement, folder, "west"), "contribute")
    server, _ = federation(agreement, folder, members)
    trained, n_told = server.result()
    assert [set(gone) for gone in trained.gone] == [{3}] * 4
    assert "refused (FederatedError)" in trained.gone[0][3]
    assert n_told == 4  # it answered, with a refusal, and may know the model


def test_too_few_silos_are_no_federation(folder: Path) -> None:
    agreement = agreed(folder)
    members: dict[str, Participant] = {name: member(agreement, folder, name) for name in NAMES[:2]}
    server, taking = federation(agreement, folder, members, patience=2.0)
    with pytest.raises(TooFewSilosError, match="2 of 4 silos came"):
        server.result()
    for future in taking.values():
        with pytest.raises(SiloGoneError):
            future.result()


def test_another_agreement_or_certificate_is_refused(folder: Path, tmp_path: Path) -> None:
    """West has other columns, and east a certificate of another authority: two silos are left, and three must come."""
    agreement = agreed(folder)
    certify(tmp_path, ("east", "server"))
    with ThreadPoolExecutor(5) as pool:
        server = pool.submit(serve, agreement, folder, 3.0)
        other = replace(agreement, columns=("b", "a"))
        wishes: list[tuple[Agreement, Path, str]] = [
            (agreement, folder, "north"), (agreement, folder, "south"), (other, folder, "west"),
            (agreement, tmp_path, "east"),
        ]  # fmt: skip
        taking = [
            pool.submit(taken_part, wish, Credentials(place, name), member(agreement, folder, name), 4.0)
            for wish, place, name in wishes
        ]
    with pytest.raises(TooFewSilosError):
        server.result()
    for future, text in ((taking[2], "another agreement"), (taking[3], "no certificate of server")):
        with pytest.raises(FederatedInputError, match=text):
            future.result()


@pytest.mark.parametrize("text", [HEADER.pack(MAGIC, 2**40), b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_too_long_or_no_message_is_not_read(text: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(text)
        with pytest.raises(ForgedMessageError, match="is not read"):
            receive(ours, 1_000)  # type: ignore[arg-type]
        theirs.sendall(HEADER.pack(MAGIC, 8) + b"half")
        theirs.close()
        with pytest.raises(FederatedError):
            receive(ours, 1_000)  # type: ignore[arg-type]


def test_lines_use_tls_with_both_certificates(folder: Path) -> None:
    for server in (True, False):
        context = Credentials(folder, "server").context(server=server)
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.minimum_version == ssl.TLSVersion.TLSv1_3


@pytest.mark.integration
def test_commands_from_keys_to_a_model(
    folder: Path, database: Any, platform: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Three silos in threads and north as a command on a home of its own; the server is a command too."""
    frame = synthetic.frame(60, 6)
    features_table.create(database, frame)
    columns = ("days_since_last_event", "n_events_28d")
    agreement = agreed(folder, columns)
    assert cli.main(["federated", "key", "--to", str(tmp_path / "new.silo"), "--home", platform.home]) == 0
    assert cli.main(["federated", "key", "--to", str(tmp_path / "new.silo"), "--home", platform.home]) == cli.USAGE
    file = tmp_path / "churn.yaml"
    listed = "".join(f"  - {{name: {silo.name}, key: '{silo.key}'}}\n" for silo in agreement.silos)
    file.write_text(
        f"name: churn\nserver: server\nhost: 127.0.0.1\nport: {agreement.port}\nrounds: 3\n"
        f"columns: [{', '.join(columns)}]\nsilos:\n{listed}"
    )
    assert Agreement.load(file).digest() == agreement.digest()
    shared = [str(file), "--folder", str(folder), "--patience", "20", "--home", platform.home]
    with ThreadPoolExecutor(4) as pool:
        server = pool.submit(cli.main, ["federated", "serve", *shared, "--to", str(tmp_path / "model.skops")])
        for name in NAMES[1:]:
            pool.submit(taken_part, agreement, Credentials(folder, name), member(agreement, folder, name), 20.0)
        code = cli.main(["federated", "join", *shared, "--silo", "north", "--key", str(folder / "north.silo")])
        assert server.result() == 0
    printed = capsys.readouterr().out
    assert code == 0
    assert "4 silos" in printed
    assert "has AUC 0." in printed
    assert (tmp_path / "model.skops").exists()


def test_agreements_that_are_none_are_refused(folder: Path, tmp_path: Path) -> None:
    good = agreed(folder)
    text = (
        f"name: churn\nserver: server\nhost: h\nport: 1\ncolumns: [a]\n"
        f"silos: {[{'name': s.name, 'key': s.key} for s in good.silos]}\n"
    )
    file = tmp_path / "a.yaml"
    file.write_text(text)
    assert Agreement.load(file).numbers() == {name: n for n, name in enumerate(NAMES, 1)}
    faults = (
        "", "- 1", text.replace("columns: [a]\n", ""), text + "rounds: 0\n", text + "method: sums\n",
        text.replace(good.silos[0].key, "00"), text.replace("north", "south"), text + "silos: []\n",
    )  # fmt: skip
    for wrong in faults:
        file.write_text(wrong)
        with pytest.raises(FederatedInputError):
            Agreement.load(file)
    with pytest.raises(FederatedInputError, match="no silo of churn"):
        good.number_of("centre")
    (tmp_path / "key").write_text("no key")
    with pytest.raises(FederatedInputError, match="holds no key"):
        agreements.read_key(tmp_path / "key")
