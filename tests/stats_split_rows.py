"""The breast-cancer data cut into rows with late entry and a covariate that changes: shared by the tests of regression.

The same rows in R, from tests/reference/stats/data/gbsg.csv:

    g$month <- ceiling(g$time/30); g$entry <- floor(g$month*(g$pid%%5)/10); g$mid <- g$entry+ceiling((g$month-g$entry)/2)
    a <- transform(g, start=entry, stop=pmin(mid,month), died=ifelse(mid<month,0,event), now=size)
    b <- transform(subset(g, mid<month), start=mid, stop=month, died=event, now=size+pid%%11)
    d <- rbind(a,b); d$w <- 1+(d$pid%%3)/2
    ctl <- coxph.control(eps=1e-13, toler.chol=1e-14, iter.max=100)

and the fits are coxph(Surv(start,stop,died)~hormon+now+nodes [+strata(grade)], d, control=ctl, cluster=pid [, weights=w]).
"""

from typing import Any

import numpy as np

from oligami.stats.partial_likelihood import Ties
from oligami.stats.regression import CoxResult, cox
from stats_reference import Columns, columns_of, rows_where

TERMS = ("hormon", "now", "nodes")


def split_rows() -> Columns:
    g = columns_of({"input": {}, "dataset": "data/gbsg.csv"})
    month = np.ceil(g["time"] / 30)
    entry = np.floor(month * (g["pid"] % 5) / 10)
    middle = entry + np.ceil((month - entry) / 2)
    early = g | {
        "start": entry,
        "stop": np.minimum(middle, month),
        "died": np.where(middle < month, 0, g["event"]),
        "now": g["size"],
    }
    late = g | {"start": middle, "stop": month, "died": g["event"], "now": g["size"] + g["pid"] % 11}
    late = rows_where(late, middle < month)
    rows = {name: np.concatenate((early[name], late[name])) for name in early}
    return rows | {"w": 1 + (rows["pid"] % 3) / 2}


def fitted(ties: Ties = "efron", *, strata: bool = False, weights: bool = False, **changed: Any) -> CoxResult:
    rows = split_rows()
    options = {
        "entry": rows["start"],
        "names": TERMS,
        "strata": rows["grade"] if strata else None,
        "weights": rows["w"] if weights else None,
        "ties": ties,
        "subject": rows["pid"],
        "cluster": rows["pid"],
    }
    return cox(rows["stop"], rows["died"], np.column_stack([rows[name] for name in TERMS]), **(options | changed))


def checksums(values: np.ndarray) -> np.ndarray:
    """In R: function(v) { v <- as.matrix(v); c(colSums(abs(v)), colSums(v * seq_len(nrow(v)))) }."""
    columns = values.reshape(values.shape[0], -1)
    return np.concatenate((np.abs(columns).sum(axis=0), (columns * np.arange(1, columns.shape[0] + 1)[:, None]).sum(axis=0)))
