import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.__main__ import main
from app.experiments import EXPERIMENTS
from tests.conftest import NewReader, Serve
from tests.support.http_client import (
    RUNS_PATH,
    FinishedRun,
    field_errors,
    json_body,
    post_run,
    problem_body,
    read_stream,
)
from tests.support.processes import Server
from tests.support.sse import event_ids, event_names


def test_the_experiments_are_listed_as_the_contract_says(reader: httpx.Client) -> None:
    every = json_body(reader.get("/experiments"))
    arms_of = {each["slug"]: [arm["id"] for arm in each["arms"]] for each in every}
    assert list(arms_of) == list(EXPERIMENTS)
    promised = {
        "learning-rates": ["cnn@0.1", "bn@0.1", "cnn@0.5", "bn@0.5"],
        "covariate-shift": ["cnn", "bn", "bn+noise", "cnn+noise"],
        "smoothness": ["cnn", "bn"],
        "norms": ["none", "bn", "l1", "l2", "lmax"],
        "loss-surface": ["cnn", "bn"],
    }
    assert arms_of | promised == arms_of
    metrics_of = {each["slug"]: {metric["id"] for metric in each["metrics"]} for each in every}
    assert metrics_of["norms"] >= {"train_loss", "test_accuracy", "mean_shift"}
    assert metrics_of["covariate-shift"] >= {
        *("train_loss", "train_accuracy", "mean_shift", "variance_shift"),
        *("ics_distance", "ics_cosine"),
    }
    assert metrics_of["smoothness"] >= {
        *("loss_change", "beta_activation", "beta", "loss_min", "loss_max", "gradient_distance"),
    }
    listed = every[0]
    assert listed["title"]
    assert listed["claim"]
    assert listed["steps"] == 100
    assert all(set(arm) >= {"id", "label"} for arm in listed["arms"])
    metrics = {metric["id"]: metric for metric in listed["metrics"]}
    assert set(metrics) >= {"test_loss", "test_accuracy", "dead_units"}
    assert all(set(metric) >= {"id", "label", "unit"} for metric in metrics.values())
    parameters = {parameter["name"]: parameter for parameter in listed["parameters"]}
    assert set(parameters) >= {"steps", "gamma0", "placement"}
    for parameter in parameters.values():
        assert set(parameter) >= {*("name", "kind", "default", "min", "max", "choices"), "help"}
    assert (parameters["gamma0"]["kind"], parameters["gamma0"]["min"]) == ("float", 0.01)
    assert parameters["placement"]["choices"] == ["before_relu", "after_pooling"]


def test_a_run_is_created_from_json(finished: FinishedRun) -> None:
    created = finished.created
    assert {name: created[name] for name in ("slug", "seed", "seeds", "parameters")} == {
        "slug": "learning-rates",
        "seed": 7,
        "seeds": 1,
        "parameters": {
            "steps": 10,
            "gamma0": 0.1,
            "placement": "after_pooling",
            "batch_size": 20,
            "statistics": "running",
            "longest_gradient": 0,
        },
    }
    assert set(created) == {
        *("id", "slug", "seed", "seeds", "parameters"),
        *("state", "position", "eta_s", "shared", "events"),
    }
    assert created["state"] in ("queued", "running")
    assert created["events"] == f"/runs/{created['id']}/events"


@pytest.mark.parametrize("how", ["json", "form", "multipart", "nothing"])
def test_a_run_is_created_from_whatever_a_reader_sends(reader: httpx.Client, how: str) -> None:
    values = {"seed": 9, "steps": 400, "gamma0": 0.5}
    texts = {name: str(value) for name, value in values.items()}
    answer = {
        "json": lambda: reader.post(RUNS_PATH, json=values),
        "form": lambda: reader.post(RUNS_PATH, data={**texts, "seeds": ""}),
        "multipart": lambda: reader.post(RUNS_PATH, files={k: (None, v) for k, v in texts.items()}),
        "nothing": lambda: reader.post(RUNS_PATH),
    }[how]()
    assert answer.status_code == 201
    created = json_body(answer)
    assert answer.headers["location"] == f"/runs/{created['id']}"
    if how == "nothing":
        assert 0 <= created["seed"] < 2**32
    else:
        assert (created["seed"], created["seeds"]) == (9, 1)
        assert created["parameters"]["gamma0"] == 0.5
    assert reader.delete(answer.headers["location"]).status_code == 202


def test_seeds_are_drawn_anew_each_time(new_reader: NewReader) -> None:
    runs = [json_body(post_run(new_reader(), steps=10)) for _ in range(2)]
    assert runs[0]["seed"] != runs[1]["seed"]


@pytest.mark.parametrize(
    ("values", "field", "bound"),
    [
        ({"seed": -1}, "seed", "whole number from 0 to 4294967295"),
        ({"seed": 2**32}, "seed", "whole number from 0 to 4294967295"),
        ({"seed": "abc"}, "seed", "whole number from 0 to 4294967295"),
        ({"seed": True}, "seed", "whole number from 0 to 4294967295"),
        ({"seeds": 100_000}, "seeds", "whole number from 1 to 10"),
        ({"seeds": 10, "steps": 400}, "seeds", "at most 5 with these settings"),
        ({"steps": 10**300}, "steps", "whole number from 10 to 400"),
        ({"placement": "<script>"}, "placement", "one of before_relu, after_pooling"),
        ({"momentum": 0.9}, "momentum", "not a parameter"),
    ],
)
def test_a_bad_value_is_refused_with_field_and_bound_and_leaves_no_run(
    server: Server, new_reader: NewReader, values: dict[str, object], field: str, bound: str
) -> None:
    reader = new_reader()
    texts = {name: str(value) for name, value in values.items()}
    for answer in (reader.post(RUNS_PATH, json=values), reader.post(RUNS_PATH, data=texts)):
        assert list(field_errors(answer)) == [field]
        assert bound in field_errors(answer)[field]
        assert "location" not in answer.headers


def test_refused_requests_leave_no_run_behind(server: Server, reader: httpx.Client) -> None:
    """A reader may hold three runs: were a refused one kept, the third would be turned away."""
    for _ in range(5):
        field_errors(post_run(reader, seed=-1))
    kept = [json_body(post_run(reader, steps=400)) for _ in range(3)]
    problem_body(post_run(reader, steps=400), 429)
    assert [run["position"] for run in kept] == sorted(run["position"] for run in kept)
    for run in kept:
        assert reader.delete(f"/runs/{run['id']}").status_code == 202


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"7", b'"seed"', b"null", b"\xff\xfe", b"[" * 9000, b'{"seed":NaN}']
)
def test_a_body_that_is_no_json_object_is_refused(reader: httpx.Client, body: bytes) -> None:
    answer = reader.post(RUNS_PATH, content=body, headers={"Content-Type": "application/json"})
    assert set(field_errors(answer)) <= {"body", "seed"}


@pytest.mark.parametrize("name", ["\\ud800", "<script>alert(1)</script>", "", "a" * 9000])
def test_a_strange_field_is_refused_like_any_other(reader: httpx.Client, name: str) -> None:
    answer = reader.post(
        RUNS_PATH, content=f'{{"{name}": 1}}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_experiment_is_not_found(reader: httpx.Client) -> None:
    document = problem_body(reader.post("/experiments/no-such/runs", json={}), 404)
    assert "no-such" in document["detail"]


@pytest.mark.parametrize("path", ["", "/events", "/metrics.csv", "/receipt.json"])
def test_an_unknown_run_is_not_found(reader: httpx.Client, path: str) -> None:
    problem_body(reader.get(f"/runs/no-such-run{path}"), 404)


def test_an_unknown_run_can_not_be_stopped(reader: httpx.Client) -> None:
    problem_body(reader.delete("/runs/no-such-run"), 404)


def test_a_key_without_bounds_is_refused(reader: httpx.Client) -> None:
    answer = post_run(reader, key="k" * 201)
    assert "key" in problem_body(answer, 422)["detail"].lower()


def test_a_run_is_stopped_by_its_reader_as_often_as_they_like(reader: httpx.Client) -> None:
    created = json_body(post_run(reader, steps=400))
    path = f"/runs/{created['id']}"
    for _ in range(3):
        answer = reader.delete(path)
        assert answer.status_code == 202
        assert json_body(answer) == {"id": created["id"], "state": "stopped"}
    events = read_stream(reader, created["id"])
    assert event_names(events).count("done") == 1
    assert events[-1].data["state"] == "stopped"
    assert "verdict" not in event_names(events)


def test_a_reader_who_has_enough_runs_is_told_when_to_come_back(new_reader: NewReader) -> None:
    greedy = new_reader()
    runs = [json_body(post_run(greedy, steps=400)) for _ in range(3)]
    refused = post_run(greedy, steps=400)
    problem_body(refused, 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert post_run(new_reader(), steps=10).status_code == 201
    for run in runs:
        assert greedy.delete(f"/runs/{run['id']}").status_code == 202
    assert post_run(greedy, steps=10).status_code == 201


def test_the_csv_is_what_the_stream_said_and_what_the_digest_is_of(finished: FinishedRun) -> None:
    answer = finished.reader.get(f"{finished.path}/metrics.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="learning-rates-seed-7.csv"'
    )
    receipt = json_body(finished.reader.get(finished.path, headers={"Accept": "application/json"}))
    assert receipt["digest"] == f"sha256:{hashlib.sha256(answer.content).hexdigest()}"

    header, *rows = answer.text.splitlines()
    assert header == "arm,seed,step,metric,value"
    streamed = {
        (event.data["arm"], event.data["seed"], step, metric): values[place]
        for event in finished.events
        if event.name == "points"
        for place, step in enumerate(event.data["step"])
        for metric, values in event.data["values"].items()
    }
    assert len(rows) == len(streamed) == 4 * 6 * 3
    for row in rows:
        arm, seed, step, metric, value = row.split(",")
        assert streamed[arm, int(seed), int(step), metric] == float(value)


def test_the_receipt_says_all_that_the_contract_asks(finished: FinishedRun) -> None:
    receipt = json_body(finished.reader.get(finished.path, headers={"Accept": "application/json"}))
    assert set(receipt) >= {
        *("id", "slug", "seed", "seeds", "parameters", "state", "verdict", "created"),
        *("elapsed_s", "versions", "device", "digest"),
    }
    assert (receipt["id"], receipt["seed"]) == (finished.created["id"], 7)
    assert receipt["state"] == "finished"
    assert receipt["elapsed_s"] == finished.events[-1].data["elapsed_s"] > 0
    assert receipt["device"] == "cpu"
    assert set(receipt["versions"]) >= {"batchnorm", "python", "torch"}
    verdict = next(event for event in finished.events if event.name == "verdict")
    assert receipt["verdict"] == verdict.data["text"]


def test_the_receipt_is_a_file_that_can_be_verified(
    finished: FinishedRun,
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    answer = finished.reader.get(f"{finished.path}/receipt.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="learning-rates-seed-7.json"'
    )
    receipt = json_body(finished.reader.get(finished.path, headers={"Accept": "application/json"}))
    assert json_body(answer) == receipt
    path = tmp_path / "learning-rates-seed-7.json"
    path.write_bytes(answer.content)
    assert main(["verify", str(path)]) == 0
    assert receipt["digest"] in capsys.readouterr().out


def test_the_whole_story_of_a_run_comes_over_its_stream(finished: FinishedRun) -> None:
    assert event_ids(finished.events) == list(range(1, len(finished.events) + 1))
    told = event_names(finished.events)
    assert told[0] == "queued"
    assert told.count("started") == told.count("verdict") == told.count("done") == 1
    assert told[-2:] == ["verdict", "done"]
    assert told.count("arm") == 4
    started = finished.events[told.index("started")].data
    assert started["run"] == finished.created["id"]
    assert (started["slug"], started["seed"], started["steps"]) == ("learning-rates", 7, 10)
    for arm in started["arms"]:
        points = [e for e in finished.events if e.name == "points" and e.data["arm"] == arm]
        assert sum((point.data["step"] for point in points), []) == [0, 2, 4, 6, 8, 10]  # noqa: RUF017
    assert finished.events[-1].data["state"] == "finished"


def test_the_same_seed_gives_the_same_numbers_in_a_terminal(
    finished: FinishedRun, terminal_csv: Path
) -> None:
    """Two workers here; one engine, one thread and one training at a time there."""
    assert finished.reader.get(f"{finished.path}/metrics.csv").text == terminal_csv.read_text()


def test_a_network_that_diverges_is_a_result(reader: httpx.Client) -> None:
    """With γ = 2 the linear layer sees large inputs, and a rate of 0.5 is too high."""
    events = read_stream(reader, json_body(post_run(reader, seed=7, gamma0=2, steps=20))["id"])
    states = {event.data["arm"]: event.data["state"] for event in events if event.name == "arm"}
    assert states == {
        "cnn@0.1": "finished",
        "bn@0.1": "finished",
        "cnn@0.5": "finished",
        "bn@0.5": "diverged",
    }
    assert events[-1].data["state"] == "finished"
    assert next(event for event in events if event.name == "verdict").data["holds"] is False


def test_runs_of_two_readers_at_once_do_not_mix(new_reader: NewReader) -> None:
    first, second = new_reader(), new_reader()
    runs = [json_body(post_run(reader, seed=5, steps=10)) for reader in (first, second)]
    digests = set()
    for reader, run in zip((second, first), runs, strict=True):  # anybody may watch
        events = read_stream(reader, run["id"])
        assert {event.data["run"] for event in events if event.name == "started"} == {run["id"]}
        receipt = reader.get(f"/runs/{run['id']}", headers={"Accept": "application/json"})
        digests.add(json_body(receipt)["digest"])
    assert len(digests) == 1


def test_every_one_of_many_readers_at_once_gets_an_answer(serve: Serve) -> None:
    """No worker is warm yet: the line only grows."""
    server = serve(workers=1, queue_seconds=60, address_share=1)

    def ask(seed: int | None) -> httpx.Response:
        with server.new_client() as reader:
            return (
                post_run(reader, steps=100)
                if seed is None
                else post_run(reader, steps=100, seed=seed)
            )

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(40)))
    admitted = [json_body(answer) for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert sorted(run["position"] for run in admitted) == list(range(len(admitted)))
    assert all(run["eta_s"] <= 60 for run in admitted)
    assert refused
    for answer in refused:
        problem_body(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1

    # Who leaves the seed open is given a run that already waits.
    shared = [json_body(ask(None)) for _ in range(5)]
    assert {run["id"] for run in shared} <= {run["id"] for run in admitted}
    assert all(run["shared"] for run in shared)
