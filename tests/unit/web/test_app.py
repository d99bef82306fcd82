"""The interface answers what the store and the model would, and long work is queued, watched and cancelled."""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sent import png

from cutaway.web import Bench


def test_what_is_on_the_bench(client: Any) -> None:
    stores = client.get("/api/stores").json()
    assert stores["photos"]["count"] == 23
    assert [layer["name"] for layer in stores["photos"]["layers"]] == ["act1", "act2"]
    assert "/" not in stores["photos"]["data"]  # no path of the server's
    assert client.get("/api/models").json()["small"]["input"] == [3, 12, 12]
    names = {node["name"] for node in client.get("/api/models/small/graph").json()["nodes"]}
    assert {"input", "conv1", "output"} <= names


def test_top_matrix_and_neighbours_are_the_stores(client: Any, bench: Bench) -> None:
    store = bench.store("photos")
    top = client.get("/api/stores/photos/top", params={"unit": "act2:3", "k": 4}).json()
    assert [each["instance"] for each in top] == [each.instance for each in store.top("act2:3", 4)]
    subsets = [{"name": "bees", "where": "label = 'bee'"}, {"name": "two", "instances": [1, 2]}]
    found = client.post("/api/stores/photos/matrix", json={"layer": "act2", "subsets": subsets}).json()
    values = store.matrix("act2", {"bees": "label = 'bee'", "two": [1, 2]}).values
    assert np.allclose(np.array(found["values"]), values[found["channels"]], atol=1e-4)
    near = client.get("/api/stores/photos/neighbours", params={"instance": 3, "layer": "act2", "k": 3}).json()
    assert [each["instance"] for each in near] == [number for number, _ in store.neighbours(3, "act2", 3)]
    single = {"layer": "act2", "instances": [3, 4], "show": "gradient"}
    assert len(client.post("/api/stores/photos/instance-matrix", json=single).json()["values"]) == 8


def test_a_lasso_takes_what_lies_inside(client: Any, bench: Bench) -> None:
    points = np.frombuffer(
        client.get("/api/stores/photos/projection", params={"layer": "act2"}).content, "<f4"
    ).reshape(-1, 2)
    assert np.array_equal(points, bench.store("photos").project("act2").points, equal_nan=True)
    asked = {"layer": "act2", "corners": [[-2, -2], [0, -2], [0, 2], [-2, 2]]}
    inside = client.post("/api/stores/photos/lasso", json=asked).json()["instances"]
    assert inside == np.flatnonzero(points[:, 0] < 0).tolist()


def test_units_without_some_are_those_of_an_edit(client: Any, bench: Bench) -> None:
    import cutaway as cw
    from cutaway.store import picture_of

    model = bench.model("small")
    picture = model.prepare(picture_of(bench.store("photos"), 3).sample.picture)
    with cw.edit(model, {"act2:1": 0.0, "act2:4": 0.0}):
        expected = model.predictions(model(picture)[0], 1)[0]
    asked = {"picture": "photos-3", "without": ["act2:1", "act2:4"]}
    found = client.get("/api/models/small/predictions", params=asked).json()["predictions"][0]
    assert found["label"] == expected.label
    assert found["logit"] == pytest.approx(expected.logit, abs=1e-5)


def test_pictures_come_as_small_images(client: Any) -> None:
    for path, query in (
        ("/api/stores/photos/picture/3", {"size": 32}),
        ("/api/stores/photos/picture/3", {"unit": "act1:2"}),
        ("/api/models/small/map", {"picture": "photos-3", "method": "grad_cam"}),
        ("/api/models/small/fired", {"picture": "photos-3", "unit": "act1:2"}),
    ):
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        assert Image.open(io.BytesIO(answer.content)).size[0] >= 1


def test_a_picture_of_ones_own(client: Any, bench: Bench) -> None:
    reference = client.post("/api/pictures", params={"name": "mine"}, content=png(30)).json()["picture"]
    found = client.get("/api/models/small/predictions", params={"picture": reference}).json()
    expected = bench.model("small").predict(Image.open(io.BytesIO(png(30))))[0]
    assert found["predictions"][0]["label"] == expected.label
    words = client.get("/api/models/small/dictionary", params={"picture": reference, "layer": "act2"}).json()
    assert len(words["channels"]) == words["rows"] * words["columns"]
    frame = client.post("/api/models/small/frame", params={"layers": ["act1", "act2"]}, content=png(30)).json()
    assert [layer["layer"] for layer in frame["layers"]] == ["act1", "act2"]


def test_answers_of_clients_at_the_same_time_do_not_mix(client: Any) -> None:
    def ask(number: int) -> float:
        query = {"picture": f"photos-{number}", **({"without": ["act2:1"]} if number % 2 else {})}
        found = client.get("/api/models/small/predictions", params=query).json()["predictions"]
        return float(found[0]["logit"])

    alone = {number: ask(number) for number in range(8, 20)}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, [*alone] * 5))
    assert together == [alone[number] for number in [*alone] * 5]


def ended(client: Any, job: dict[str, Any], seconds: float = 60) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state: dict[str, Any] = client.get(f"/api/jobs/{job['name']}").json()
        if state["state"] in ("done", "failed", "cancelled"):
            return state
        time.sleep(0.05)
    raise AssertionError(f"{job} did not end")


def test_units_are_drawn_by_a_job_that_is_found_again(client: Any) -> None:
    asked = {"kind": "units", "model": "small", "layer": "act2", "channels": [0, 1]}
    assert client.get("/api/models/small/unit", params={"unit": "act2:0"}).status_code == 404
    job = client.post("/api/jobs", json=asked).json()
    assert client.post("/api/jobs", json=asked).json()["name"] == job["name"]
    assert ended(client, job)["state"] == "done"
    assert client.get("/api/models/small/unit", params={"unit": "act2:0"}).status_code == 200
    events = client.get(f"/api/jobs/{job['name']}/events").text
    assert json.loads(events.removeprefix("data: "))["state"] == "done"


def test_a_job_that_waits_or_runs_can_be_cancelled(client: Any) -> None:
    first = client.post("/api/jobs", json={"kind": "explain", "model": "small", "picture": "photos-2"}).json()
    second = client.post("/api/jobs", json={"kind": "explain", "model": "small", "picture": "photos-4"}).json()
    for job in (second, first):
        client.delete(f"/api/jobs/{job['name']}")
    assert ended(client, second)["state"] == "cancelled"
    assert ended(client, first)["state"] in ("cancelled", "done")
    assert client.get(f"/api/jobs/{second['name']}/result").status_code == 404


def test_an_explanation_is_one_file_in_a_sandbox(client: Any) -> None:
    job = client.post("/api/jobs", json={"kind": "explain", "model": "small", "picture": "photos-3"}).json()
    assert ended(client, job)["state"] == "done"
    answer = client.get(f"/api/jobs/{job['name']}/result")
    assert answer.text.lstrip().lower().startswith("<!doctype html>")
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_tsne_and_groups(client: Any) -> None:
    assert client.get("/api/stores/photos/projection", params={"layer": "act1", "method": "tsne"}).status_code == 400
    for asked in (
        {"kind": "tsne", "store": "photos", "layer": "act1"},
        {"kind": "groups", "store": "photos", "layer": "act1", "groups": 2},
    ):
        job = client.post("/api/jobs", json=asked).json()
        assert ended(client, job)["state"] == "done"
    assert client.get("/api/stores/photos/projection", params={"layer": "act1", "method": "tsne"}).status_code == 200
    assert len(client.get(f"/api/jobs/{job['name']}/result").json()) == 2


def test_what_is_drawn_is_listed(client: Any) -> None:
    assert client.get("/api/models/small/drawn", params={"layer": "act2"}).json() == []
    job = client.post("/api/jobs", json={"kind": "units", "model": "small", "layer": "act2", "channels": [3, 5]}).json()
    assert ended(client, job)["kind"] == "units"
    assert client.get("/api/models/small/drawn", params={"layer": "act2"}).json() == [3, 5]


def test_maps_that_are_there_are_listed(client: Any) -> None:
    assert client.get("/api/stores/photos/maps", params={"layer": "act2"}).json() == ["pca"]
    job = client.post("/api/jobs", json={"kind": "tsne", "store": "photos", "layer": "act2"}).json()
    ended(client, job)
    assert client.get("/api/stores/photos/maps", params={"layer": "act2"}).json() == ["pca", "tsne"]


def test_a_unit_makes_a_subset_and_wrong_answers_are_counted(client: Any, bench: Bench) -> None:
    store = bench.store("photos")
    strongest = [each.instance for each in store.top("act2:3", 1)]
    assert client.get("/api/stores/photos/firing", params={"unit": "act2:3"}).json()["instances"] == strongest
    subsets = [{"name": "fires", "unit": "act2:3"}, {"name": "ants", "where": "label = 'ant'"}]
    found = client.post("/api/stores/photos/matrix", json={"layer": "act2", "subsets": subsets}).json()
    assert found["counts"][0] == 1
    expected = [store.rows(strongest)[0]["correct"] is False, len(store.query("label = 'ant' AND NOT correct"))]
    assert found["wrong"] == [int(expected[0]), expected[1]]
    both = [{"name": "two ways", "unit": "act2:3", "where": "true"}]
    answer = client.post("/api/stores/photos/matrix", json={"layer": "act2", "subsets": both})
    assert answer.status_code == 400
    assert "expected a condition, a list of pictures, or a unit; one of them" in answer.json()["error"]


def test_only_some_units_are_listed(client: Any) -> None:
    found = client.get("/api/stores/photos/units", params={"layer": "act2", "only": [6, 1], "order": "number"}).json()
    assert [unit["channel"] for unit in found["units"]] == [1, 6]
    assert found["total"] == 2


def test_groups_in_a_picture_are_those_of_the_block(client: Any, bench: Bench) -> None:
    from cutaway.blocks import neuron_groups

    asked = {"kind": "picture-groups", "model": "small", "picture": "photos-3", "layer": "act2", "groups": 2}
    job = client.post("/api/jobs", json=asked).json()
    assert ended(client, job)["state"] == "done"
    found = client.get(f"/api/jobs/{job['name']}/result").json()
    picture = bench.picture("small", "photos-3").pictures[0]
    expected = neuron_groups(bench.model("small"), picture, "act2", 2, visualize=False, restarts=1)
    target = expected.target[0]
    assert found["target"] == target
    for group, each in enumerate(found["groups"]):
        assert each["estimated"] == pytest.approx(float(expected.contributions[0, group, target]), abs=1e-4)
        assert each["measured"] == pytest.approx(float(expected.measured[0, group, target]), abs=1e-4)
        assert max(each["map"]) == 1
        assert len(each["map"]) == found["rows"] * found["columns"]


def test_reading_ahead_changes_no_answer_and_passes_over_damage(client: Any, bench: Bench) -> None:
    before = client.get("/api/stores/photos/top", params={"unit": "act2:3", "k": 4}).json()
    bench.warm()
    assert client.get("/api/stores/photos/top", params={"unit": "act2:3", "k": 4}).json() == before


def test_closing_cancels_what_waits() -> None:
    from cutaway.web.jobs import Job, Jobs

    jobs = Jobs()

    def long(job: Job) -> None:
        while True:
            job.tell(0, 1)
            time.sleep(0.01)

    first, second = (jobs.submit({"kind": kind}, kind, long) for kind in ("a", "b"))
    jobs.close()
    assert first.ended(5.0)
    assert (first.state, second.state) == ("cancelled", "cancelled")
