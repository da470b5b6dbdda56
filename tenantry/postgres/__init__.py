"""What both planes need of PostgreSQL beneath their own tables: schema migrations."""
