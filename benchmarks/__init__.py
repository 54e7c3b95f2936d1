"""What things cost, as ratios measured in one run; `python -m benchmarks.images` and so on, or `tox -e bench` for all of them."""
