"""Everything held on a person, as one package of files with a signed, expiring link. It changes no data of a person."""
