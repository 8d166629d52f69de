"""dbt's models on Spark: their PostgreSQL, translated as they run. No model and nothing of dbt is here."""
