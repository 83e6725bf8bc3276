"""The project's figures: every run behind docs/results.md, kept, and the pages made from them.

python -m benchmarks.results --jobs 2
"""
