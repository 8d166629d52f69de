"""Tables in which nobody stands alone: classes, suppression, recoding, measures. Noise for aggregates is not here."""
