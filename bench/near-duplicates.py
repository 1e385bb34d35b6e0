"""Near duplicates with datasketch, for bench/near-duplicates.ts: prints seconds, and the pairs it found as JSON.

Words are split by a regular expression, as users of datasketch do it; names of variables are not seen through.
"""

from __future__ import annotations

import json
import re
import sys
import time

import pyarrow.parquet as pq
from datasketch import MinHash, MinHashLSH

WORD = re.compile(r"\w+|[^\w\s]")


def main(path: str) -> None:
    """Reads `candidate_id` and `code`, and finds for each code the first one that is near."""
    table = pq.read_table(path, columns=["candidate_id", "code"])
    started = time.perf_counter()
    index = MinHashLSH(threshold=0.8, num_perm=128)
    pairs: list[tuple[str, str]] = []
    for candidate, code in zip(table["candidate_id"].to_pylist(), table["code"].to_pylist(), strict=True):
        words = WORD.findall(code)
        signature = MinHash(num_perm=128)
        signature.update_batch([" ".join(words[at : at + 5]).encode() for at in range(max(1, len(words) - 4))])
        pairs.extend((other, candidate) for other in index.query(signature))
        index.insert(candidate, signature)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "pairs": pairs}))


if __name__ == "__main__":
    main(sys.argv[1])
