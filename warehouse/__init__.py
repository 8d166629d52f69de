"""The one PostgreSQL: settings, the server, roles, migrations, Arrow in and out. It knows no stage."""
