"""Train, let the doctor name what is wrong, treat it, compare, keep or undo, go on.

The patient is the recipe. A treatment amends it, and a second course of training is made from the amended recipe with
parts of its own: from the latest snapshot before the trouble where that still holds, else from the first step. The
untreated course stays in memory as it is, so undoing a treatment is to go on with it, to the same bits.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import torch

from gradus.core.errors import InputError
from gradus.training.attempt import Attempt, make_attempt
from gradus.training.callbacks import Callback
from gradus.training.interruption import Interruption
from gradus.training.prepare import Prepared, prepare
from gradus.training.recipe import Recipe
from gradus.training.recorder import Checkpointer, Recorder
from gradus.training.repair.amendments import Fields, Ground, amend, order
from gradus.training.repair.case import Case
from gradus.training.repair.course import Course, carries, stand_at
from gradus.training.repair.judging import judge
from gradus.training.repair.ring import Snapshot, copied
from gradus.training.repair.story import change, figures, told
from gradus.training.repair.trouble import Trouble
from gradus.training.store import Draft, RunStore


class Repaired(NamedTuple):
    """Where a repaired run ended.

    Attributes:
        doctor: what the doctor came to in the course that was kept.
    """

    attempt: Attempt
    doctor: dict[str, Any]
    interrupted: bool


class _Shelved(NamedTuple):
    """The untreated course, given up before its end, with its attempt in the store and the user's callbacks' states."""

    course: Course
    attempt: int
    callbacks: dict[str, Any]


class Plan(NamedTuple):
    """A treatment that has not been tried: the trouble, the remedy, and the recipe with it."""

    trouble: Trouble
    remedy: str
    recipe: Recipe
    fields: Fields


def repair(
    attempt: Attempt,
    case: Case,
    store: RunStore,
    checkpointer: Checkpointer,
    interruption: Interruption,
    callbacks: Sequence[Callback],
) -> Repaired:
    """Train `attempt` to its end, and treat what the doctor finds, up to as many times as its recipe allows.

    Args:
        case: one of the attempt's callbacks; what earlier processes tried is in it.
        callbacks: the user's. They look on at every course; those with a name are put back when one is undone.
    """
    return _Repair(case, store, checkpointer, interruption, callbacks).run(attempt)


class _Repair:
    def __init__(
        self,
        case: Case,
        store: RunStore,
        checkpointer: Checkpointer,
        interruption: Interruption,
        callbacks: Sequence[Callback],
    ) -> None:
        self._case, self._store = case, store
        self._checkpointer, self._interruption, self._callbacks = checkpointer, interruption, callbacks
        self._shelved: _Shelved | None = None

    def run(self, attempt: Attempt) -> Repaired:
        doctor = attempt.prepared.recipe.doctor
        line = Course(attempt, self._store)
        line.train()
        interrupted = line.interrupted
        while not interrupted:
            plan = self._plan(line) if len(self._case.tries) < doctor.tries else None
            if plan is None:
                if line.ended:
                    line, again = self._settle(line)
                    if not again:
                        break
                line.train()
                interrupted = line.interrupted
                continue
            self._save(line)
            kept, interrupted = self._try(line, plan)
            line = kept or line
        self._store.event(line.trainer.step, line.trainer.epoch, "doctor", line.conclusion)
        return Repaired(line.attempt, line.conclusion, interrupted)

    def _plan(self, line: Course) -> Plan | None:
        """The likeliest cause's first remedy that would make a recipe not tried yet, and that fits."""
        ground = _ground(line.attempt, self._case.overshot)
        for trouble in self._troubles(line):
            for remedy in order(trouble.cause):
                found = amend(ground, remedy)
                if found is not None and not self._case.knows(found[0]):
                    return Plan(trouble, remedy, *found)
        return None

    def _troubles(self, line: Course) -> Sequence[Trouble]:
        """What the doctor of this process names; one that has just begun goes by what the last one named."""
        found = line.troubles()
        step, known = self._case.troubles
        if not line.doctoring.history.step and step == line.trainer.step:
            return [Trouble(**each) for each in known]
        self._case.troubles = (line.trainer.step, [asdict(each) for each in found])
        return found

    def _try(self, line: Course, plan: Plan) -> tuple[Course | None, bool]:
        """Train under the amended recipe to where `line` stands; the course if it is better, and whether to stop."""
        prepared = self._prepared(line, plan)
        if prepared is None:
            return None, False
        before = {each.name: copied(each.state_dict()) for each in self._callbacks if each.name}
        snapshot = line.ring.before(plan.trouble.since) if carries(plan.fields, line.attempt) else None
        draft = Draft(self._store.path)
        course: Course | None = None
        try:
            course = self._course(prepared, snapshot, draft)
            course.train(until=None if line.ended else _same_point(line, course))
        except torch.OutOfMemoryError as error:
            self._undo(course, before)
            self._note(line, plan, prepared.recipe, snapshot, {"kept": False, "why": str(error).splitlines()[0]})
            return None, False
        if course.interrupted:
            self._undo(course, before)
            return None, True
        untreated = line.score()
        verdict = judge(course.score(), untreated, by_class=plan.remedy == "balance")
        self._note(line, plan, prepared.recipe, snapshot, {"kept": verdict.better, **figures(verdict, untreated)})
        if not verdict.better:
            self._undo(course, before)
            return None, False
        self._adopt(line, course, snapshot, draft, before)
        return course, False

    def _prepared(self, line: Course, plan: Plan) -> Prepared | None:
        """The parts of the amended recipe; None if they do not fit each other, or were tried by another name."""
        was = line.attempt.prepared
        preprocessing = was.preprocessing if plan.recipe.data == was.recipe.data else None
        try:
            prepared = prepare(plan.recipe, was.raw, preprocessing)
        except InputError:
            self._case.learn(plan.recipe)
            return None
        if prepared.recipe != plan.recipe and self._case.knows(prepared.recipe):  # what "auto" came to
            self._case.learn(plan.recipe)
            return None
        return prepared

    def _course(self, prepared: Prepared, snapshot: Snapshot | None, draft: Draft) -> Course:
        """At the snapshot or at the first step."""
        attempt = make_attempt(prepared, self._callbacks)
        self._put_back(self._case.began)
        if snapshot is not None:
            stand_at(attempt, snapshot.state)
        attempt.trainer.callbacks += (Recorder(draft), self._interruption)
        course = Course(attempt, draft)
        course.looking = False
        return course

    def _settle(self, line: Course) -> tuple[Course, bool]:
        """At the end: the untreated course again, if it stood better when it was given up; and whether it is.

        It is gone on with as it would have without repair, so a repaired run is that or better.
        """
        if self._shelved is None:
            return line, False
        shelved, self._shelved = self._shelved, None
        untreated = shelved.course
        if not line.score().worse_than(untreated.score()):
            untreated.leave()
            return line, False
        self._store.go_back(shelved.attempt)
        self._case.recipe = untreated.attempt.prepared.recipe
        for each in self._case.tries:
            if each["kept"]:
                each |= {"kept": False, "later": True}
                self._tell(each)
        self._put_back(shelved.callbacks)
        self._save(untreated)
        return untreated, True

    def _adopt(
        self, line: Course, course: Course, snapshot: Snapshot | None, draft: Draft, before: dict[str, Any]
    ) -> None:
        """The treated course is the run from here on."""
        if line.ended or self._shelved is not None:
            line.leave()
        else:
            self._shelved = _Shelved(line, self._store.attempt, before)
        self._store.begin(*_begun(snapshot))
        draft.adopt(self._store)
        self._case.recipe = course.attempt.prepared.recipe
        course.trainer.callbacks += (self._case, self._checkpointer)
        course.looking = not course.ended
        self._save(course)

    def _undo(self, course: Course | None, callbacks: dict[str, Any]) -> None:
        """Nothing is left of the treated course but what is noted of it."""
        if course is not None:
            course.leave()
        self._put_back(callbacks)

    def _put_back(self, callbacks: dict[str, Any]) -> None:
        for each in self._callbacks:
            if each.name:
                each.load_state_dict(copied(callbacks[each.name]))

    def _save(self, line: Course) -> None:
        """Where the run stands is safe from a kill; not where its loss is not finite, which it will come to again."""
        self._checkpointer.write(line.trainer)

    def _note(
        self, line: Course, plan: Plan, tried: Recipe, snapshot: Snapshot | None, outcome: dict[str, Any]
    ) -> None:
        self._case.learn(plan.recipe, tried)
        document = {
            "try": len(self._case.tries) + 1,
            "cause": plan.trouble.cause,
            "confidence": plan.trouble.confidence,
            "since_step": plan.trouble.since,
            "remedy": plan.remedy,
            "change": change(line.attempt.prepared.recipe, tried, plan.fields),
            "at_step": line.trainer.step,
            "from_step": 0 if snapshot is None else snapshot.step,
            **outcome,
        }
        self._case.tries.append(document)
        self._tell(document)

    def _tell(self, document: dict[str, Any]) -> None:
        # At step 0, so that it stays to be seen whatever course the run takes.
        self._store.event(0, 0, "repair", document)
        print(f"gradus repair {document['try']}: {told(document)}", file=sys.stderr)


def _ground(attempt: Attempt, overshot: float | None) -> Ground:
    prepared = attempt.prepared
    return Ground(
        recipe=prepared.recipe,
        spec=prepared.spec,
        validates="validation" in prepared.evaluation,
        batch_size=min(prepared.loader.batch_size, prepared.loader.examples),
        overshot=overshot,
    )


def _same_point(line: Course, course: Course) -> int:
    """The step at which `course` has seen as many examples as `line`."""
    return round(line.trainer.step * len(course.trainer.loader) / len(line.trainer.loader))


def _begun(snapshot: Snapshot | None) -> tuple[int, int]:
    """Steps and epochs done where a course began."""
    if snapshot is None:
        return 0, 0
    progress = snapshot.state["progress"]
    return progress["step"], progress["epoch"]
