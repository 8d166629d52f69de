"""Gates at three borders and drift between windows: what is measured, never what the values were."""
