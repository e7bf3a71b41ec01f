"""Numerics on arrays; knows no trial.

`survival` estimates curves, `comparison` compares them, `regression` fits the Cox model and `proportional_hazards`
checks its assumption, `concordance` scores its predictions, `proportions` handles counts. All are plain numpy;
every published number they must meet stands in the tests.
"""
