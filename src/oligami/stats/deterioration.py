"""Time to deterioration: from scores at visits to times and events that survival methods understand.

What counts as deterioration is an argument each: by how much, in which direction, for how long, with death or not,
and what a missing visit means. Leaves the analysis to `survival` and `comparison`.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from oligami.stats import arguments, show
from oligami.stats.arguments import Floats, Ints, Label

Lasting = Literal["first", "confirmed", "definitive"]
Worse = Literal["lower", "higher"]
LastVisit = Literal["event", "censored"]
Death = Literal["event", "censored", "competing"]
EndOfObservation = Literal["last score", "censor time"]
Without = Literal["censored at 0", "left out"]

CENSORED, DETERIORATED, DIED = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deterioration:
    """Times to deterioration, one row a subject, in the order of `subject`.

    `time` and `event` go to `kaplan_meier` and `logrank`; `time` and `cause` to `cumulative_incidence`.
    """

    subject: tuple[Label, ...]
    time: Floats  # in the unit of the visits' times
    event: Ints  # 1 when it ended with what counts as the event
    cause: Ints  # 0 censored, 1 deteriorated, 2 died before; 0 too where death is censored
    baseline: Floats  # NaN where there is none
    n_scores: Ints  # scores used, after baseline
    without_baseline: int  # subjects who have none, whether left out or not

    def summary(self) -> str:
        """Show how the subjects ended as lines of text."""
        rows = [
            [word, int((self.cause == cause).sum())]
            for word, cause in (("deteriorated", DETERIORATED), ("died before", DIED), ("censored", CENSORED))
        ]
        notes = [f"{len(self.subject)} subjects, {int(self.event.sum())} events, {self.without_baseline} without baseline"]
        return show.table("Time to deterioration", ["ended", "subjects"], rows, notes)

    def to_frame(self) -> Any:
        """Return a data frame with one row a subject."""
        return show.frame(
            {
                "subject": np.array(self.subject, dtype=object),
                "time": self.time,
                "event": self.event,
                "cause": self.cause,
                "baseline": self.baseline,
                "n_scores": self.n_scores,
            }
        )


def time_to_deterioration(
    subject: ArrayLike,
    time: ArrayLike,
    score: ArrayLike,
    *,
    threshold: float,
    worse: Worse,
    subjects: ArrayLike | None = None,
    baseline: ArrayLike | None = None,
    death_time: ArrayLike | None = None,
    censor_time: ArrayLike | None = None,
    lasting: Lasting = "first",
    last_visit: LastVisit = "event",
    death: Death = "censored",
    censored_at: EndOfObservation = "last score",
    longest_gap: float | None = None,
    without_baseline: Without = "censored at 0",
) -> Deterioration:
    """Find when each subject's score has become worse than at baseline.

    A score is worse when it lies at least `threshold` from baseline in the direction `worse`. Missing scores are
    passed over: the next score is the next one there is. Deterioration comes at the time of the visit; a death at or
    before that visit comes first.

    Args:
        subject: label of each score's subject, shape (n,); n may be 0 when `subjects` is given.
        time: when the score was taken, shape (n,), from the start of observation; 0 or less is before or at baseline.
            A subject has at most one score a time.
        score: shape (n,), NaN where missing.
        threshold: least change that matters, > 0, in points of the score.
        worse: whether "lower" or "higher" scores are worse.
        subjects: all subjects, shape (m,), in the order wanted, also those without any score; by default those with
            a row, sorted.
        baseline: score of each of `subjects`, shape (m,), NaN where missing; by default each subject's last score at
            time 0 or before.
        death_time: of each of `subjects`, shape (m,), >= 0, NaN or infinite for those not known to have died.
        censor_time: end of observation of each of `subjects`, shape (m,), >= 0, NaN or infinite for none; scores and
            deaths after it do not count.
        lasting: "first": the first worse score is the event. "confirmed": the first worse score whose next one is
            worse too. "definitive": the first worse score after which none is better than worse again.
        last_visit: what a worse score without any later one is where confirmation is wanted: the "event" (nobody
            contradicts it), or "censored".
        death: without deterioration before it: the "event", "censored" at that time, or "competing" (event 0, cause 2).
        censored_at: where subjects without an event end: at their "last score" (0 when there is none) or at their
            "censor time", which all must then have; a death that is censored stays at its own time.
        longest_gap: scores and deaths more than this after the score before them (or after 0) do not count, and the
            subject is censored at that score: too much went unseen. By default any gap is accepted.
        without_baseline: subjects without a baseline score are "censored at 0" or "left out".

    Raises:
        ValueError: a column or a choice is refused; a subject is not among `subjects`, or has two scores at a time.

    Source: definitions as set side by side by Anota et al. (2015), Quality of Life Research 24, 5-18.

    >>> found = time_to_deterioration(
    ...     ["a", "a", "a", "b", "b", "b"], [0, 6, 12, 0, 6, 12], [80, 65, 82, 70, 72, 55], threshold=10, worse="lower"
    ... )
    >>> found.time, found.event
    (array([ 6., 12.]), array([1, 1]))
    """
    for argument, value, type_ in (
        ("worse", worse, Worse),
        ("lasting", lasting, Lasting),
        ("last_visit", last_visit, LastVisit),
        ("death", death, Death),
        ("censored_at", censored_at, EndOfObservation),
        ("without_baseline", without_baseline, Without),
    ):
        if value not in get_args(type_):
            raise ValueError(f"{argument} is {value!r}; it must be one of {', '.join(get_args(type_))}")
    arguments.number(threshold, "threshold", above=0)
    if longest_gap is not None:
        arguments.number(longest_gap, "longest_gap", above=0)
    names, who, when, points = _scores(subject, time, score, subjects)
    m = len(names)
    died = _own(death_time, m, "death_time")
    end = _own(censor_time, m, "censor_time")
    if censored_at == "censor time" and not np.isfinite(end).all():
        at = int(np.argmin(np.isfinite(end)))
        raise ValueError(f"censor_time of subject {names[at]!r} is missing; every subject must have one to be censored at it")
    died = np.where(died <= end, died, np.inf)

    start = _baseline(baseline, m, who, when, points)
    # A score after death is a mistake or a late form; it says nothing about time to deterioration.
    used = np.isfinite(points) & (when > 0) & (when <= np.minimum(end, died)[who]) & np.isfinite(start)[who]
    who, when, points = who[used], when[used], points[used]
    lost = np.zeros(m, dtype=bool)
    if longest_gap is not None:
        who, when, points, lost = _without_gaps(who, when, points, longest_gap, m)
    last = np.zeros(m)
    np.maximum.at(last, who, when)

    bad = (start[who] - points if worse == "lower" else points - start[who]) >= threshold
    moment = np.full(m, np.inf)
    events = np.flatnonzero(_lasts(who, bad, lasting, last_visit))
    np.minimum.at(moment, who[events], when[events])

    has_baseline = np.isfinite(start)
    seen_death = np.isfinite(died) & has_baseline & ~lost
    if longest_gap is not None:
        seen_death &= died - last <= longest_gap
    deteriorated = moment < np.where(seen_death, died, np.inf)
    dead = seen_death & ~deteriorated
    at_end = np.where(has_baseline & ~lost & (censored_at == "censor time"), np.minimum(end, died), last)
    if longest_gap is not None:
        at_end = np.where(at_end - last <= longest_gap, at_end, last)
    out = np.where(deteriorated, moment, np.where(dead, died, at_end))
    cause = np.where(deteriorated, DETERIORATED, np.where(dead & (death != "censored"), DIED, CENSORED))
    event = (cause == DETERIORATED) | ((cause == DIED) & (death == "event"))
    kept = np.flatnonzero(has_baseline) if without_baseline == "left out" else np.arange(m)
    return Deterioration(
        subject=tuple(names[i] for i in kept),
        time=arguments.frozen(out[kept]),
        event=arguments.frozen(event[kept].astype(np.int64)),
        cause=arguments.frozen(cause[kept].astype(np.int64)),
        baseline=arguments.frozen(start[kept]),
        n_scores=arguments.frozen(np.bincount(who, minlength=m)[kept]),
        without_baseline=int((~has_baseline).sum()),
    )


def _scores(
    subject: ArrayLike, time: ArrayLike, score: ArrayLike, subjects: ArrayLike | None
) -> tuple[tuple[Label, ...], Ints, Floats, Floats]:
    """All subjects; and the subject's number, time and score of each row, ordered by subject and time."""
    when, points = _column(time, "time"), _column(score, "score")
    if not np.isfinite(when).all():
        at = int(np.argmin(np.isfinite(when)))
        raise ValueError(f"time[{at}] is {when[at]}; it must be a finite number")
    arguments.same_length(points.size, when.size, "score")
    if when.size == 0 and subjects is not None:
        found, codes = tuple[Label, ...](), np.empty(0, dtype=np.int64)
        arguments.same_length(np.asarray(subject).size, 0, "subject")
    else:
        found, codes = arguments.labels(subject, when.size, "subject")
    names = found
    if subjects is not None:
        wanted = np.asarray(subjects)
        distinct, order = arguments.labels(wanted, wanted.size, "subjects")
        if len(distinct) != wanted.size:
            twice = distinct[int(np.argmax(np.bincount(order)))]
            raise ValueError(f"subjects hold {twice!r} twice; they must be different")
        names = tuple(wanted.tolist())
        position = {label: i for i, label in enumerate(names)}
        strangers = [label for label in found if label not in position]
        if strangers:
            raise ValueError(f"subject holds {strangers[0]!r}; it must be one of subjects")
        codes = np.array([position[label] for label in found], dtype=np.int64)[codes]
    order = np.lexsort((when, codes))
    who, when, points = codes[order], when[order], points[order]
    same = np.flatnonzero((who[1:] == who[:-1]) & (when[1:] == when[:-1]))
    if same.size:
        raise ValueError(f"subject {names[who[same[0]]]!r} has two scores at time {when[same[0]]:g}; it must have one")
    return names, who, when, points


def _baseline(given: ArrayLike | None, m: int, who: Ints, when: Floats, points: Floats) -> Floats:
    """Baseline of each subject, NaN where missing."""
    if given is not None:
        start = _column(given, "baseline")
        _same_subjects(start.size, m, "baseline")
        return np.where(np.isfinite(start), start, np.nan)
    start = np.full(m, np.nan)
    before = np.flatnonzero((when <= 0) & np.isfinite(points))
    # Rows are in the order of time: the one whose next is another subject's is the last.
    final = before[np.append(who[before][1:] != who[before][:-1], True)] if before.size else before
    start[who[final]] = points[final]
    return start


def _without_gaps(
    who: Ints, when: Floats, points: Floats, longest: float, m: int
) -> tuple[Ints, Floats, Floats, NDArray[np.bool_]]:
    """Keep each subject's rows up to its first gap that is too long, and say who had one."""
    before = np.append(0.0, when[:-1])
    before[np.append(True, who[1:] != who[:-1])[: who.size]] = 0.0
    gap = when - before > longest
    first = np.full(m, np.inf)
    np.minimum.at(first, who[gap], when[gap])
    keep = when < first[who]
    return who[keep], when[keep], points[keep], np.isfinite(first)


def _lasts(who: Ints, bad: NDArray[np.bool_], lasting: Lasting, last_visit: LastVisit) -> NDArray[np.bool_]:
    """Which scores would be the event, were they the first."""
    if who.size == 0 or lasting == "first":
        return bad
    followed = np.append(who[1:] == who[:-1], False)
    if lasting == "confirmed":
        after = np.append(bad[1:], False)
    else:
        # No better score follows within the subject: the next better one, if any, is another's.
        rows = np.arange(who.size)
        better = np.minimum.accumulate(np.where(bad, who.size, rows)[::-1])[::-1]
        after = np.append(who, -1)[better] != who
    return np.asarray(bad & np.where(followed, after, last_visit == "event"))


def _own(values: ArrayLike | None, m: int, argument: str) -> Floats:
    """One time a subject, infinite where there is none."""
    if values is None:
        return np.full(m, np.inf)
    times = _column(values, argument)
    _same_subjects(times.size, m, argument)
    if (times < 0).any():
        at = int(np.argmax(times < 0))
        raise ValueError(f"{argument}[{at}] is {times[at]}; it must be 0 or more, or NaN where there is none")
    return np.where(np.isnan(times), np.inf, times)


def _same_subjects(found: int, m: int, argument: str) -> None:
    if found != m:
        raise ValueError(f"{argument} has {found} rows; it must have one for each subject, {m}")


def _column(values: ArrayLike, argument: str) -> Floats:
    """A column of floats, NaN allowed."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{argument} holds values that are not numbers; it must be a column of numbers") from error
    if array.ndim != 1:
        raise ValueError(f"{argument} has {array.ndim} dimensions; it must be one column")
    return array
