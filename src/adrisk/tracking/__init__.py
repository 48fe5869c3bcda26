"""MLflow tracking: runs, data sets, the model registry and its aliases.

Only this package imports MLflow, on first use; without it the error names the extra. The store
is SQLite in the workspace unless MLFLOW_TRACKING_URI is set.
"""
