"""Model families: pure modules, frames and arrays in, fitted estimators and figures out. No tables, no registry."""
