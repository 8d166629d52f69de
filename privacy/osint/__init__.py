"""What public sources say about people: findings that an operator brings in files. Nothing here fetches anything."""
