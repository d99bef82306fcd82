"""How good names are: does what they promise happen? On held-out pictures, or on pictures drawn to a name.

Plain arrays: `simulated` is how surely a unit's name is seen in each picture, `real` what the unit did there.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from cutaway.core.errors import DataError
from cutaway.metrics.measured import Measured, mean_of


def simulated_correlation(simulated: np.ndarray, real: np.ndarray, seed: int = 0) -> Measured:
    """Pearson's correlation of each unit's simulated with its real activation: mean, interval and n over units.

    Units that never change are left out. Source: Bills et al. 2023 (simulation scoring). Raises DataError for unequal
    shapes.
    """
    _alike(simulated, real)
    changing = (simulated.std(axis=0) > 0) & (real.std(axis=0) > 0)
    values = [np.corrcoef(simulated[:, i], real[:, i])[0, 1] for i in np.flatnonzero(changing)]
    return mean_of(np.array(values, dtype=np.float64), seed)


def simulated_auprc(simulated: np.ndarray, real: np.ndarray, share: float = 0.05, seed: int = 0) -> Measured:
    """The average precision with which the simulation finds the `share` of pictures that each unit fires on most."""
    _alike(simulated, real)
    top = max(1, round(share * len(real)))
    values = []
    for unit in range(real.shape[1]):
        fires = np.zeros(len(real), bool)
        fires[np.argsort(-real[:, unit], kind="stable")[:top]] = True
        values.append(_average_precision(fires, simulated[:, unit]))
    return mean_of(np.array(values, dtype=np.float64), seed)


def constant_name(
    seen: Float[np.ndarray, "_ phrases"], real: Float[np.ndarray, "_ units"], seed: int = 0
) -> tuple[int, Measured]:
    """The control that every naming has to beat: one phrase as the name of all units, the one that serves best.

    `seen` is how surely each phrase is seen. Answers with the phrase's number and the simulated correlation.
    """
    if len(seen) != len(real):
        raise DataError(f"phrases seen in {len(seen)} pictures and units in {len(real)}; expected the same pictures")
    alike = _unit_columns(seen).T @ _unit_columns(real)
    best = int(alike.mean(axis=1).argmax())
    changing = real.std(axis=0) > 0
    return best, mean_of(alike[best, changing].astype(np.float64), seed)


def cosy(drawn: Float[np.ndarray, " named"], control: Float[np.ndarray, " others"]) -> float:
    """The chance that a unit fires more on a picture drawn to its name than on a control picture.

    Source: Kopf et al. 2024 (CoSy); 0.5 is chance. Raises DataError where one side is empty.
    """
    if not len(drawn) or not len(control):
        raise DataError(f"{len(drawn)} drawn and {len(control)} control pictures; expected at least one of each")
    fires: Bool[np.ndarray, " n"] = np.repeat([True, False], [len(drawn), len(control)])
    from sklearn.metrics import roc_auc_score  # here, for it takes a second to import

    return float(roc_auc_score(fires, np.concatenate([drawn, control])))


def cosy_precision(drawn: Float[np.ndarray, " named"], control: Float[np.ndarray, " others"]) -> float:
    """The average precision with which a unit's activation finds the drawn pictures among the controls."""
    if not len(drawn) or not len(control):
        raise DataError(f"{len(drawn)} drawn and {len(control)} control pictures; expected at least one of each")
    fires = np.repeat([True, False], [len(drawn), len(control)])
    return _average_precision(fires, np.concatenate([drawn, control]))


def _unit_columns(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    centred = values - values.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=0)
    found: np.ndarray = centred / np.where(lengths > 0, lengths, 1)
    return found


def _alike(simulated: np.ndarray, real: np.ndarray) -> None:
    if simulated.shape != real.shape or simulated.ndim != 2:
        raise DataError(f"signals of {simulated.shape} and {real.shape}; expected two (pictures, units) of one shape")


def _average_precision(fires: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score  # here, for it takes a second to import

    return float(average_precision_score(fires, scores))
