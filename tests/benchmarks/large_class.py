"""Time and memory of grading classes of growing size, with hand-ins that cost next to nothing.

    python tests/benchmarks/large_class.py [--sizes 100,1000,10000] [--jobs 2]

The course is the tests' own, of one small exercise; hand-ins are right, wrong, blank and none at
all, in turn. What is left is what grading itself costs: sandbox, checks, diagnosis, report, graded
notebook, feedback page, gradebook. For each size ``autograder grade`` runs once in a new process;
memory is the most that this process, the one writer, and that one of its graders had. A second run,
in which everything stands, is timed too.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory import Peaks, watched

from autograder.build import build
from autograder.course import Course
from autograder.makeup import blank, misconception_source, reference, with_solution

TINY = Path(__file__).resolve().parents[1] / "autograder" / "course"
COMMAND = "from autograder.cli import main; main()"


def make_class(root: Path, students: int) -> None:
    """Write the hand-ins of a class into a course."""
    (exercise,) = Course(root).select("t1/mean")
    wrong = [
        with_solution(exercise, one.of, misconception_source(one))
        for one in exercise.misconceptions
        if one.symptom == "value"
    ]
    contents = [reference(exercise), *wrong, blank(exercise), b"no notebook"]
    for number in range(students):
        folder = root / "submitted" / f"student{number:05}" / "t1"
        folder.mkdir(parents=True)
        (folder / "mean.ipynb").write_bytes(contents[number % len(contents)])


def grade(root: Path, jobs: int) -> tuple[float, Peaks]:
    """Return the seconds that grading the class takes, and the memory."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "grade", "t1", "--jobs", str(jobs)],
        cwd=root,
        stdout=subprocess.DEVNULL,
    )
    with watched(process.pid) as peaks:
        code = process.wait()
    assert code == 0, f"autograder grade ended with {code}"
    return time.perf_counter() - start, peaks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", default="100,1000,10000", help="joined by commas")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    titles = "hand-ins | seconds | ms each | writer, MB | grader, MB | again, nothing new, s"
    print(f"| {titles} |")
    print("|---|---|---|---|---|---|", flush=True)
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="class-") as folder:
            root = Path(folder) / "course"
            shutil.copytree(TINY, root, ignore=shutil.ignore_patterns("__pycache__"))
            course = Course(root)
            build(course, course.select(None))
            make_class(root, size)
            seconds, peaks = grade(root, options.jobs)
            again, _ = grade(root, options.jobs)
        figures = (f"{seconds:.1f}", f"{1000 * seconds / size:.0f}")
        figures += (f"{peaks.own:.0f}", f"{peaks.grader:.0f}", f"{again:.1f}")
        row = " | ".join((str(size), *figures))
        print(f"| {row} |", flush=True)


if __name__ == "__main__":
    main()
