"""The next-action model from sessions to recommendations. Counting and weighing steps is ml.families.next_step's."""
