"""Where rows live: tables, transactions, queries and migrations. The only room with SQL."""
