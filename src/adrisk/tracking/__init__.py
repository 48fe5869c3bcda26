"""MLflow: runs, data sets, the registry and its aliases. The only room that knows MLflow.

Nothing is imported from MLflow until a function here is called; without it installed the error
names the extra. The store is SQLite in the workspace unless MLFLOW_TRACKING_URI says otherwise.
"""
