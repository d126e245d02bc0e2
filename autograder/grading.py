"""Grade one hand-in: its code in a worker, the checks here, a report as the result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import replace

from cs231n_lib.checking import CheckFailed
from cs231n_lib.datasets import use_dataset

from .authoring import Check, Misconception
from .backends import DEFINE_SECONDS, Code, LocalBackend, SandboxBackend
from .calls import CallProblem
from .comparing import WrongValues
from .course import Exercise
from .diagnosis import TRAINING_TIMEOUT, describe_mismatch, find_misconception, replay
from .errors import SandboxUnavailable
from .handin import Handin, Unreadable
from .report import CheckResult, Outcome, QuestionResult, Report, clean_text
from .sandbox import WorkerLost, Zygote
from .seeds import check_rng, seed_name
from .student import Student
from .watch import TookTooLong, time_limit

__all__ = ["GRADER_VERSION", "Grade", "grade_handin"]

GRADER_VERSION = "1"
MAX_MESSAGE, MAX_DETAIL, MAX_NAME = 2_000, 5_000, 200
# A check's own computing, on values that a hand-in made, beside what the student's code may take.
OWN_SECONDS = 30.0
# Finding a hint. Where a check allows a training run, the reference makes it again and may take as
# long as a student's.
DIAGNOSIS_SECONDS = 10.0


def grade_handin(
    exercise: Exercise,
    content: bytes | Unreadable,
    student: str,
    zygote: Zygote,
    secret: bytes,
    keep: Sequence[CheckResult] = (),
) -> Report:
    """Grade the bytes of one notebook.

    Parameters
    ----------
    exercise
        What it is a hand-in of.
    content
        The file's bytes, or why they could not be read.
    student, secret
        Seed the checks' inputs.
    zygote
        Where its code runs.
    keep
        Results of an earlier run on the same bytes that stand: their checks are not run again.

    Returns
    -------
    Report
        Always: whatever the hand-in holds, it ends in a report.
    """
    start = time.perf_counter()
    grader = {
        "version": GRADER_VERSION,
        "suite": exercise.suite,
        "seed": seed_name(secret, student, exercise.id),
        "sandbox": zygote.mechanism.name,
    }
    try:
        if isinstance(content, Unreadable):
            raise content
        handin = Handin.read(content, exercise.text)
    except Unreadable as problem:
        checks = tuple(_result(c, "failed", f"Not graded: {problem}.") for c in exercise.checks)
        unanswered = tuple(replace(q, answered=False) for q in _questions(exercise, frozenset()))
        return Report(exercise.id, student, checks, unanswered, 0.0, str(problem), (), grader)
    code = Code(handin.definitions(exercise.text), exercise.refused, exercise.notebooks)
    with SandboxBackend(zygote, code) as backend:
        grade = Grade(exercise, backend, student, secret, keep)
        kept = {(result.name, result.max_points): result for result in keep}
        checks = tuple(kept.get((c.name, c.points)) or grade.run(c) for c in exercise.checks)
    seconds = round(time.perf_counter() - start, 3)
    questions = _questions(exercise, handin.answered)
    return Report(exercise.id, student, checks, questions, seconds, None, handin.notes, grader)


def _questions(exercise: Exercise, answered: frozenset[str]) -> tuple[QuestionResult, ...]:
    cells = exercise.text.of_kind("question")
    return tuple(QuestionResult(c.name, c.name in answered, c.points) for c in cells)


class Grade:
    """The checks of one hand-in, one after the other, none depending on another's fate."""

    def __init__(
        self,
        exercise: Exercise,
        backend: SandboxBackend,
        student: str,
        secret: bytes,
        keep: Sequence[CheckResult] = (),
    ) -> None:
        self.exercise = exercise
        self.backend = backend
        self.student = student
        self.secret = secret
        # Misconceptions that were found and from which others' failures may follow.
        found = {result.misconception for result in keep}
        self._known = {m.name for m in exercise.misconceptions if m.name in found and _spreads(m)}

    def run(self, check: Check) -> CheckResult:
        """Run one check and return its result, whatever happens."""
        start = time.perf_counter()
        with use_dataset(self.exercise.dataset):
            result = self._run(check)
        seconds = round(time.perf_counter() - start, 4)
        return replace(result, seconds=seconds, printed=self.backend.printed)

    def _run(self, check: Check, *, again: bool = True) -> CheckResult:
        rng = check_rng(self.secret, self.student, self.exercise.id, check.name)
        student = Student(self.backend)
        try:
            self.backend.begin(check)
            with time_limit(DEFINE_SECONDS + check.timeout + OWN_SECONDS):
                check.run(student, rng)
        except CheckFailed as failure:
            result = self._failed(check, student, "failed", str(failure), failure.kind)
            if isinstance(failure, WrongValues) and failure.error_map is not None:
                found = failure.error_map
                found = replace(found, name=clean_text(found.name, MAX_NAME))
                result = replace(result, error_map=found)
            return result
        except CallProblem as problem:
            return self._failed(check, student, problem.outcome, str(problem), problem.kind)
        except (WorkerLost, SandboxUnavailable) as error:
            self.backend.abandon()
            return self._run(check, again=False) if again else _lost(check, repr(error))
        except (Exception, TookTooLong):
            return self._unexpected(check, student, traceback.format_exc())
        return _result(check, "passed")

    def _failed(
        self, check: Check, student: Student, outcome: Outcome, message: str, kind: str
    ) -> CheckResult:
        result = _result(check, outcome, message)
        if kind in ("missing", "crash", "refused"):
            return result
        try:
            patience = check.timeout if check.timeout >= TRAINING_TIMEOUT else DIAGNOSIS_SECONDS
            with time_limit(patience):
                found = find_misconception(
                    check,
                    kind,
                    student._transcript,
                    self.exercise.misconceptions,
                    self.exercise.reference,
                    self._known,
                )
        except (Exception, TookTooLong) as error:
            # Without a hint then: what failed, failed, whatever its values do to our own code.
            return replace(result, detail=f"No diagnosis: {type(error).__name__}.")
        if found is None:
            return result
        if _spreads(found):
            self._known.add(found.name)
        return replace(result, misconception=found.name, hint=found.hint)

    def _unexpected(self, check: Check, student: Student, detail: str) -> CheckResult:
        """Find out what a check stumbled over: what the student's code returned, or itself.

        It is run again on the reference, with the same inputs. Where that passes, the student's
        values are to blame and the failure is an ordinary one.
        """
        rng = check_rng(self.secret, self.student, self.exercise.id, check.name)
        reference = self.exercise.reference.namespace()
        # In the middle of an answer perhaps: what comes next must not be taken for the rest of it.
        self.backend.abandon()
        try:
            with time_limit(OWN_SECONDS):
                check.run(Student(LocalBackend(reference)), rng)
        except (Exception, TookTooLong):
            return _lost(check, f"{detail}\nand on the reference:\n{traceback.format_exc()}")
        last = detail.strip().splitlines()[-1]
        message = f"What `{check.of}` returned cannot be used: {clean_text(last, 300)}"
        try:
            with time_limit(DIAGNOSIS_SECONDS):
                answers = replay(student._transcript, reference)
                message = describe_mismatch(student._transcript, answers) or message
        except (Exception, TookTooLong) as error:
            result = _result(check, "failed", message)
            return replace(result, detail=f"No comparison: {type(error).__name__}.")
        return self._failed(check, student, "failed", message, "type")


def _spreads(misconception: Misconception) -> bool:
    """Whether what is built on the function may fail for it: not because it is slow, say."""
    return misconception.symptom in ("value", "exception")


def _lost(check: Check, detail: str) -> CheckResult:
    message = "This check could not be run. That is the grader's fault and costs you no points."
    return replace(
        _result(check, "could_not_run", message),
        points=check.points,
        detail=clean_text(detail, MAX_DETAIL),
    )


def _result(check: Check, outcome: Outcome, message: str = "") -> CheckResult:
    points = check.points if outcome == "passed" else 0
    text = clean_text(message, MAX_MESSAGE)
    return CheckResult(check.name, check.of, check.description, outcome, points, check.points, text)
