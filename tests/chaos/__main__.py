"""Tries what is promised, prints each figure in a line, and ends with 1 if one is missed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

from tests.chaos import browser, clients, judge, networks, proxies, tls
from tests.chaos.figures import Figure, Missing

EXPERIMENTS: Sequence[Callable[[], Iterator[Figure]]] = (
    clients.holders,
    clients.half_open,
    clients.too_many,
    clients.deaf,
    clients.hanging_up,
    networks.far_peers,
    networks.discovery_flood,
    browser.pages_of_others,
    browser.attacks_where_it_is_listed,
    browser.listed_pages,
    tls.tls,
    proxies.reverse_proxy,
    judge.slowhttptest,
)


def main(names: Sequence[str]) -> int:
    """Run these experiments, or all."""
    known = {each.__name__: each for each in EXPERIMENTS}
    if unknown := set(names) - set(known):
        print(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        return 2
    missed = skipped = 0
    for name in names or known:
        print(f"{name}: {known[name].__doc__}", flush=True)
        try:
            for figure in known[name]():
                print(f"  {figure}", flush=True)
                missed += not figure.kept
        except Missing as missing:
            print(f"  skipped: {missing}", flush=True)
            skipped += 1
    print(f"{'all kept' if not missed else f'{missed} MISSED'}, {skipped} skipped", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
