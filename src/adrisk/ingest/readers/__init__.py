"""Raw rows from CSV, TSV, JSON Lines and Parquet files."""
