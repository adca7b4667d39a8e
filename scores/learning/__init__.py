"""Finding the points of a scorecard out of what became of people, and saying how well they tell.

Nothing here is used when somebody is scored: it makes a draft and a report for the operators who may publish it. What
computes with scikit-learn imports it only when called (`fitting`, `boosting`; `pip install -r
requirements-analysis.txt`); everything else is the standard library.
"""
