"""
What the kernels that were not accepted were refused for: `python bench/refusals.py CLASSES.tsv VERDICTS.jsonl...`. Each
line of VERDICTS is a verdict with `candidate_id`, `source`, `name`, `status`, `cause`; the last one of a candidate
counts. CLASSES says of each refusal what it was found to be when it was read. Prints a table in Markdown, and what
nobody has read yet.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path


def main(classes: str, verdicts: list[str]) -> None:
    """Counts of each class, and of the causes in it."""
    with Path(classes).open() as file:
        class_of = {row["candidate"]: row["class"] for row in csv.DictReader(file, delimiter="\t")}
    latest = {}
    for path in verdicts:
        for line in Path(path).read_text().splitlines():
            verdict = json.loads(line)
            if verdict.get("origin", "mined") == "mined":
                latest[verdict["candidate_id"]] = verdict
    refused = [verdict for verdict in latest.values() if verdict["status"] != "PASSED"]
    causes: dict[str, Counter[str]] = {}
    for verdict in refused:
        found = class_of.get(verdict["candidate_id"], "not read")
        causes.setdefault(found, Counter())[verdict["cause"]] += 1
    print(f"{len(latest)} judged, {len(latest) - len(refused)} passed, {len(refused)} not\n")
    print("| class | kernels | causes |\n| --- | --- | --- |")
    for found, counts in sorted(causes.items(), key=lambda item: -item[1].total()):
        print(f"| `{found}` | {counts.total()} | {', '.join(f'{n} `{cause}`' for cause, n in counts.most_common())} |")
    for verdict in refused:
        if verdict["candidate_id"] not in class_of:
            print("\t".join(str(verdict[key]) for key in ("candidate_id", "source", "name", "cause")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
