"""Routes about a store: its pictures, units, subsets, matrices and projections."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from pydantic import Field

from cutaway.core.errors import StoreError
from cutaway.core.types import Unit
from cutaway.store import Store, Subset, inside_lasso, picture_of
from cutaway.store.projection import METHODS
from cutaway.web import answers
from cutaway.web.bench import Bench
from cutaway.web.images import crop, thumbnail
from cutaway.web.names import captioned, found_names
from cutaway.web.routes_models import image
from cutaway.web.shapes import Condition, InstancesAsked, Lasso, MatrixAsked, SubsetGiven

Count = Annotated[int, Query(ge=1, le=200)]
Number = Annotated[int, Query(ge=0, le=10**9)]
Text = Annotated[str, Query(max_length=200)]
Channels = Annotated[list[Annotated[int, Field(ge=0)]] | None, Query(max_length=500)]
Where = Annotated[str | None, Query(max_length=2000)]

SHOWN = ("instance", "key", "label", "prediction", "probability", "runner_up", "margin", "loss", "correct", "error")


def router(bench: Bench) -> APIRouter:  # noqa: C901  # a table of routes, each as plain as can be
    """Everything that is asked of one store."""
    routes = APIRouter()

    @routes.get("/stores")
    def stores() -> dict[str, Any]:
        return {name: facts(bench, name) for name in bench.stores}

    @routes.get("/stores/{store}/units")
    def units(
        store: str, layer: Text, first: Number = 0, count: Count = 48, order: Text = "number", only: Channels = None
    ) -> dict[str, Any]:
        return unit_list(bench.store(store), layer, first, count, order, only)

    @routes.get("/stores/{store}/top")
    def top(store: str, unit: Text, k: Count = 9, where: Where = None) -> list[dict[str, Any]]:
        found = bench.store(store)
        best = found.top(unit, k, where or None)
        rows = found.rows([each.instance for each in best])
        return [vars(each) | brief(row) for each, row in zip(best, rows, strict=True)]

    @routes.post("/stores/{store}/query")
    def query(store: str, asked: Condition) -> dict[str, Any]:
        found = bench.store(store).query(asked.where)
        return {"count": len(found), "instances": found.tolist()}

    @routes.get("/stores/{store}/instances")
    def instances(store: str, first: Number = 0, count: Count = 60, where: Where = None) -> dict[str, Any]:
        found = bench.store(store)
        chosen = found.query(where) if where else np.arange(len(found))
        part = chosen[first : first + count]
        return {"count": len(chosen), "rows": [brief(row) for row in found.rows(part)]}

    @routes.get("/stores/{store}/instances/{instance}")
    def instance(store: str, instance: int) -> dict[str, Any]:
        found = bench.store(store)
        row = found.rows([instance])[0]
        return {key: value for key, value in row.items() if value is not None and key != "hash"}

    @routes.get("/stores/{store}/picture/{instance}")
    def picture(
        store: str, instance: int, size: Annotated[int, Query(ge=16, le=512)] = 96, unit: Text | None = None
    ) -> Response:
        return image(store_picture(bench.store(store), bench.model(bench.model_of[store]), instance, size, unit))

    @routes.post("/stores/{store}/matrix")
    def matrix(store: str, asked: MatrixAsked) -> dict[str, Any]:
        found = bench.store(store)
        subsets: dict[str, Subset] = {}
        for each in asked.subsets:
            subsets[each.name] = subset_of(found, each)
        values = found.matrix(asked.layer, subsets, asked.pooled)
        mean = found.statistics(asked.layer)["mean"]
        spread = found.statistics(asked.layer)["deviation"]
        order = telling(values.values, spread)[: asked.units]
        return {
            "layer": asked.layer,
            "names": values.names,
            "counts": values.counts,
            "wrong": [wrong_among(found, subset) for subset in subsets.values()],
            "channels": order.tolist(),
            "values": rounded(values.values[order]),
            "mean": rounded(mean[order]),
            "deviation": rounded(spread[order]),
        }

    @routes.post("/stores/{store}/instance-matrix")
    def instance_matrix(store: str, asked: InstancesAsked) -> dict[str, Any]:
        found = bench.store(store)
        if asked.show == "gradient":
            values = instance_gradients(bench, store, asked)
        else:
            values = found.values(asked.layer, asked.instances).T
        spread = found.statistics(asked.layer)["deviation"]
        order = telling(values, spread if asked.show == "activation" else np.ones(len(values)))[: asked.units]
        return {
            "layer": asked.layer,
            "show": asked.show,
            "channels": order.tolist(),
            "values": rounded(values[order]),
            "rows": [brief(row) for row in found.rows(asked.instances)],
        }

    @routes.get("/stores/{store}/projection")
    def projection(store: str, layer: Text, method: Text = "pca") -> Response:
        found = bench.store(store)
        if method != "pca" and not found.has_projection(layer, method):
            raise StoreError(f'the map "{method}" of {layer} is not made yet; expected a job that makes it')
        points = found.project(layer, method).points
        return Response(points.astype("<f4").tobytes(), media_type="application/octet-stream")

    @routes.get("/stores/{store}/maps")
    def maps(store: str, layer: Text) -> list[str]:
        """The maps of a layer that are there at once."""
        found = bench.store(store)
        found.plan.layer(layer)
        return [method for method in METHODS if method == "pca" or found.has_projection(layer, method)]

    @routes.get("/stores/{store}/colours")
    def colours(store: str) -> dict[str, Any]:
        """For each picture, in order: the number of its class, and whether the answer was right."""
        table = bench.store(store).instances.table
        names = table["label"].to_pylist()
        if not any(names):
            names = table["prediction"].to_pylist()
        known = [name for name, _ in Counter(name for name in names if name is not None).most_common()]
        index = {name: number for number, name in enumerate(known)}
        right = [{True: 1, False: 0, None: 2}[value] for value in table["correct"].to_pylist()]
        return {"names": known, "classes": [index.get(name, -1) for name in names], "correct": right}

    @routes.post("/stores/{store}/lasso")
    def lasso(store: str, asked: Lasso) -> dict[str, Any]:
        found = bench.store(store)
        if asked.method != "pca" and not found.has_projection(asked.layer, asked.method):
            raise StoreError(f'the map "{asked.method}" of {asked.layer} is not made yet')
        inside = inside_lasso(found.project(asked.layer, asked.method).points, asked.corners)
        return {"count": len(inside), "instances": inside.tolist()}

    @routes.get("/stores/{store}/neighbours")
    def neighbours(store: str, instance: Number, layer: Text, k: Count = 12) -> list[dict[str, Any]]:
        found = bench.store(store)
        near = found.neighbours(instance, layer, k)
        rows = found.rows([number for number, _ in near])
        return [brief(row) | {"likeness": value} for row, (_, value) in zip(rows, near, strict=True)]

    @routes.get("/stores/{store}/firing")
    def firing(store: str, unit: Text) -> dict[str, Any]:
        found = bench.store(store).firing(unit)
        return {"count": len(found), "instances": found.tolist()}

    @routes.get("/stores/{store}/names")
    def names(store: str, layer: Text) -> dict[str, Any]:
        found = bench.store(store)
        found.plan.layer(layer)
        given = bench.names.get((bench.model_of[store], layer), {})
        return {"captions": len(captioned(found)), "names": {**found_names(found, layer), **given}}

    @routes.get("/stores/{store}/strongest")
    def strongest(store: str, instance: Number, layer: Text, k: Count = 12) -> list[dict[str, Any]]:
        best = bench.store(store).strongest(instance, layer, k)
        return [{"unit": f"{layer}:{channel}", "deviations": value} for channel, value in best]

    return routes


def wrong_among(store: Store, subset: Subset) -> int:
    """How many pictures of a subset were answered wrongly."""
    wrong = np.zeros(len(store), dtype=bool)
    wrong[store.query("NOT correct")] = True
    return int(wrong[store.subset(subset)].sum())


def subset_of(store: Store, given: SubsetGiven) -> Subset:
    """A subset as a store takes it: a condition, or numbers of pictures."""
    ways = [way for way in (given.where, given.instances, given.unit) if way is not None]
    if len(ways) != 1:
        raise StoreError(f'subset "{given.name}": expected a condition, a list of pictures, or a unit; one of them')
    return store.firing(given.unit) if given.unit is not None else ways[0]


def facts(bench: Bench, name: str) -> dict[str, Any]:
    """What a page needs to know of a store."""
    store = bench.store(name)
    layers = [{"name": each.name, "channels": each.channels, "grid": list(each.grid)} for each in store.plan.layers]
    return {
        "model": bench.model_of[name],
        "data": store.plan.data.partition(":")[0],
        "count": len(store),
        "failed": len(store.failed),
        "labels": list(store.plan.labels),
        "predictions": commonest(store),
        "layers": layers,
        "columns": dict(store.instances.columns),
    }


def commonest(store: Store, k: int = 10) -> list[str]:
    """The classes that the network answered most often."""
    said = Counter(store.instances.table["prediction"].drop_null().to_pylist())
    return [label for label, _ in said.most_common(k)]


def unit_list(
    store: Store, layer: str, first: int, count: int, order: str, only: list[int] | None = None
) -> dict[str, Any]:
    """Units of a layer (or only some of them) with their statistics and their strongest pictures."""
    found = store.statistics(layer)
    keys = {"number": None, "deviation": -found["deviation"], "active": -found["active"], "mean": -found["mean"]}
    by = keys.get(order)
    numbers = np.arange(len(found["mean"])) if by is None else np.argsort(by, kind="stable")
    if only is not None:
        numbers = numbers[np.isin(numbers, only)]
    part = numbers[first : first + count].tolist()
    return {
        "total": len(numbers),
        "units": [
            {
                "unit": f"{layer}:{channel}",
                "channel": channel,
                "mean": float(found["mean"][channel]),
                "deviation": float(found["deviation"][channel]),
                "active": float(found["active"][channel]),
                "quantiles": rounded(found["quantiles"][:, channel]),
                "top": [vars(top) for top in store.top(f"{layer}:{channel}", 4)],
            }
            for channel in part
        ],
    }


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that lists show."""
    return {name: row[name] for name in SHOWN}


def store_picture(store: Store, model: Any, instance: int, size: int, unit: str | None) -> bytes:
    """A picture as the network sees it, or what a unit saw of it where it fired most."""
    fitted = model.preprocess.fit(picture_of(store, instance).sample.picture).numpy()
    box = None
    if unit is not None:
        parsed = Unit.parse(unit)
        best = store.top(parsed, 1, [instance])
        box = store.box(parsed.layer, best[0].place) if best else None
    return thumbnail(crop(fitted, box), size)


def telling(values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The units in the order of how differently they answer to the columns, in their own deviations; a single column by
    its values."""
    scaled = np.nan_to_num(values) / np.where(spread > 1e-9, spread, np.inf)[:, None]
    apart = scaled.max(axis=1) - scaled.min(axis=1) if values.shape[1] > 1 else scaled[:, 0]
    return np.argsort(-apart, kind="stable")


def instance_gradients(bench: Bench, store: str, asked: InstancesAsked) -> np.ndarray:
    """Units x pictures of gradient x activation for each picture's predicted class."""
    import torch

    found, model = bench.store(store), bench.model(bench.model_of[store])
    rows = found.rows(asked.instances)
    shown = torch.cat([model.prepare(picture_of(found, number).sample.picture) for number in asked.instances])
    return answers.gradients(model, shown, asked.layer, [int(row["prediction_index"] or 0) for row in rows])


def rounded(values: np.ndarray) -> list[Any]:
    """As JSON, with what a screen can show; NaN becomes null."""
    finite = np.where(np.isfinite(values), np.round(values.astype(float), 4), np.inf).astype(object)
    finite[finite == np.inf] = None
    found: list[Any] = finite.tolist()
    return found
